/* SPDX-License-Identifier: MIT */
/* Tests of the drop reasons: every one has a name and a meaning, and no two share a name. */
#include "pkt/drop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	for (unsigned a = 0; a < DROP_COUNT; a++) {
		assert_non_null(drop_name((enum drop)a));
		assert_non_null(drop_meaning((enum drop)a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(drop_name((enum drop)a), drop_name((enum drop)b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
