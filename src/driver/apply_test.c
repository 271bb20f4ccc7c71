/* SPDX-License-Identifier: MIT */
/* Tests of applying a configuration to an engine with real TAPs: after a failure and rollback, the
 * engine works as before. */
#include "driver/apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "conf/test_conf.h"
#include "driver/apply_sessions.h"
#include "driver/peers.h"
#include "driver/ports.h"
#include "driver/snapshot.h"
#include "driver/test_underlay.h"
#include "netlink/test_netns.h"

#define HEAD                                                                                       \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.11/24\n"                                                                 \
	"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                       \
	"AllowedIPs = 10.0.1.21/32\n"
#define TUNNEL(port)                                                                               \
	"[L2TP]\nTunnelId = 3939\nPeerTunnelId = 3940\nLocal = 10.0.1.11\nRemote = 10.0.1.21\n"    \
	"UDPSourcePort = " #port "\n"
#define SESSION(name, id, rest)                                                                    \
	"[L2TPSession]\nName = " name "\nSessionId = " #id "\nPeerSessionId = " #id "\n" rest

/* eth1 is a link but no TAP, so the last session cannot be created. */
#define IMPOSSIBLE SESSION("eth1", 9, "")

static const char before[] = HEAD TUNNEL(1701) SESSION("t0", 1, "") SESSION("t1", 2, "");

/* Configurations that are applied and rolled back. */
static const struct {
	const char *name;
	const char *text;
	bool fails; /* false: a step after apply_add() fails instead */
} attempts[] = {
	{ "a session more", HEAD TUNNEL(1701) SESSION("t0", 1, "") SESSION("t1", 2, "") IMPOSSIBLE,
		true },
	{ "a changed session, and the failure after it",
		HEAD TUNNEL(1701) SESSION("t0", 1, "Cookie = 01020304\n") SESSION("t1", 2, "")
			IMPOSSIBLE,
		true },
	{ "a changed session, and the failure before it",
		HEAD TUNNEL(1701) IMPOSSIBLE SESSION("t0", 1, "Cookie = 01020304\n")
			SESSION("t1", 2, ""),
		true },
	{ "ids exchanged", HEAD TUNNEL(1701) SESSION("t0", 2, "") SESSION("t1", 1, "") IMPOSSIBLE,
		true },
	{ "a changed tunnel",
		HEAD TUNNEL(1702) SESSION("t0", 1, "") SESSION("t1", 2, "") IMPOSSIBLE, true },
	{ "no tunnel at all", HEAD, false },
	{ "a session less", HEAD TUNNEL(1701) SESSION("t1", 2, ""), false },
	{ "a changed tunnel, refused by the host",
		HEAD TUNNEL(1702) SESSION("t0", 1, "") SESSION("t1", 2, ""), false },
	{ "ids exchanged, refused by the host",
		HEAD TUNNEL(1701) SESSION("t0", 2, "") SESSION("t1", 1, ""), false },
};

static struct loop loop;
static struct driver *d;

/* Return: the name of the session that receives packets for `id`; "" for none. */
static const char *receiver(uint32_t id, uint16_t port)
{
	static const uint8_t remote[4] = { 10, 0, 1, 21 };
	static const uint8_t local[4] = { 10, 0, 1, 11 };
	const struct l2tp_tunnel *t = l2tp_table_find_tunnel(
		&d->engine.l2tp, AF_INET, remote, local, L2TP_ENCAP_UDP, 1701, port);
	struct l2tp_session *s = t ? l2tp_table_find_session(&d->engine.l2tp, t, id) : NULL;

	return s ? CONTAINER_OF(s, struct driver_session, path.l2tp)->name : "";
}

static size_t length(const struct list *head)
{
	size_t n = 0;

	LIST_FOR_EACH(l, head)
	n++;
	return n;
}

static void test_taken_back(void **state)
{
	struct conf_site have;
	struct error e;

	test_conf(&have, "test", before);
	assert_int_equal(apply_add(d, &have, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		struct conf_site next;

		print_message("%s\n", attempts[i].name);
		test_conf(&next, "test", attempts[i].text);
		assert_int_equal(apply_add(d, &next, &e) < 0, attempts[i].fails);
		assert_int_equal(apply_add(d, &have, &e), 0);
		apply_sweep(d, &have);
		conf_site_fini(&next);
		assert_string_equal(receiver(1, 1701), "t0");
		assert_string_equal(receiver(2, 1701), "t1");
		assert_string_equal(receiver(1, 1702), "");
		assert_int_equal(length(&d->tunnels), 1);
		assert_int_equal(length(&d->sessions), 2);
		assert_int_equal(length(&d->engine.sessions), 2);
		LIST_FOR_EACH(l, &d->sessions)
		assert_int_equal(
			CONTAINER_OF(l, struct driver_session, link)->path.l2tp.cookie_len, 0);
	}
	conf_site_fini(&have);
}

/* Apply `text`. Return: the session t0. */
static struct driver_session *apply_text(const char *text)
{
	struct conf_site conf;
	struct error e;

	test_conf(&conf, "test", text);
	assert_int_equal(apply_add(d, &conf, &e), 0);
	apply_sweep(d, &conf);
	conf_site_fini(&conf);
	return apply_find_session(d, "t0");
}

/* Each option reaches the engine. A live option leaves the session in place; any other replaces
 * the session, so that it becomes the engine's last one. */
static void test_options(void **state)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];
		uint32_t value = row->max ? row->max : !row->initial;
		struct driver_session *s;
		char text[2 * sizeof(before)];
		char line[80];

		assert_null(apply_text(HEAD));
		s = apply_text(before);
		assert_int_equal(l2tp_options_get(&s->path.options, i), row->initial);
		assert_ptr_equal(d->engine.sessions.next, &s->path.link);
		if (row->max)
			snprintf(line, sizeof(line), "%s = %u\n", row->key, value);
		else
			snprintf(line, sizeof(line), "%s = %s\n", row->key, row->words[value]);
		snprintf(text, sizeof(text), "%s%s%s", HEAD TUNNEL(1701) SESSION("t0", 1, ""), line,
			SESSION("t1", 2, ""));
		assert_ptr_equal(apply_text(text), s);
		assert_int_equal(l2tp_options_get(&s->path.options, i), value);
		assert_ptr_equal(row->live ? d->engine.sessions.next : d->engine.sessions.prev,
			&s->path.link);
	}
}

/* Two peers, with a preshared key each. */
#define TWO_PEERS                                                                                  \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.11/24\n"                                                                 \
	"[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"                       \
	"PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n"                            \
	"[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"                       \
	"PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n"

#define MOVED_PREFIX                                                                               \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"Address = 10.0.1.11/24\n"                                                                 \
	"[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"                       \
	"AllowedIPs = 10.0.2.0/24\nPersistentKeepalive = 9\n"

static struct ip_prefix prefix_10(uint8_t second, uint8_t third)
{
	return (struct ip_prefix){ ip_addr_v4((uint8_t[]){ 10, second, third, 0 }), 24 };
}

static struct wg_peer *owner_of_10(uint8_t second, uint8_t third)
{
	return wg_allowedips_lookup4(&d->engine.wg.allowed, (uint8_t[]){ 10, second, third, 1 });
}

/* Change the running engine as wg(8) does: other keys, the first peer removed, other allowed IPs
 * and another keepalive for the second, a third peer added. Return: the third. */
static struct wg_peer *change_live(const struct conf_site *conf, const uint8_t private_key[KEY_LEN],
	const uint8_t psk[KEY_LEN])
{
	static const uint8_t third_key[KEY_LEN] = { 3 };
	struct wg_allowedips *allowed = &d->engine.wg.allowed;
	struct wg_peer *second = &peers_find(d, conf->peers[1].public_key)->path.wg;
	struct ip_prefix of_second = prefix_10(0, 1);
	struct ip_prefix of_third = prefix_10(0, 2);
	struct driver_peer *third;

	assert_int_equal(peers_set_private_key(d, private_key), 0);
	peers_remove(d, peers_find(d, conf->peers[0].public_key));
	wg_peer_set_psk(&d->engine.wg, second, psk);
	wg_peer_set_keepalive(&d->engine.wg, second, 25);
	assert_int_equal(wg_allowedips_insert(allowed, &of_second, second), 0);
	assert_int_equal(peers_add(d, third_key, &third), 0);
	wg_peer_set_psk(&d->engine.wg, &third->path.wg, psk);
	assert_int_equal(wg_allowedips_insert(allowed, &of_third, &third->path.wg), 0);
	return &third->path.wg;
}

/* A reload that fails returns to the state that wg(8) has set, not to the file's. */
static void test_back_to_the_engine(void **state)
{
	static const uint8_t private_key[KEY_LEN] = { [1] = 7, [31] = 0x40 };
	static const uint8_t psk[KEY_LEN] = { 9 };
	struct conf_site conf;
	struct conf_site next;
	struct wg_peer *second;
	struct wg_peer *third;
	struct error e;

	test_conf(&conf, "test", TWO_PEERS);
	test_conf(&next, "test", MOVED_PREFIX);
	assert_int_equal(apply_add(d, &conf, &e), 0);
	apply_sweep(d, &conf);
	conf_site_forget_keys(&conf);
	assert_true(secret_is_zero(conf.interface.private_key, KEY_LEN));
	for (size_t i = 0; i < 2; i++)
		assert_true(secret_is_zero(conf.peers[i].preshared_key, KEY_LEN));
	second = &peers_find(d, conf.peers[1].public_key)->path.wg;
	third = change_live(&conf, private_key, psk);

	assert_int_equal(snapshot_take(d, &conf), 0);
	assert_int_equal(conf.n_peers, 2);
	assert_int_equal(apply_add(d, &next, &e), 0);
	assert_ptr_equal(owner_of_10(0, 2), second);
	assert_int_equal(apply_add(d, &conf, &e), 0);
	apply_sweep(d, &conf);

	assert_int_equal(length(&d->peers), 2);
	assert_memory_equal(d->engine.wg.identity.private_key, private_key, KEY_LEN);
	assert_memory_equal(second->remote.psk, psk, KEY_LEN);
	assert_memory_equal(third->remote.psk, psk, KEY_LEN);
	assert_int_equal(second->keepalive_s, 25);
	assert_ptr_equal(owner_of_10(0, 1), second);
	assert_ptr_equal(owner_of_10(0, 2), third);
	conf_site_fini(&next);
	conf_site_fini(&conf);
}

/* A TAP and a TUN that others opened are used instead of new ones, each once. */
static void test_offered_ports(void **state)
{
	struct driver_options options;
	struct tap tap;
	struct tap tun;
	unsigned ifindex;
	struct driver_session *s;

	assert_int_equal(driver_options_from(NULL, &options), 0);
	assert_int_equal(tap_open("t0", TAP_ETHERNET, options.tap, &tap), 0);
	assert_int_equal(tap_open("wg5", TAP_IP, options.tap, &tun), 0);
	ifindex = if_nametoindex("t0");
	assert_int_equal(ports_offer(d, tap.fd), 0);
	assert_int_equal(ports_offer(d, tun.fd), 0);
	assert_true(ports_offer(d, loop.epoll_fd) < 0);
	s = apply_text(HEAD TUNNEL(1701) SESSION("t0", 1, "") SESSION("t1", 2, ""));
	assert_int_equal(s->io.tap.fd, tap.fd);
	assert_int_equal(s->path.port.ifindex, ifindex);
	assert_int_not_equal(if_nametoindex("t1"), 0); /* not offered: opened */
	assert_int_equal(ports_open_tun(d, "wg5"), 0);
	assert_int_equal(d->tun.tap.fd, tun.fd);
	assert_true(list_is_empty(&d->offered));
	assert_null(apply_text(HEAD));
	assert_int_equal(if_nametoindex("t0"), 0); /* the driver closed it as its own */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_options), cmocka_unit_test(test_back_to_the_engine),
		cmocka_unit_test(test_offered_ports) };
	const struct driver_sizes sizes = { .peers = 4, .allowed_ips = 8, .packet_max = 2048 };
	struct driver_options options;
	int failed;

	test_netns_enter();
	if (driver_options_from(NULL, &options) < 0 || loop_open(&loop) < 0 ||
		driver_open(&loop, &options, &sizes, &test_underlay, &d) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	driver_close(d);
	loop_close(&loop);
	return failed;
}
