/* SPDX-License-Identifier: MIT */
/* Tests of the choice of a back end: it states its reason, and a refusal carries a hint. */
#include "backend/select.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/isolated.h"
#include "backend/userspace_site.h"
#include "base/bytes.h"

/* Whether or not the modules exist here, the result states it, and nothing is left behind. */
static void test_kernel(void **state)
{
	struct choice choice = { .reason = "untouched" };
	struct conf_site conf = { .backend = CONF_BACKEND_KERNEL };
	struct error error = { 0 };
	int err = backend_select(&conf, &choice, &error);

	if (err == 0) {
		assert_string_equal(choice.backend->name, "kernel");
		assert_string_equal(choice.reason, "Backend = kernel");
		return;
	}
	assert_int_equal(error.code, err);
	assert_non_null(strstr(error.problem, geteuid() ? "scratch" : "WireGuard"));
	assert_non_null(strstr(error.hint, geteuid() ? "root" : "modprobe wireguard"));
	assert_string_equal(choice.reason, "untouched");
	assert_null(choice.backend);
}

/* What the kernel cannot do is refused before anything is tried. */
static void test_refused(void **state)
{
	struct conf_session session = { .name = "l2tpeth0",
		.options.oversize = L2TP_OVERSIZE_REJECT };
	struct conf_tunnel tunnel = { .sessions = &session, .n_sessions = 1 };
	struct conf_site conf = {
		.backend = CONF_BACKEND_KERNEL, .tunnels = &tunnel, .n_tunnels = 1
	};
	struct choice choice = { 0 };
	struct error error = { 0 };

	assert_int_equal(backend_select(&conf, &choice, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.problem, "Oversize = reject"));
	assert_null(choice.backend);
}

/* Whether or not /dev/net/tun exists here, the result states it. */
static void test_userspace(void **state)
{
	static const enum conf_backend wanted[] = { CONF_BACKEND_AUTO, CONF_BACKEND_USERSPACE };
	bool has_tun = access("/dev/net/tun", R_OK | W_OK) == 0;

	for (size_t i = 0; i < 2; i++) {
		const struct conf_site conf = { .backend = wanted[i] };
		struct choice choice = { 0 };
		struct error error = { 0 };
		int err = backend_select(&conf, &choice, &error);

		if (err == 0 && !has_tun) { /* auto, with the kernel's modules */
			assert_int_equal(i, 0);
			assert_string_equal(choice.backend->name, "kernel");
			assert_non_null(strstr(choice.reason, "no /dev/net/tun"));
			continue;
		}
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

/* A value other than "yes" and "no" turns nothing off, and is refused. */
static void test_isolation(void **state)
{
	static const char *const wrong[] = { "YES", "1", "true", "on", "No", "0", " yes" };
	struct error error = { 0 };
	struct choice choice = { .backend = &backend_userspace };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(setenv("WIRESPAN_ISOLATION", wrong[i], 1), 0);
		assert_int_equal(backend_isolate(i % 2, &choice, &error), -EINVAL);
		assert_non_null(strstr(error.problem, wrong[i]));
		assert_ptr_equal(choice.backend, &backend_userspace);
	}
	assert_int_equal(setenv("WIRESPAN_ISOLATION", "no", 1), 0);
	assert_int_equal(backend_isolate(true, &choice, &error), 0);
	assert_ptr_equal(choice.backend, &backend_userspace);
	assert_int_equal(setenv("WIRESPAN_ISOLATION", "", 1), 0);
	assert_int_equal(backend_isolate(false, &choice, &error), 0);
	assert_ptr_equal(choice.backend, &backend_userspace);
	assert_int_equal(backend_isolate(true, &choice, &error), 0);
	assert_ptr_equal(choice.backend, &backend_isolated);
	choice.backend = &backend_userspace;
	assert_int_equal(setenv("WIRESPAN_ISOLATION", "yes", 1), 0);
	assert_int_equal(backend_isolate(false, &choice, &error), 0);
	assert_ptr_equal(choice.backend, &backend_isolated);
	assert_int_equal(unsetenv("WIRESPAN_ISOLATION"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_userspace),
		cmocka_unit_test(test_isolation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
