/* SPDX-License-Identifier: MIT */
/* Tests of the replay window: a table of its edges, and a naive set of all counters seen. */
#include "wg/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define WINDOW (WG_REPLAY_BITS - 64)
#define LAST   (WG_REJECT_AFTER_MESSAGES - 1)

/* Each step continues from the state of the previous one. */
static void test_edges(void **state)
{
	static const struct {
		const char *name;
		uint64_t counter;
		bool accepted;
	} steps[] = {
		{ "first", 0, true },
		{ "again", 0, false },
		{ "next", 1, true },
		{ "again", 1, false },
		{ "ahead", 9, true },
		{ "between", 8, true },
		{ "between", 7, true },
		{ "again", 7, false },
		{ "oldest left", 2, true },
		{ "window's far end", WINDOW + 16, true },
		{ "just in the window", 16, true },
		{ "just behind it", 15, false },
		{ "again", 16, false },
		{ "inside", 17, true },
		{ "word after word", WINDOW + 64, true },
		{ "word after word", WINDOW + 128, true },
		{ "behind", 127, false },
		{ "still in", 128, true },
		{ "far ahead: all cleared", 1 << 20, true },
		{ "inside", (1 << 20) - WINDOW, true },
		{ "behind", (1 << 20) - WINDOW - 1, false },
		{ "behind", WINDOW + 130, false },
		{ "last valid counter", LAST, true },
		{ "again", LAST, false },
		{ "just in the window", LAST - WINDOW, true },
		{ "just behind it", LAST - WINDOW - 1, false },
		{ "used up", LAST + 1, false },
		{ "used up", UINT64_MAX, false },
		{ "zero again", 0, false },
	};
	struct wg_replay r = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (wg_replay_check(&r, steps[i].counter) != steps[i].accepted ||
			wg_replay_commit(&r, steps[i].counter) != steps[i].accepted)
			fail_msg("step %zu, %s: %llu", i, steps[i].name,
				(unsigned long long)steps[i].counter);
	}
}

#define SPAN 60000

/* Random jumps ahead and behind, against an array of what was seen. */
static void test_against_naive(void **state)
{
	static uint8_t seen[SPAN];
	uint64_t newest = 0, x = 1;
	struct wg_replay r = { 0 };
	bool any = false;

	memset(seen, 0, sizeof(seen));
	for (int step = 0; step < 400000; step++) {
		uint64_t c;
		bool expected;

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		c = newest + (x >> 40) % 9000;
		c = c > 8800 ? c - 8800 : 0;
		if ((x >> 20) % 5000 == 0)
			c += 9000;
		if (c >= SPAN)
			break;
		expected = !seen[c] && (!any || newest < c || newest - c <= WINDOW);
		assert_int_equal(wg_replay_check(&r, c), expected);
		assert_int_equal(wg_replay_commit(&r, c), expected);
		seen[c] |= expected;
		if (expected && c > newest)
			newest = c;
		any |= expected;
	}
	assert_true(newest > 20000);
}

/* The precheck changes nothing: unauthenticated counters cannot move the window. */
static void test_check_is_pure(void **state)
{
	struct wg_replay r = { 0 }, before;

	assert_true(wg_replay_commit(&r, 100));
	before = r;
	assert_true(wg_replay_check(&r, 1000000));
	assert_true(wg_replay_check(&r, 99));
	assert_false(wg_replay_check(&r, 100));
	assert_memory_equal(&r, &before, sizeof(r));
}

static struct wg_arrivals arrivals_of(const struct wg_replay *r, bool ended)
{
	struct wg_arrivals sum = { 0 };

	wg_replay_sum(r, ended, &sum);
	return sum;
}

/* Each step continues from the state of the previous one; the numbers are those after it. */
static void test_arrivals(void **state)
{
	static const struct {
		const char *name;
		uint64_t counter;
		struct wg_arrivals now;
		uint64_t lost_at_end;
	} steps[] = {
		{ "the first ones are missing", 3, { 1, 0, 0, 0 }, 3 },
		{ "one of them", 1, { 2, 0, 1, 0 }, 2 },
		{ "again: not counted", 1, { 2, 0, 1, 0 }, 2 },
		{ "ahead", 1023, { 3, 0, 1, 0 }, 1021 },
		{ "the first word is lost", 1024, { 4, 62, 1, 0 }, 1021 },
		{ "late", 63, { 5, 62, 1, 1 }, 1021 },
		{ "reordered, just in time", 64, { 6, 62, 2, 1 }, 1020 },
		{ "same word", 1087, { 7, 62, 2, 1 }, 1082 },
		{ "the second word", 1088, { 8, 125, 2, 1 }, 1082 },
		{ "far ahead", 1000000, { 9, 999040 - 8 + 1, 2, 1 }, 999993 },
		{ "behind the window: dropped", 900000, { 9, 999033, 2, 1 }, 999993 },
	};
	struct wg_replay r = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct wg_arrivals now;

		wg_replay_commit(&r, steps[i].counter);
		now = arrivals_of(&r, false);
		if (memcmp(&now, &steps[i].now, sizeof(now)) != 0 ||
			arrivals_of(&r, true).lost != steps[i].lost_at_end)
			fail_msg("%s: %llu received, %llu lost (%llu at the end), %llu reordered, "
				 "%llu late",
				steps[i].name, (unsigned long long)now.received,
				(unsigned long long)now.lost,
				(unsigned long long)arrivals_of(&r, true).lost,
				(unsigned long long)now.reordered, (unsigned long long)now.late);
	}
}

/* A session without a message has lost none. */
static void test_no_arrivals(void **state)
{
	const struct wg_replay r = { 0 };
	const struct wg_arrivals none = { 0 };
	const struct wg_arrivals sum = arrivals_of(&r, true);

	assert_memory_equal(&sum, &none, sizeof(sum));
}

/* In any order, each counter up to the newest is received or lost, and at no time both; what is
 * late is in both. */
static void test_arrivals_are_complete(void **state)
{
	struct wg_replay r = { 0 };
	uint64_t x = 7, base = 0, accepted = 0, last_lost = 0;

	for (int step = 0; step < 300000; step++) {
		struct wg_arrivals sum;

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		base += (x >> 33) % 3;
		if ((x >> 40) % 20000 == 0)
			base += (x >> 20) % 30000;
		accepted += wg_replay_commit(&r, base + (x >> 45) % 5000);
		sum = arrivals_of(&r, true);
		assert_int_equal(sum.received, accepted);
		assert_int_equal(sum.received + sum.lost - sum.late, r.next);
		sum = arrivals_of(&r, false);
		assert_true(sum.lost >= last_lost);
		last_lost = sum.lost;
	}
	assert_true(last_lost > 10000 && r.arrivals.late > 1000 && r.arrivals.reordered > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_check_is_pure),
		cmocka_unit_test(test_arrivals),
		cmocka_unit_test(test_no_arrivals),
		cmocka_unit_test(test_arrivals_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
