/* SPDX-License-Identifier: MIT */
/* Tests of resuming a site that runs on without its process, in a real network namespace: nothing
 * that both configurations have is touched. TUN and TAP interfaces stand for the kernel's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/test_conf.h"
#include "host/host.h"
#include "host/host_state.h"
#include "host/running_conf.h"
#include "host/test_host.h"
#include "netlink/test_netns.h"

#define KEY "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PSK "CAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SITE(interface, allowed, bridge)                                                           \
	"[Interface]\nPrivateKey = " KEY                                                           \
	"\nAddress = 10.0.1.11/24\n" interface "[Peer]\nPublicKey = "                              \
	"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                                           \
	"PresharedKey = " PSK "\nAllowedIPs = " allowed "\n"                                       \
	"[L2TP]\nTunnelId = 1\nPeerTunnelId = 2\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"          \
	"[L2TPSession]\nName = l2tpeth0\nSessionId = 3\nPeerSessionId = 4\n"                       \
	"Cookie = 01020304\nClampMSS = 1200\n"                                                     \
	"[Bridge]\nName = br-l2tp0\nAddress = " bridge "\nMember = eth1\n"
#define PLAIN SITE("", "10.0.1.21/32, 10.9.0.0/16", "10.0.2.11/24")

static const uint32_t session_mtus[] = { 1500 };
static const struct host_mtus mtus = { .wg = 1440, .sessions = session_mtus };

static char rundir[64];
static struct test_engine engine;
static char steps[2048];
static unsigned made;

static int watch_step(void *ctx, const char *what)
{
	size_t len = strlen(steps);

	snprintf(steps + len, sizeof(steps) - len, "%s; ", what);
	return 0;
}

/* Called when wg0 has its addresses and is up, and the bridge does not exist. */
static int make(void *ctx, const struct conf_site *conf, struct error *ret_error)
{
	struct host *host = ctx;
	struct link_info link;

	made++;
	assert_int_equal(netdev_find(&host->netdev, "wg0", &link), 0);
	assert_true(link.flags & IFF_UP);
	test_engine_open(&engine, conf);
	return 0;
}

/* Open a site. `watched`: record its changes. */
static struct host *open_host(
	const struct conf_site *conf, enum host_leftovers leftovers, bool watched)
{
	static const struct host_watch watch = { .step = watch_step };
	struct error error;
	struct host *host;

	steps[0] = '\0';
	assert_int_equal(host_open(conf, leftovers, watched ? &watch : NULL, &host, &error), 0);
	host_make_sessions_by(host, make, host);
	return host;
}

static struct host *bring_up(const struct conf_site *conf)
{
	const struct journal_entry wg = { .kind = JOURNAL_WIREGUARD, .name = "wg0" };
	struct host *host = open_host(conf, HOST_RESUME, false);
	struct error error;

	assert_false(host_is_resumed(host));
	assert_int_equal(netdev_journal(host_netdev(host), &wg), 0);
	test_engine_open(&engine, conf);
	made = 0;
	assert_int_equal(host_up(host, &mtus, &error), 0);
	assert_int_equal(made, 1);
	return host;
}

static void take_down(struct host *host)
{
	host_down(host);
	test_engine_close(&engine, NULL);
	assert_int_equal(host_close(host), 0);
}

#define DEFAULT SITE("", "0.0.0.0/0", "10.0.2.11/24")

/* What changes, as steps, when a site is resumed with another file. */
static const struct {
	const char *old;
	const char *conf;
	const char *steps;
} table[] = {
	{ PLAIN, PLAIN, "" },
	{ DEFAULT, DEFAULT, "" },
	{ PLAIN, SITE("", "10.0.1.21/32, 10.9.0.0/16", "10.0.2.12/24"),
		"ip address add 10.0.2.12/24 dev br-l2tp0; "
		"ip address del 10.0.2.11/24 dev br-l2tp0; "
		"ip address add 10.0.2.12/24 dev br-l2tp0; " },
	{ PLAIN, SITE("", "10.0.1.21/32, 10.8.0.0/16", "10.0.2.11/24"),
		"ip route del 10.9.0.0/16 dev wg0 table 254; ip route add 10.8.0.0/16 dev wg0; " },
	{ PLAIN,
		SITE("PostUp = false\nPreUp = false\n", "10.0.1.21/32, 10.9.0.0/16",
			"10.0.2.11/24"),
		"" },
};

static void test_resume(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *before = test_host_picture();
		struct conf_site old;
		struct conf_site new;
		struct error error;
		struct host *host;
		char *after;

		test_conf(&old, "vpn01", table[i].old);
		test_conf(&new, "vpn01", table[i].conf);
		host = bring_up(&old);
		assert_int_equal(host_store_running(host, &old, &error), 0);
		host_free(host); /* killed */
		conf_site_fini(&old);
		host = open_host(&new, HOST_RESUME, true);
		assert_true(host_is_resumed(host));
		assert_int_equal(host_take_over(host, &mtus, &error), 0);
		assert_string_equal(steps, table[i].steps);
		take_down(host);
		after = test_host_picture();
		assert_string_equal(before, after);
		free(before);
		free(after);
		conf_site_fini(&new);
	}
}

/* A WireGuard interface that was made again, and so is down, gets all that it had. */
static void test_made_again(void **state)
{
	struct conf_site conf;
	struct error error;
	struct host *host;

	test_conf(&conf, "vpn01", PLAIN);
	host = bring_up(&conf);
	assert_int_equal(host_store_running(host, &conf, &error), 0);
	host_free(host); /* killed */
	assert_int_equal(system("ip link set wg0 down && ip addr flush dev wg0"), 0);
	host = open_host(&conf, HOST_RESUME, true);
	assert_int_equal(host_take_over(host, &mtus, &error), 0);
	assert_int_equal(system("ip link show wg0 | grep -q '[<,]UP[,>]' && "
				"ip addr show wg0 | grep -q 10.0.1.11/24 && "
				"ip route | grep -q '^10.9.0.0/16 dev wg0'"),
		0);
	take_down(host);
	conf_site_fini(&conf);
}

/* A site that was killed before it was complete, or that another back end takes over, is undone. */
static void test_undone(void **state)
{
	for (int stored = 0; stored < 2; stored++) {
		char *before = test_host_picture();
		struct conf_site conf;
		struct error error;
		struct host *host;
		char *after;

		test_conf(&conf, "vpn01", PLAIN);
		host = bring_up(&conf);
		if (stored)
			assert_int_equal(host_store_running(host, &conf, &error), 0);
		host_free(host);
		test_engine_close(&engine, NULL); /* the real objects go by the journal */
		host = open_host(&conf, stored ? HOST_UNDO : HOST_RESUME, false);
		assert_false(host_is_resumed(host));
		assert_int_equal(host_close(host), 0);
		after = test_host_picture();
		assert_string_equal(before, after);
		free(before);
		free(after);
		conf_site_fini(&conf);
	}
}

/* The file that makes a site resumable is gone before the first change of `down`. */
static void test_going_down(void **state)
{
	struct conf_site conf;
	struct conf_site stored;
	struct error error;
	struct host *host;
	pid_t pid;

	test_conf(&conf, "vpn01", PLAIN);
	host = bring_up(&conf);
	assert_int_equal(host_store_running(host, &conf, &error), 0);
	assert_int_equal(running_conf_load("vpn01", &stored), 0);
	conf_site_fini(&stored);
	assert_int_equal(host_hook_start(host, HOST_HOOK_PRE_DOWN, &pid, &error), 0);
	assert_int_equal(running_conf_load("vpn01", &stored), -ENOENT);
	assert_int_equal(host_store_running(host, &conf, &error), 0);
	take_down(host);
	assert_int_equal(running_conf_load("vpn01", &stored), -ENOENT);
	conf_site_fini(&conf);
}

/* The stored configuration equals the one in use, without its keys. */
static void test_stored(void **state)
{
	struct conf_site conf;
	struct conf_site stored;
	char command[200];

	test_conf(&conf, "vpn01",
		SITE("DNS = 9.9.9.9\nTable = 77\nFwMark = 5\nPreDown = echo a b\n", "10.0.1.21/32",
			"10.0.2.11/24"));
	assert_int_equal(running_conf_store(&conf), 0);
	assert_int_equal(running_conf_load("vpn01", &stored), 0);
	conf.interface.has_private_key = conf.peers[0].has_preshared_key = false;
	memset(conf.interface.private_key, 0, KEY_LEN);
	memset(conf.peers[0].preshared_key, 0, KEY_LEN);
	assert_true(test_conf_equal(&conf, &stored));
	snprintf(command, sizeof(command), "! grep -q -e '%s' -e '%s' %s/vpn01.running", KEY, PSK,
		rundir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "chmod 666 %s/vpn01.running", rundir);
	assert_int_equal(system(command), 0);
	conf_site_fini(&stored);
	assert_int_equal(running_conf_load("vpn01", &stored), -EPERM);
	running_conf_discard("vpn01");
	conf_site_fini(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored), /* host_close() removes the folder */
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_made_again),
		cmocka_unit_test(test_undone),
		cmocka_unit_test(test_going_down),
	};
	int failed;

	test_netns_enter();
	test_host_make_rundir(rundir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_host_remove_rundir(rundir);
	return failed;
}
