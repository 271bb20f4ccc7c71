/* SPDX-License-Identifier: MIT */
/* Tests of a wall clock that is set. */
#include "base/wall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DAY 86400

static const struct wall noon = { .sec = 1700000000, .nsec = 5 };

static struct mono after(uint64_t s)
{
	return (struct mono){ (1000 + s) * NS_PER_S };
}

static struct wall plus(int64_t s)
{
	return (struct wall){ .sec = noon.sec + (uint64_t)s, .nsec = noon.nsec };
}

static void test_was_set(void **state)
{
	static const struct {
		uint64_t later; /* s */
		int64_t shows;	/* s after noon */
		bool set;
	} cases[] = {
		{ 0, 0, false },
		{ 60, 60, false },
		{ 60, 61, false },
		{ 60, 59, false },
		{ 60, 62, true },
		{ 60, 58, true },
		{ 60, 60 + DAY, true },
		{ 60, 60 - 366 * DAY, true },
		{ 10 * DAY, 10 * DAY + 400, false }, /* NTP has made it faster */
		{ 10 * DAY, 11 * DAY, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
			wall_was_set(after(0), noon, after(cases[i].later), plus(cases[i].shows)),
			cases[i].set);
	assert_true(wall_was_set(after(0), noon, after(60), (struct wall){ .sec = 60 }));
}

static void test_at(void **state)
{
	struct wall w = wall_at(after(0), after(60), plus(60));

	assert_int_equal(w.sec, noon.sec);
	assert_int_equal(w.nsec, noon.nsec);
	w = wall_at(after(0), after(60), plus(DAY + 60));
	assert_int_equal(w.sec, noon.sec + DAY);
	w = wall_at(after(0), after(60), (struct wall){ .sec = 100 });
	assert_int_equal(w.sec, 40);
	w = wall_at(after(0), after(60), (struct wall){ .sec = 30 }); /* before 1970 */
	assert_int_equal(w.sec, 1);
	w = wall_at(after(60), after(0), plus(7)); /* not earlier */
	assert_int_equal(w.sec, noon.sec + 7);
}

/* It follows the clock forward, and goes on where that was set back, also across several steps. */
static void test_steady(void **state)
{
	struct steady_wall s = { 0 };

	assert_int_equal(steady_wall_read(&s, after(0), (struct wall){ .sec = 3 }).sec, 3);
	assert_int_equal(steady_wall_read(&s, after(1), noon).sec, noon.sec);
	assert_int_equal(steady_wall_read(&s, after(2), plus(1)).sec, noon.sec + 1);
	assert_int_equal(steady_wall_read(&s, after(12), plus(DAY)).sec, noon.sec + DAY);
	assert_int_equal(steady_wall_read(&s, after(22), plus(20)).sec, noon.sec + DAY + 10);
	assert_int_equal(steady_wall_read(&s, after(32), (struct wall){ .sec = 1 }).sec,
		noon.sec + DAY + 20);
	assert_int_equal(steady_wall_read(&s, after(42), plus(2 * DAY)).sec, noon.sec + 2 * DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_was_set),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
