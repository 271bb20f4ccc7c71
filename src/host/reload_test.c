/* SPDX-License-Identifier: MIT */
/* Tests of reload in a real network namespace: the result equals a fresh start, and unchanged
 * parts are not touched. */
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
#include "host/test_host.h"
#include "netlink/query.h"
#include "netlink/test_netns.h"

#define HEAD(addresses)                                                                            \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = " addresses "\n"
#define PEER(allowed)                                                                              \
	"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                       \
	"AllowedIPs = " allowed "\n"
#define TUNNEL                                                                                     \
	"[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"
#define SESSION(n, bridge)                                                                         \
	"[L2TPSession]\nName = l2tpeth" #n "\nSessionId = 394" #n "\nPeerSessionId = 394" #n       \
	"\nBridge = " bridge "\n"
#define BRIDGE(name, rest) "[Bridge]\nName = " name "\n" rest

static const char start[] = HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32, 10.9.0.0/16")
	TUNNEL SESSION(0, "br-l2tp0") BRIDGE("br-l2tp0", "Address = 10.0.2.11/24\nMember = eth1\n");

/* Each is reloaded from `start`, and reloaded back. */
static const struct {
	const char *name;
	const char *text;
} targets[] = {
	{ "the same", start },
	{ "an address and a route more",
		HEAD("10.0.1.11/24, fd01::11/64, 10.7.0.1/16") PEER(
			"10.0.1.21/32, 10.9.0.0/16, 10.8.0.0/16, fd09::/64") TUNNEL SESSION(0,
			"br-l2tp0") BRIDGE("br-l2tp0", "Address = 10.0.2.11/24\nMember = eth1\n") },
	{ "another address in the same network",
		HEAD("10.0.1.12/24") PEER("10.0.1.21/32, 10.9.0.0/16") TUNNEL SESSION(0, "br-l2tp0")
			BRIDGE("br-l2tp0", "Address = 10.0.2.12/24\nMember = eth1\n") },
	{ "a default route",
		HEAD("10.0.1.11/24") PEER("0.0.0.0/0, ::/0") TUNNEL SESSION(0, "br-l2tp0")
			BRIDGE("br-l2tp0", "Address = 10.0.2.11/24\nMember = eth1\n") },
	{ "a default route with a mark of its own",
		HEAD("10.0.1.11/24") "FwMark = 77\n" PEER("0.0.0.0/0") TUNNEL SESSION(0, "br-l2tp0")
			BRIDGE("br-l2tp0", "Address = 10.0.2.11/24\nMember = eth1\n") },
	{ "no member, spanning tree",
		HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32, 10.9.0.0/16") TUNNEL SESSION(
			0, "br-l2tp0") BRIDGE("br-l2tp0", "Address = 10.0.2.11/24\nSTP = yes\n") },
	{ "settings of the bridge and its ports",
		HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32, 10.9.0.0/16")
			TUNNEL SESSION(0, "br-l2tp0") "SplitHorizon = yes\n" BRIDGE("br-l2tp0",
				"Address = 10.0.2.11/24\nMember = eth1\nMulticastSnooping = yes\n"
				"ForwardControl = lldp, eapol, lacp\n") },
	{ "a second session and bridge, the member moves",
		HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32, 10.9.0.0/16")
			TUNNEL SESSION(0, "br-l2tp0") SESSION(1, "br-l2tp1") BRIDGE("br-l2tp0",
				"Address = 10.0.2.11/24\n") BRIDGE("br-l2tp1", "Member = eth1\n") },
	{ "another bridge instead",
		HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32, 10.9.0.0/16")
			TUNNEL SESSION(0, "br-other")
				BRIDGE("br-other", "Address = 10.0.2.11/24\nMember = eth1\n") },
	{ "a session in no bridge",
		HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32") TUNNEL SESSION(0, "none") },
	{ "no session", HEAD("10.0.1.11/24, fd01::11/64") PEER("10.0.1.21/32") },
};

static const uint32_t session_mtus[] = { 1386, 1386 };
static const struct host_mtus mtus = { .wg = 1440, .sessions = session_mtus };

static char rundir[64];
static struct test_engine engine;

/** Records the changes, and the step to stop at. */
struct watcher {
	int at; /* -1: never */
	int n;
	char logged[2048];
};

static int watch_step(void *ctx, const char *what)
{
	struct watcher *w = ctx;
	size_t len = strlen(w->logged);

	snprintf(w->logged + len, sizeof(w->logged) - len, "%s\n", what);
	log_debug("%s", what);
	return w->n++ == w->at ? -EIO : 0;
}

static struct host *bring_up(const struct conf_site *conf, struct watcher *w)
{
	struct host_watch watch = { .step = watch_step, .ctx = w };
	struct error error;
	struct host *host;

	assert_int_equal(host_open(conf, HOST_UNDO, &watch, &host, &error), 0);
	test_engine_open(&engine, conf);
	assert_int_equal(host_up(host, &mtus, &error), 0);
	return host;
}

static void take_down(struct host *host)
{
	host_down(host);
	test_engine_close(&engine, NULL);
	host_close(host);
}

/** Reload as the daemon does. */
static int reload(struct host *host, const struct conf_site *conf, struct error *error)
{
	int err;

	test_engine_open(&engine, conf);
	err = host_reload(host, conf, &mtus, error);
	if (err == 0)
		test_engine_close(&engine, conf);
	return err;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/** Return: the snapshot with sorted lines, as objects were added in another order. Rules keep their
 * order. */
static char *sorted_picture(void)
{
	char *text = test_host_picture();
	char *ret = calloc(1, strlen(text) + 2);
	char *lines[256] = { NULL };
	size_t n = 0;

	assert_non_null(ret);
	for (char *line = strtok(text, "\n"); line && n < ARRAY_LEN(lines);
		line = strtok(NULL, "\n"))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++) {
		strcat(ret, lines[i]);
		strcat(ret, "\n");
	}
	free(text);
	return ret;
}

static void assert_picture(const char *expected, const char *what)
{
	char *is = sorted_picture();

	if (strcmp(is, expected) != 0)
		printf("%s: expected:\n%s\nbut it is:\n%s", what, expected, is);
	assert_string_equal(is, expected);
	free(is);
}

static char *picture_when_up(const struct conf_site *conf)
{
	struct watcher w = { .at = -1 };
	struct host *host = bring_up(conf, &w);
	char *picture = sorted_picture();

	take_down(host);
	return picture;
}

static void test_as_afresh(void **state)
{
	char *before = sorted_picture();
	struct conf_site one;
	char *up_one;

	test_conf(&one, "vpn01", start);
	up_one = picture_when_up(&one);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct watcher w = { .at = -1 };
		struct error error = { 0 };
		struct conf_site two;
		struct host *host;
		char *up_two;

		print_message("%s\n", targets[i].name);
		test_conf(&two, "vpn01", targets[i].text);
		up_two = picture_when_up(&two);
		host = bring_up(&one, &w);
		assert_int_equal(reload(host, &two, &error), 0);
		assert_picture(up_two, "there");
		assert_int_equal(reload(host, &one, &error), 0);
		assert_picture(up_one, "and back");
		take_down(host);
		assert_picture(before, "down");
		conf_site_fini(&two);
		free(up_two);
	}
	conf_site_fini(&one);
	free(up_one);
	free(before);
}

/** After a stop at any step, the same reload again succeeds, and down leaves nothing. */
static void test_stopped(void **state)
{
	char *before = sorted_picture();
	struct conf_site one;
	int stopped = 0;

	test_conf(&one, "vpn01", start);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct conf_site two;
		char *up_two;
		bool reached = true;

		test_conf(&two, "vpn01", targets[i].text);
		up_two = picture_when_up(&two);
		for (int at = 0; reached; at++) {
			struct watcher w = { .at = -1 };
			struct error error = { 0 };
			struct host *host = bring_up(&one, &w);
			int err;

			w.at = w.n + at;
			err = reload(host, &two, &error);
			reached = w.n > w.at;
			assert_true(err == 0 || reached); /* undo continues after any error */
			if (err < 0) {
				assert_int_equal(err, -EIO);
				stopped++;
				assert_true(*error.problem);
				if (at % 2) {
					take_down(host);
					assert_picture(before, "down after a failure");
					continue;
				}
				assert_int_equal(reload(host, &two, &error), 0);
			}
			assert_picture(up_two, "at the second attempt");
			take_down(host);
		}
		conf_site_fini(&two);
		free(up_two);
	}
	print_message("stopped %d times\n", stopped);
	assert_true(stopped > 20);
	assert_picture(before, "at the end");
	conf_site_fini(&one);
	free(before);
}

/** A reload does not touch what both files contain. */
static void test_untouched(void **state)
{
	static const struct {
		size_t target;
		const char *steps;
	} table[] = {
		{ 0, "" },
		{ 1, "ip address add 10.7.0.1/16 dev wg0\n"
		     "ip route add fd09::/64 dev wg0\n"
		     "ip route add 10.8.0.0/16 dev wg0\n"
		     "ip route add 10.9.0.0/16 dev wg0\n" },
		{ 5, "ip link set eth1 nomaster down\n"
		     "ip link set br-l2tp0 type bridge forward_delay 1500\n"
		     "ip link set br-l2tp0 type bridge stp_state 1\n" },
		{ 6, "ip link set br-l2tp0 type bridge mcast_snooping 1\n"
		     "ip link set eth1 type bridge_slave group_fwd_mask 0x400c\n"
		     "ip link set l2tpeth0 type bridge_slave isolated on mcast_router 2 "
		     "group_fwd_mask 0x400c\n" },
	};
	struct conf_site one;

	test_conf(&one, "vpn01", start);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct watcher w = { .at = -1 };
		struct error error;
		struct conf_site two;
		struct host *host = bring_up(&one, &w);

		test_conf(&two, "vpn01", targets[table[i].target].text);
		w.logged[0] = '\0';
		assert_int_equal(reload(host, &two, &error), 0);
		assert_string_equal(w.logged, table[i].steps);
		take_down(host);
		conf_site_fini(&two);
	}
	conf_site_fini(&one);
}

static void test_new_mtus(void **state)
{
	static const uint32_t smaller[] = { 1300 };
	static const struct host_mtus mtus_now = { .wg = 1400, .sessions = smaller };
	static struct nl_socket nl;
	struct watcher w = { .at = -1 };
	struct error error;
	struct conf_site conf;
	struct link_info link;
	struct host *host;

	test_conf(&conf, "vpn01", start);
	host = bring_up(&conf, &w);
	assert_int_equal(host_set_mtus(host, &mtus_now, &error), 0);
	assert_int_equal(nl_socket_open(&nl), 0);
	assert_int_equal(query_link(&nl, "wg0", &link), 0);
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(query_link(&nl, "l2tpeth0", &link), 0);
	assert_int_equal(link.mtu, 1300);
	w.logged[0] = '\0';
	assert_int_equal(host_set_mtus(host, &mtus_now, &error), 0);
	assert_string_equal(w.logged, "");
	nl_socket_close(&nl);
	take_down(host);
	conf_site_fini(&conf);
}

static int set_up(void **state)
{
	test_netns_enter();
	test_host_make_rundir(rundir);
	return 0;
}

static int clean_up(void **state)
{
	test_engine_close(&engine, NULL);
	test_host_remove_rundir(rundir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_afresh, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_stopped, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_untouched, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_new_mtus, set_up, clean_up),
	};

	log_set_level(getenv("WIRESPAN_TEST_STEPS") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
