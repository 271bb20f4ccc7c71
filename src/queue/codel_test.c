/* SPDX-License-Identifier: MIT */
/* Tests of CoDel: when a delay is too long, and how often it drops. */
#include "queue/codel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS NS_PER_MS

/* One packet taken: when, how long it had waited, and what was behind it. */
static void test_above(void **state)
{
	static const struct {
		unsigned at_ms, waited_ms;
		size_t backlog;
		bool above;
	} steps[] = {
		{ 1000, 4, 90000, false }, /* not too long */
		{ 1001, 5, 90000, false }, /* too long from here */
		{ 1100, 9, 90000, false }, /* for 99 ms */
		{ 1101, 9, 90000, true },  /* for an interval */
		{ 1150, 9, 1515, true },
		{ 1151, 9, 1514, false }, /* one packet is left: that is no queue */
		{ 1152, 9, 90000, false },
		{ 1251, 9, 90000, false },
		{ 1252, 9, 90000, true },
		{ 1253, 4, 90000, false }, /* one packet in time ends it */
		{ 1254, 9, 90000, false },
		{ 1354, 9, 90000, true },
	};
	struct codel c = { 0 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(codel_is_above(&c, steps[i].waited_ms * MS, steps[i].backlog,
					 (struct mono){ steps[i].at_ms * MS }),
			steps[i].above);
}

/* The interval divided by the square root of the count. */
static void test_law(void **state)
{
	const struct mono t = { 5 * NS_PER_S };

	for (uint32_t n = 0; n < 100000; n = n * 5 / 4 + 1) {
		double got = (double)(codel_next_drop(t, n).ns - t.ns);
		double square = got * got * (n ? n : 1) / 1e16;

		assert_true(square > 0.9999 && square < 1.0001);
	}
	assert_int_equal(codel_next_drop(t, 1).ns - t.ns, 100 * MS);
	assert_int_equal(codel_next_drop(t, 4).ns - t.ns, 50 * MS);
	assert_true(codel_next_drop(t, UINT32_MAX).ns > t.ns);
}

/* The frequency of the last time is used again if it was not long ago. */
static void test_start(void **state)
{
	static const struct {
		uint32_t count, last_count;
		uint64_t since_ms; /* since the drop that was next when dropping ended */
		uint32_t want;
	} rows[] = {
		{ 0, 0, 0, 1 },
		{ 9, 1, 10, 8 },
		{ 9, 1, 1599, 8 },
		{ 9, 1, 1600, 1 },
		{ 9, 8, 10, 1 },
		{ 10, 8, 10, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codel c = { .drop_next = { 7 * NS_PER_S },
			.count = rows[i].count,
			.last_count = rows[i].last_count };
		struct mono now = { 7 * NS_PER_S + rows[i].since_ms * MS };

		codel_start(&c, now);
		assert_true(c.dropping);
		assert_int_equal(c.count, rows[i].want);
		assert_int_equal(c.last_count, rows[i].want);
		assert_int_equal(c.drop_next.ns, codel_next_drop(now, rows[i].want).ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_above),
		cmocka_unit_test(test_law),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
