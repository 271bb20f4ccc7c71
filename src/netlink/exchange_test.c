/* SPDX-License-Identifier: MIT */
/* Tests of the sentence for a request that the kernel refuses. */
#include "netlink/exchange.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct nl_socket nl;

static void test_kernels_text(void **state)
{
	struct error error;

	nl.verdict = (struct nl_verdict){ -EINVAL, "Attribute is bad" };
	assert_int_equal(
		nl_fail(&nl, &error, -EINVAL, "Cannot add peer %s\nRemove it.", "p1"), -EINVAL);
	assert_int_equal(error.code, -EINVAL);
	assert_string_equal(
		error.problem, "Cannot add peer p1: Invalid argument (Attribute is bad).");
	assert_string_equal(error.hint, "Remove it.");
}

/* The text belongs to another request: the error arose before the kernel answered. */
static void test_other_error(void **state)
{
	struct error error;

	nl.verdict = (struct nl_verdict){ -EINVAL, "Attribute is bad" };
	assert_int_equal(nl_fail(&nl, &error, -EPERM, "Cannot add it"), -EPERM);
	assert_string_equal(error.problem, "Cannot add it: Operation not permitted.");
	assert_string_equal(error.hint, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels_text),
		cmocka_unit_test(test_other_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
