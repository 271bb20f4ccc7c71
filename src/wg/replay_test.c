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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_check_is_pure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
