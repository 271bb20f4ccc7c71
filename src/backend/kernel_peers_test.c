/* SPDX-License-Identifier: MIT */
/* Tests of the differences that are sent to the kernel's WireGuard, with a kernel that only records
 * them. */
#include "backend/kernel_peers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "conf/test_conf.h"

#define PRIVATE		     "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define ONE		     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TWO		     "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PSK		     "CAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define TOP		     "[Interface]\nPrivateKey = " PRIVATE "\nListenPort = 8172\n"
#define PEER(key, ips, more) "[Peer]\nPublicKey = " key "\nAllowedIPs = " ips "\n" more

int __wrap_wgnl_get(
	struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret);
int __wrap_wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config);
int __wrap_netdev_log(struct netdev *m, const char *format, ...);

/* What the kernel has, and what it was sent. */
static struct wgnl_device kernel;
static char sent[1024];
static int fails; /* what a request with a port or mark returns */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t len = strlen(sent);
	va_list args;

	va_start(args, format);
	vsnprintf(sent + len, sizeof(sent) - len, format, args);
	va_end(args);
}

static void *copy_of(const void *v, size_t size)
{
	void *copy = malloc(size + 1);

	assert_non_null(copy);
	if (size)
		memcpy(copy, v, size);
	return copy;
}

int __wrap_wgnl_get(
	struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret)
{
	assert_string_equal(ifname, "wg0");
	*ret = kernel;
	ret->peers = copy_of(kernel.peers, kernel.n_peers * sizeof(*kernel.peers));
	for (size_t i = 0; i < ret->n_peers; i++)
		ret->peers[i].allowedips = copy_of(ret->peers[i].allowedips,
			ret->peers[i].n_allowedips * sizeof(struct ip_prefix));
	return 0;
}

static void note_peer(const struct wgnl_peer *p)
{
	char text[ENDPOINT_TEXT_LEN];

	note("peer %d:", p->public_key[0]);
	if (p->remove)
		note(" remove");
	if (p->update_only)
		note(" update");
	if (p->preshared_key)
		note(" psk %d", p->preshared_key[0]);
	if (p->endpoint)
		note(" endpoint %s", endpoint_text(p->endpoint, text));
	if (p->has_keepalive)
		note(" keepalive %u", p->keepalive);
	if (p->replace_allowedips)
		note(" replace");
	for (size_t i = 0; i < p->n_allowedips; i++)
		note(" %s", ip_prefix_text(&p->allowedips[i], text));
	note("; ");
}

int __wrap_wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config)
{
	size_t before = strlen(sent);

	assert_string_equal(config->ifname, "wg0");
	if (config->private_key)
		note("key %d; ", config->private_key[0]);
	if (config->has_listen_port)
		note("port %u; ", config->listen_port);
	if (config->has_fwmark)
		note("mark %u; ", config->fwmark);
	for (size_t i = 0; i < config->n_peers; i++)
		note_peer(&config->peers[i]);
	if (fails < 0 && (config->has_listen_port || config->has_fwmark))
		sent[before] = '\0'; /* nothing of this request is applied */
	return config->has_listen_port || config->has_fwmark ? fails : 0;
}

int __wrap_netdev_log(struct netdev *m, const char *format, ...)
{
	return 0;
}

static struct ip_prefix prefixes[4];
static struct wgnl_peer_info peers[3];

/* The kernel has peers 0 and 9: 10.0.0.1/32 and fd00::/64 at 192.0.2.1:1, with a live session if
 * `alive`; 10.0.0.9/32. */
static void set_kernel(bool alive)
{
	assert_int_equal(ip_prefix_parse("10.0.0.1/32", &prefixes[0]), 0);
	assert_int_equal(ip_prefix_parse("fd00::/64", &prefixes[1]), 0);
	assert_int_equal(ip_prefix_parse("10.0.0.9/32", &prefixes[2]), 0);
	memset(peers, 0, sizeof(peers));
	for (int i = 0; i < KEY_LEN; i++)
		peers[0].public_key[i] = (uint8_t)i; /* ONE */
	assert_int_equal(endpoint_parse("192.0.2.1:1", &peers[0].endpoint), 0);
	peers[0].handshake_s = alive ? (int64_t)clock_wall().sec - 10 : 1;
	peers[0].allowedips = &prefixes[0];
	peers[0].n_allowedips = 2;
	peers[1].public_key[0] = 9;
	peers[1].allowedips = &prefixes[2];
	peers[1].n_allowedips = 1;
	kernel = (struct wgnl_device){
		.name = "wg0", .listen_port = 8172, .fwmark = 7, .peers = peers, .n_peers = 2
	};
	fails = 0;
	sent[0] = '\0';
}

#define SAME PEER(ONE, "10.0.0.1/32, fd00::/64", "")
#define MINE PEER(ONE, "10.0.0.1/32, fd00::/64", "Endpoint = 192.0.2.1:1\n")
#define AWAY PEER(ONE, "10.0.0.1/32, fd00::/64", "Endpoint = 192.0.2.5:1\n")

/* `old`: the configuration before; NULL: none. */
static const struct {
	unsigned what;
	bool alive;
	const char *conf;
	const char *old;
	uint32_t fwmark;
	const char *sent;
} table[] = {
	/* what is equal is not sent, except the private key, which the kernel compares */
	{ KERNEL_PEERS_ADD | KERNEL_PEERS_CHANGE, true, TOP MINE, NULL, 0, "" },
	{ KERNEL_PEERS_ALL & ~KERNEL_PEERS_REMOVE, true, TOP MINE, NULL, 7, "key 200; " },
	{ KERNEL_PEERS_REMOVE, true, TOP MINE, NULL, 0, "peer 9: remove; " },
	{ KERNEL_PEERS_SOCKET, true, TOP MINE, NULL, 8, "mark 8; " },
	{ KERNEL_PEERS_SOCKET, true, TOP MINE, NULL, 7, "" },
	/* the order and duplicates of allowed IPs do not matter */
	{ KERNEL_PEERS_CHANGE, true, TOP PEER(ONE, "fd00::/64, 10.0.0.1/32, fd00::/64", ""), NULL,
		0, "" },
	{ KERNEL_PEERS_CHANGE, true, TOP PEER(ONE, "10.0.0.1/32", ""), NULL, 0,
		"peer 0: update replace 10.0.0.1/32; " },
	{ KERNEL_PEERS_CHANGE, true, TOP SAME "PersistentKeepalive = 25\n", NULL, 0,
		"peer 0: update keepalive 25; " },
	/* a live peer stays where it has roamed to, unless the file's endpoint has changed */
	{ KERNEL_PEERS_CHANGE, true, TOP AWAY, NULL, 0, "" },
	{ KERNEL_PEERS_CHANGE, false, TOP AWAY, NULL, 0, "peer 0: update endpoint 192.0.2.5:1; " },
	{ KERNEL_PEERS_CHANGE, false, TOP AWAY, TOP AWAY, 0, "" },
	{ KERNEL_PEERS_CHANGE, true, TOP AWAY, TOP MINE, 0,
		"peer 0: update endpoint 192.0.2.5:1; " },
	/* a name is not set here */
	{ KERNEL_PEERS_CHANGE, false,
		TOP PEER(ONE, "10.0.0.1/32, fd00::/64", "Endpoint = peer.example.org:1\n"), NULL, 0,
		"" },
	/* a new peer comes with its key, others get theirs later */
	{ KERNEL_PEERS_ADD, true,
		TOP MINE PEER(
			TWO, "10.0.0.2/32", "PresharedKey = " PSK "\nEndpoint = 192.0.2.2:2\n"),
		TOP MINE, 0, "peer 4: psk 8 endpoint 192.0.2.2:2 keepalive 0 10.0.0.2/32; " },
	{ KERNEL_PEERS_CHANGE, true, TOP SAME "PresharedKey = " PSK "\n", NULL, 0, "" },
	{ KERNEL_PEERS_KEYS, true, TOP SAME "PresharedKey = " PSK "\n", NULL, 0,
		"key 200; peer 0: update psk 8; " },
	{ KERNEL_PEERS_CHANGE, true, TOP MINE PEER(TWO, "10.0.0.2/32", ""), NULL, 0, "" },
};

static void test_differences(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct kernel_peers_step step = { .what = table[i].what,
			.fwmark = table[i].fwmark };
		struct kernel_netlink k = { 0 };
		struct netdev m = { 0 };
		struct conf_site conf;
		struct conf_site old;
		struct error error;

		set_kernel(table[i].alive);
		test_conf(&conf, "here", table[i].conf);
		test_conf(&old, "here", table[i].old ? table[i].old : TOP);
		step.conf = &conf;
		step.old = table[i].old ? &old : NULL;
		assert_int_equal(kernel_peers_apply(&k, &m, &step, &error), 0);
		assert_string_equal(sent, table[i].sent);
		conf_site_fini(&conf);
		conf_site_fini(&old);
	}
}

/* A preshared key that is no longer configured is removed. */
static void test_without_preshared_key(void **state)
{
	struct kernel_peers_step step = { .what = KERNEL_PEERS_KEYS };
	struct kernel_netlink k = { 0 };
	struct netdev m = { 0 };
	struct conf_site conf;
	struct error error;

	set_kernel(true);
	peers[0].has_preshared_key = true;
	test_conf(&conf, "here", TOP SAME);
	step.conf = &conf;
	assert_int_equal(kernel_peers_apply(&k, &m, &step, &error), 0);
	assert_string_equal(sent, "key 200; peer 0: update psk 0; ");
	conf_site_fini(&conf);
}

/* New peers go, changes are taken back; keys are not concerned. */
static void test_restore(void **state)
{
	static struct wgnl_peer_info before_peers[1];
	struct wgnl_device before = { .name = "wg0", .peers = before_peers, .n_peers = 1 };
	struct kernel_netlink k = { 0 };
	struct netdev m = { 0 };
	struct error error;

	set_kernel(true);
	before_peers[0] = peers[0];
	assert_int_equal(kernel_peers_restore(&k, &m, &before, &error), 0);
	assert_string_equal(sent, "peer 9: remove; ");
	set_kernel(true);
	kernel.n_peers = 1;
	peers[0].keepalive = 5;
	peers[0].n_allowedips = 1;
	peers[0].endpoint.port = 99;
	assert_int_equal(kernel_peers_restore(&k, &m, &before, &error), 0);
	assert_string_equal(sent, "peer 0: update endpoint 192.0.2.1:1 keepalive 0 replace "
				  "10.0.0.1/32 fd00::/64; ");
}

static void test_error(void **state)
{
	struct kernel_peers_step step = { .what = KERNEL_PEERS_SOCKET, .fwmark = 1 };
	struct kernel_netlink k = { 0 };
	struct netdev m = { 0 };
	struct conf_site conf;
	struct error error;

	set_kernel(true);
	fails = -EADDRINUSE;
	test_conf(&conf, "here", TOP);
	step.conf = &conf;
	assert_int_equal(kernel_peers_apply(&k, &m, &step, &error), -EADDRINUSE);
	assert_non_null(strstr(error.problem, "Cannot configure the interface wg0"));
	assert_non_null(strstr(error.hint, "another ListenPort"));
	conf_site_fini(&conf);
}

/* A port in use prevents nothing else: a peer that was removed from the file has no access. */
static void test_port_in_use(void **state)
{
	struct kernel_peers_step step = {
		.what = KERNEL_PEERS_KEYS | KERNEL_PEERS_REMOVE | KERNEL_PEERS_SOCKET, .fwmark = 7
	};
	struct kernel_netlink k = { 0 };
	struct netdev m = { 0 };
	struct conf_site conf;
	struct error error;

	set_kernel(true);
	kernel.listen_port = 1;
	fails = -EADDRINUSE;
	test_conf(&conf, "here", TOP SAME);
	step.conf = &conf;
	assert_int_equal(kernel_peers_apply(&k, &m, &step, &error), -EADDRINUSE);
	assert_string_equal(sent, "key 200; peer 9: remove; ");
	assert_non_null(strstr(error.hint, "another ListenPort"));
	conf_site_fini(&conf);
}

/* An interface that is made again: a peer gets the endpoint that it had, unless that is older than
 * a session and the file has one. */
static void test_seen(void **state)
{
	static const struct {
		const char *more; /* of the peer in the file */
		uint64_t age_ms;
		const char *endpoint;
	} cases[] = {
		{ "", 1000, " 192.0.2.7:7" },
		{ "", BACKEND_PEER_NEVER, " 192.0.2.7:7" },
		{ "Endpoint = name.example:9\n", BACKEND_PEER_NEVER, " 192.0.2.7:7" },
		{ "Endpoint = 192.0.2.1:1\n", 179 * 1000, " 192.0.2.7:7" },
		{ "Endpoint = 192.0.2.1:1\n", 180 * 1000, " 192.0.2.1:1" },
		{ "Endpoint = 192.0.2.1:1\n", BACKEND_PEER_NEVER, " 192.0.2.1:1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct backend_peer was = { .handshake_age_ms = cases[i].age_ms };
		const struct kernel_peers_seen seen = { .v = &was, .n = 1, .at = clock_mono() };
		struct kernel_peers_step step = { .what = KERNEL_PEERS_ADD, .seen = &seen };
		struct kernel_netlink k = { 0 };
		struct netdev m = { 0 };
		struct conf_site conf;
		struct error error;
		char text[300];

		set_kernel(false);
		kernel.n_peers = 0;
		snprintf(text, sizeof(text), TOP PEER(ONE, "10.0.0.1/32", "%s"), cases[i].more);
		test_conf(&conf, "here", text);
		step.conf = &conf;
		memcpy(was.public_key, conf.peers[0].public_key, KEY_LEN);
		was.endpoint.port = 7;
		assert_int_equal(ip_addr_parse("192.0.2.7", &was.endpoint.addr), 0);
		assert_int_equal(kernel_peers_apply(&k, &m, &step, &error), 0);
		assert_non_null(strstr(sent, cases[i].endpoint));
		conf_site_fini(&conf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_without_preshared_key),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
