/* SPDX-License-Identifier: MIT */
/* Tests of the choice of a back end: it states its reason, and a refusal carries a hint. */
#include "backend/select.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_kernel(void **state)
{
	struct choice choice = { .reason = "untouched" };
	struct error error = { 0 };

	assert_int_equal(backend_select(CONF_BACKEND_KERNEL, &choice, &error), -EOPNOTSUPP);
	assert_int_equal(error.code, -EOPNOTSUPP);
	assert_non_null(strstr(error.problem, "no kernel back end"));
	assert_non_null(strstr(error.hint, "Backend = auto"));
	assert_string_equal(choice.reason, "untouched");
	assert_null(choice.backend);
}

/* Whether or not /dev/net/tun exists here, the result states it. */
static void test_userspace(void **state)
{
	static const enum conf_backend wanted[] = { CONF_BACKEND_AUTO, CONF_BACKEND_USERSPACE };
	bool has_tun = access("/dev/net/tun", R_OK | W_OK) == 0;

	for (size_t i = 0; i < 2; i++) {
		struct choice choice = { 0 };
		struct error error = { 0 };
		int err = backend_select(wanted[i], &choice, &error);

		if (!has_tun) {
			assert_true(err < 0);
			assert_non_null(strstr(error.problem, "/dev/net/tun"));
			assert_true(*error.hint);
			continue;
		}
		assert_int_equal(err, 0);
		assert_string_equal(choice.backend->name, "userspace");
		assert_non_null(strstr(choice.reason, i ? "= userspace" : "= auto"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_userspace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
