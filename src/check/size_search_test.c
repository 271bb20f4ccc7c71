/* SPDX-License-Identifier: MIT */
/* Tests of the search for the largest packet that passes, on paths that are simulated. */
#include "check/size_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT  1500
#define BUDGET 1386

/** A path: what passes, what passes in one piece, and how many results of the budget show a
 * fragment that was of another packet. */
struct path {
	unsigned largest;
	unsigned whole;
	unsigned wrong;
};

static struct observed_session search(struct path path)
{
	struct observed_session facts = { .limit = LIMIT };
	struct size_search s;
	unsigned size;
	unsigned turns = 0;

	size_search_start(&s, &facts, BUDGET, true);
	while ((size = size_search_next(&s))) {
		struct size_result r = { .passes = size <= path.largest };

		r.whole_out = r.whole_in = r.passes && size <= path.whole;
		if (size == BUDGET && path.wrong) {
			path.wrong--;
			r.whole_in = false;
		}
		size_search_take(&s, &r);
		assert_true(++turns < 40);
	}
	return facts;
}

static void test_paths(void **state)
{
	static const struct {
		struct path path;
		unsigned whole;
		unsigned largest;
	} table[] = {
		{ { LIMIT, BUDGET, 0 }, BUDGET, LIMIT },     /* as computed */
		{ { LIMIT, LIMIT, 0 }, LIMIT, LIMIT },	     /* all in one piece */
		{ { LIMIT, 1300, 0 }, 1300, LIMIT },	     /* a narrower path */
		{ { 1300, 1300, 0 }, 1300, 1300 },	     /* and without fragments */
		{ { 1400, BUDGET, 0 }, BUDGET, 1400 },	     /* larger fragments vanish */
		{ { LIMIT, BUDGET, 1 }, BUDGET, LIMIT },     /* late packets, once */
		{ { LIMIT, BUDGET, 2 }, BUDGET - 1, LIMIT }, /* again: it is believed */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct observed_session facts = search(table[i].path);

		assert_int_equal(facts.whole, table[i].whole);
		assert_int_equal(facts.largest, table[i].largest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
