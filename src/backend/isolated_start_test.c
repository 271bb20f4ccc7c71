/* SPDX-License-Identifier: MIT */
/* A test of an engine of wirespan-wg that ends in its first start: the error is how it has ended,
 * and what to do. */
#include "backend/isolated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "netlink/test_netns.h"
#include "underlay/pmtu_policy.h"

int __wrap_pmtu_policy_listen(struct pmtu_policy *p, struct loop *loop);

/* The last thing that a start does, in the engine's process. */
int __wrap_pmtu_policy_listen(struct pmtu_policy *p, struct loop *loop)
{
	(void)p;
	(void)loop;
	_exit(3);
}

static void test_ends(void **state)
{
	struct conf_site conf;
	struct backend_site *site = NULL;
	struct error error = { 0 };
	struct loop loop;
	bool alone = true;

	assert_int_equal(loop_open(&loop), 0);
	conf_site_init(&conf);
	conf.name = strdup("wg0");
	conf.interface.mtu = 1420;
	snprintf(conf.interface.name, sizeof(conf.interface.name), "wg0");
	assert_true(isolated_open_drop_in(&loop, &conf, -1, &alone, &site, &error) < 0);
	assert_false(alone);
	assert_null(site);
	assert_string_equal(error.problem, "The engine's process ended with status 3.");
	assert_non_null(strstr(error.hint, "WIRESPAN_ISOLATION=no"));
	conf_site_fini(&conf);
	loop_close(&loop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
	};

	test_netns_enter();
	log_set_level(LOG_LEVEL_SILENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
