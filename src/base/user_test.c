/* SPDX-License-Identifier: MIT */
/* Tests of looking users up. */
#include "base/user.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_find(void **state)
{
	/* Debian's base-passwd has fixed numbers for these */
	static const struct {
		const char *name;
		int err;
		unsigned uid;
	} cases[] = {
		{ "daemon", 0, 1 },
		{ "root", -EPERM, 0 },
		{ "sync", 0, 4 },
		{ "no-such-user", -ENOENT, 0 },
		{ "", -ENOENT, 0 },
	};
	struct user u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		u = (struct user){ 0 };
		assert_int_equal(user_find(cases[i].name, &u), cases[i].err);
		assert_int_equal(u.uid, cases[i].uid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
