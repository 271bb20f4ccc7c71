/* SPDX-License-Identifier: MIT */
/* Tests of the MTUs that follow from the routes to the peers, with a kernel that only answers. */
#include "backend/kernel_mtus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "conf/test_conf.h"
#include "netlink/query.h"

#define SITE                                                                                       \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.1/24\n"
#define MARK 51820

int __wrap_query_route(
	struct nl_socket *nl, const struct route_query *query, struct route_info *ret);

/* The default route leads into the tunnel, except for what has its mark. */
int __wrap_query_route(
	struct nl_socket *nl, const struct route_query *query, struct route_info *ret)
{
	*ret = (struct route_info){ .mtu = query->mark == MARK ? 1500 : 1440 };
	return 0;
}

/* The mark is that of the interface, also if the configuration has none, because it was chosen. */
static void test_mark(void **state)
{
	struct wgnl_peer_info peer = { 0 };
	struct wgnl_device device = { .fwmark = MARK, .peers = &peer, .n_peers = 1 };
	struct kernel_mtus mtus = { 0 };
	struct nl_socket nl = { 0 };
	struct conf_site conf;

	test_conf(&conf, "here", SITE);
	assert_int_equal(endpoint_parse("192.0.2.1:1", &peer.endpoint), 0);
	assert_int_equal(kernel_mtus_compute(&mtus, &conf, &device, &nl), 1);
	assert_int_equal(mtus.wg, 1440); /* 1500 - 60 */
	assert_int_equal(mtus.budget.outer_mtu, 1500);
	assert_true(mtus.budget.outer_measured);
	assert_int_equal(kernel_mtus_compute(&mtus, &conf, &device, &nl), 0);
	device.fwmark = 0;
	assert_int_equal(kernel_mtus_compute(&mtus, &conf, &device, &nl), 1);
	assert_int_equal(mtus.wg, 1380);
	kernel_mtus_fini(&mtus);
	conf_site_fini(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
