/* SPDX-License-Identifier: MIT */
/* Faults at each message about the table of segment sizes, in a real network namespace: it is as
 * wanted, or a warning gives the reason, and `down` leaves nothing. */
#include "backend/kernel_mtus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/log.h"
#include "conf/test_conf.h"
#include "host/host.h"
#include "host/test_faults.h"
#include "host/test_host.h"
#include "netlink/nft_mss.h"

#define SITE(clamp)                                                                                \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.11/24\n"                                                                 \
	"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                       \
	"AllowedIPs = 10.0.1.21/32\n"                                                              \
	"[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"    \
	"[L2TPSession]\nName = l2tpeth0\nSessionId = 3941\nPeerSessionId = 3942\n"                 \
	"ClampMSS = " clamp "\n[Bridge]\nName = br-l2tp0\n"

#define TABLE "nft table bridge wirespan-vpn01\n"

static unsigned warnings;

/** What a fault happens in. */
enum verb {
	UP = 0,
	RELOAD,	    /* to another size */
	RELOAD_OFF, /* to none */
	DOWN,
	VERBS
};

static void count_warning(enum log_level level, const char *line)
{
	warnings += level == LOG_LEVEL_WARNING && strchr(line, ' ');
}

static bool has_table(void)
{
	char *picture = test_host_picture();
	bool has = strstr(picture, TABLE) != NULL;

	free(picture);
	return has;
}

/* Set the sizes of a configuration, perhaps with a fault. What fails is reported, and done by the
 * next attempt. */
static void clamp(struct kernel_mtus *mtus, struct host *host, const char *text,
	const struct test_life_fault *f, enum verb verb, bool *ret_reached)
{
	struct netdev *m = host_netdev(host);
	const struct wgnl_device none = { 0 };
	struct conf_site conf;

	test_conf(&conf, "vpn01", text);
	assert_true(kernel_mtus_compute(mtus, &conf, &none, &m->nl) >= 0);
	mtus->clamp_failed = false;
	warnings = 0;
	test_life_arm(f, verb);
	kernel_mtus_clamp(mtus, m, &conf);
	if (f->verb == verb)
		*ret_reached = test_filter_fault_end();
	if (mtus->clamp_failed) {
		assert_int_equal(f->verb, verb);
		assert_true(warnings > 0);
		if (verb == UP) {
			assert_false(has_table());
			assert_false(kernel_mtus_is_clamped(mtus, &conf));
		}
		kernel_mtus_clamp(mtus, m, &conf);
	}
	assert_false(mtus->clamp_failed);
	assert_int_equal(has_table(), verb != RELOAD_OFF);
	assert_int_equal(kernel_mtus_is_clamped(mtus, &conf), verb != RELOAD_OFF);
	conf_site_fini(&conf);
}

/* The whole life of a table, with a fault. Return: whether there was its place. */
static bool live(const struct test_life_fault *f)
{
	struct kernel_mtus mtus = { 0 };
	struct error error = { 0 };
	struct conf_site conf;
	struct host *host;
	bool reached = false;

	test_conf(&conf, "vpn01", SITE("yes"));
	assert_int_equal(host_open(&conf, HOST_UNDO, NULL, &host, &error), 0);
	clamp(&mtus, host, SITE("yes"), f, UP, &reached);
	if (f->verb == RELOAD)
		clamp(&mtus, host, SITE("1200"), f, RELOAD, &reached);
	if (f->verb == RELOAD_OFF)
		clamp(&mtus, host, SITE("no"), f, RELOAD_OFF, &reached);
	test_life_down(host, NULL, f, DOWN, &reached);
	kernel_mtus_fini(&mtus);
	conf_site_fini(&conf);
	return reached;
}

/* Where nf_tables are not allowed, that is a warning, and `down` has nothing to undo. */
static void test_not_allowed(void **state)
{
	const struct wgnl_device none = { 0 };
	struct kernel_mtus mtus = { 0 };
	char *before = test_host_picture();
	struct error error = { 0 };
	struct conf_site conf;
	struct host *host;

	test_conf(&conf, "vpn01", SITE("yes"));
	assert_int_equal(host_open(&conf, HOST_UNDO, NULL, &host, &error), 0);
	assert_true(kernel_mtus_compute(&mtus, &conf, &none, &host_netdev(host)->nl) >= 0);
	warnings = 0;
	test_filter_fault(TEST_FAULT_SEND, 0, EPERM);
	test_filter_faults.lasting = true;
	kernel_mtus_clamp(&mtus, host_netdev(host), &conf);
	assert_true(mtus.clamp_failed);
	assert_int_equal(warnings, 1);
	host_down(host);
	assert_int_equal(host_close(host), 0);
	assert_true(test_filter_fault_end());
	test_life_assert_picture(before, &(struct test_life_fault){ .verb = UP });
	kernel_mtus_fini(&mtus);
	conf_site_fini(&conf);
	free(before);
}

int main(void)
{
	struct test_lives lives = { .live = live, .verbs = VERBS, .least = 1 };
	const struct CMUnitTest tests[] = {
		TEST_LIFE_KINDS(&lives, test_life_clean_up),
		cmocka_unit_test_setup_teardown(
			test_not_allowed, test_life_set_up, test_life_clean_up),
	};

	log_to_sink(count_warning);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
