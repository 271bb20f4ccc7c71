/* SPDX-License-Identifier: MIT */
/* Tests of what a refused change is reported with, with a kernel that refuses. */
#include "host/netdev.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m);

static int refusal;

int __wrap_nl_request(struct nl_socket *nl, struct nl_msg *m)
{
	return refusal;
}

/* The error names the change, why it failed, and what to do. */
static void test_hints(void **state)
{
	static const struct {
		int err;
		const char *hint;
	} table[] = {
		{ -EPERM, "root" },
		{ -EACCES, "disable_ipv6" },
		{ -EADDRINUSE, "ListenPort" },
		{ -EOPNOTSUPP, "load the module" },
		{ -ENODEV, "went away" },
	};
	const struct link_info link = { .ifindex = 5, .name = "wg0" };
	struct netdev m = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		refusal = table[i].err;
		assert_int_equal(netdev_set_up(&m, &link), refusal);
		assert_int_equal(m.error.code, refusal);
		assert_non_null(strstr(m.error.problem, "\"ip link set wg0 up\""));
		assert_non_null(strstr(m.error.problem, strerror(-refusal)));
		assert_non_null(strstr(m.error.hint, table[i].hint));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
