/* SPDX-License-Identifier: MIT */
/* The share reserved for each peer while another peer, or an unknown sender, floods with
 * handshakes. */
#include "wg/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/handshake.h"
#include "wg/test_load.h"

#define CLIENTS 3

enum {
	HONEST,
	LOSSY,
	HOSTILE
};

/* A hub and its peers, each with its own device. */
struct net {
	struct wg_device hub;
	struct wg_peer peers[CLIENTS]; /* at the hub */
	struct wg_device dev[CLIENTS];
	struct wg_peer hubs[CLIENTS]; /* at each client */
	struct endpoint at[CLIENTS];
	struct endpoint hub_at;
	void *memory[CLIENTS + 1];
	uint64_t random;
	struct mono now;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

static struct wall wall_at(const struct net *n)
{
	return (struct wall){ 1700000000 + n->now.ns / NS_PER_S, (uint32_t)(n->now.ns % NS_PER_S) };
}

static void device_init(struct net *n, struct wg_device *dev, void **memory)
{
	const struct wg_sizes sizes = { .peers = CLIENTS, .allowed_ips = 8, .sources = 8192 };
	uint8_t key[WG_KEY_LEN];

	*memory = malloc(wg_device_memory(&sizes));
	assert_non_null(*memory);
	assert_int_equal(wg_device_init(dev, &sizes, *memory, (struct rng){ fill, &n->random }), 0);
	fill(&n->random, key, sizeof(key));
	assert_null(wg_device_set_private_key(dev, key));
}

static int setup(void **state)
{
	struct net *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->random = 5;
	n->now.ns = 1000 * NS_PER_S;
	n->hub_at = (struct endpoint){ .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 100 }),
		.port = 8172 };
	device_init(n, &n->hub, &n->memory[CLIENTS]);
	for (unsigned i = 0; i < CLIENTS; i++) {
		device_init(n, &n->dev[i], &n->memory[i]);
		n->at[i] = (struct endpoint){
			.addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)(i + 1) }), .port = 8172
		};
		assert_int_equal(
			wg_device_add_peer(&n->dev[i], &n->hubs[i], n->hub.identity.public_key), 0);
		assert_int_equal(
			wg_device_add_peer(&n->hub, &n->peers[i], n->dev[i].identity.public_key),
			0);
		wg_peer_set_endpoint(&n->dev[i], &n->hubs[i], &n->hub_at);
	}
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	struct net *n = *state;

	wg_device_fini(&n->hub);
	free(n->memory[CLIENTS]);
	for (unsigned i = 0; i < CLIENTS; i++) {
		wg_device_fini(&n->dev[i]);
		free(n->memory[i]);
	}
	free(n);
	return 0;
}

/* A new initiation of a client, at any time. */
static void initiate(struct net *n, unsigned client, uint8_t msg[WG_INITIATION_LEN])
{
	n->hubs[client].last_initiation_sent = MONO_NEVER;
	assert_int_equal(
		wg_peer_make_initiation(&n->dev[client], &n->hubs[client], n->now, wall_at(n), msg),
		0);
}

static enum drop at_hub(struct net *n, const uint8_t *msg, size_t len, const struct endpoint *from,
	struct wg_event *ret)
{
	return wg_device_handshake(&n->hub, msg, len, from, n->now, wall_at(n), ret);
}

/* Whether processing a message went beyond its macs. */
static bool is_taken(enum drop drop)
{
	return drop != DROP_WG_COOKIE_REQUIRED && drop != DROP_WG_RATE_LIMIT;
}

/* One attempt of a client to get a session, over a path without loss. Return: whether it has
 * one. */
static bool connect_once(struct net *n, unsigned client)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;

	initiate(n, client, msg);
	(void)at_hub(n, msg, sizeof(msg), &n->at[client], &e);
	return e.reply_len == WG_RESPONSE_LEN &&
	       wg_device_handshake(&n->dev[client], e.reply, e.reply_len, &n->hub_at, n->now,
		       wall_at(n), &e) == DROP_NONE;
}

static void connect_all(struct net *n)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_true(connect_once(n, i));
}

/* Initiations from made-up addresses for `ms` milliseconds, more than are accepted without
 * cookies. */
static void flood_made_up(struct net *n, unsigned per_ms, unsigned ms)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;

	initiate(n, HOSTILE, msg);
	for (unsigned i = 0; i < per_ms * ms; i++) {
		struct endpoint from = { .port = 1 };
		uint8_t addr[4];

		fill(&n->random, addr, sizeof(addr));
		from.addr = ip_addr_v4(addr);
		(void)at_hub(n, msg, sizeof(msg), &from, &e);
		if (i % per_ms == 0)
			n->now = mono_add(n->now, NS_PER_MS);
	}
}

/* A peer sends as many initiations as it can from its address: others are not asked for cookies,
 * whether they are known to the hub or not. */
static void test_flood_of_a_peer(void **state)
{
	struct net *n = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	unsigned taken = 0;

	assert_true(connect_once(n, HOSTILE));
	for (unsigned ms = 0; ms < 5000; ms++) {
		if (ms % 50 == 0)
			initiate(n, HOSTILE, msg);
		for (unsigned i = 0; i < 5; i++)
			taken += is_taken(at_hub(n, msg, sizeof(msg), &n->at[HOSTILE], &e));
		if (ms % 1000 == 500)
			assert_true(connect_once(n, HONEST)); /* unknown, at the first attempt */
		if (ms % 1000 == 0)
			n->at[HONEST].port++; /* and again */
		n->now = mono_add(n->now, NS_PER_MS);
	}
	assert_in_range(taken, 1, 6 * WG_LOAD_PER_S);
}

/* A flood from made-up addresses: known peers renew their sessions at the first attempt, as often
 * as in real use, also over a path that loses every other message. */
static void test_flood_of_made_up(void **state)
{
	struct net *n = *state;
	unsigned tries = 0;

	connect_all(n);
	for (unsigned round = 0; round < 5; round++) {
		flood_made_up(n, 1, 5000);
		assert_true(connect_once(n, HONEST));
		if (tries++ % 2)
			assert_true(connect_once(n, LOSSY));
	}
	n->at[HONEST].addr.bytes[3] = 77; /* it has moved: so it needs a cookie */
	flood_made_up(n, 2, 1000);
	assert_false(connect_once(n, HONEST));
}

/* The share does not override the limits: of a flood with one peer's address only the shares of
 * that peer and of its address are accepted, as the address also counts as a source of its own. */
static void test_forged_address(void **state)
{
	struct net *n = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	unsigned taken = 0;

	connect_all(n);
	flood_made_up(n, 2, 1000);
	initiate(n, HOSTILE, msg);
	for (unsigned ms = 0; ms < 2000; ms++) {
		flood_made_up(n, 1, 1);
		taken += is_taken(at_hub(n, msg, sizeof(msg), &n->at[HONEST], &e));
	}
	assert_in_range(taken, 1, 2 * WG_OWN_INITIATIONS_BURST);
	assert_true(connect_once(n, LOSSY));
}

/* The hub initiates to a client. */
static void call(struct net *n, unsigned client, uint8_t msg[WG_INITIATION_LEN])
{
	n->peers[client].last_initiation_sent = MONO_NEVER;
	assert_int_equal(
		wg_peer_make_initiation(&n->hub, &n->peers[client], n->now, wall_at(n), msg), 0);
}

/* Send the hub an invalid response to the initiation `receiver`. Return: whether it cost more than
 * a hash. */
static bool respond_badly(struct net *n, uint32_t receiver, const struct endpoint *from)
{
	uint8_t bad[WG_RESPONSE_LEN] = { WG_MSG_RESPONSE };
	struct wg_response *r = (struct wg_response *)(void *)bad;
	struct wg_event e;
	enum drop drop;

	store_le32(r->receiver, receiver);
	r->ephemeral[0] = 9;
	wg_cookie_add_macs(
		&n->dev[HOSTILE].crypto, &n->hubs[HOSTILE].cookie, bad, sizeof(bad), n->now);
	drop = at_hub(n, bad, sizeof(bad), from, &e);
	assert_int_not_equal(drop, DROP_NONE);
	return drop == DROP_WG_HANDSHAKE_AUTH;
}

/* The hub initiates while it is under load: it accepts the awaited response without a cookie. It
 * does not accept unsolicited responses, and only a few invalid ones from the awaited peer. */
static void test_response(void **state)
{
	struct net *n = *state;
	uint8_t to_honest[WG_INITIATION_LEN], to_hostile[WG_INITIATION_LEN];
	uint32_t index;
	struct wg_event e;
	unsigned bad = 0;

	connect_all(n);
	n->now = mono_add(n->now, NS_PER_S);
	call(n, HONEST, to_honest);
	call(n, HOSTILE, to_hostile);
	index = load_le32(((struct wg_initiation *)(void *)to_hostile)->sender);
	flood_made_up(n, 2, 500);
	for (unsigned i = 0; i < 100; i++) {
		assert_false(respond_badly(n, index + 1 + i, &n->at[HOSTILE]));
		bad += respond_badly(n, index, &n->at[HOSTILE]);
	}
	assert_int_equal(bad, WG_OWN_RESPONSES_BURST);
	assert_int_equal(wg_device_handshake(&n->dev[HONEST], to_honest, sizeof(to_honest),
				 &n->hub_at, n->now, wall_at(n), &e),
		DROP_NONE);
	assert_int_equal(at_hub(n, e.reply, e.reply_len, &n->at[HONEST], &e), DROP_NONE);
	assert_ptr_equal(e.peer, &n->peers[HONEST]);
}

/* One attempt with a cookie, which is requested first. */
static enum drop come_with_cookie(struct net *n, unsigned client, const struct endpoint *from)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	enum drop drop = DROP_NONE;

	for (int i = 0; i < 2; i++) {
		initiate(n, client, msg);
		test_load_begin(&n->hub, n->now);
		drop = at_hub(n, msg, sizeof(msg), from, &e);
		if (e.reply_len == WG_COOKIE_REPLY_LEN)
			(void)wg_device_handshake(&n->dev[client], e.reply, e.reply_len, &n->hub_at,
				n->now, wall_at(n), &e);
		n->now = mono_add(n->now, 1000);
	}
	return drop;
}

/* A peer that owns a network of addresses authenticates from all of them, and then floods from all
 * of them with cookies: it cannot use up the budget for peers' addresses. */
static void test_network_of_a_peer(void **state)
{
	struct net *n = *state;
	struct endpoint from = n->at[HOSTILE];
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;

	connect_all(n);
	for (unsigned i = 0; i < 500; i++) {
		n->now = mono_add(n->now, NS_PER_S / WG_INITIATIONS_PER_S);
		from.addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(i >> 8), (uint8_t)i });
		initiate(n, HOSTILE, msg);
		assert_int_equal(at_hub(n, msg, sizeof(msg), &from, &e), DROP_NONE);
	}
	for (unsigned i = 0; i < 3000; i++) {
		n->now = mono_add(n->now, NS_PER_MS / 2);
		from.addr = ip_addr_v4(
			(uint8_t[]){ 10, 0, (uint8_t)(i % 500 >> 8), (uint8_t)(i % 500) });
		(void)come_with_cookie(n, HOSTILE, &from);
	}
	/* from another port of its address, as after a NAT has lost its mapping */
	from = n->at[HONEST];
	from.port++;
	assert_int_equal(come_with_cookie(n, HONEST, &from), DROP_NONE);
}

/* A peer that renews its session constantly gets the same share as any other, and all others still
 * get theirs. */
static void test_rekeys_all_the_time(void **state)
{
	struct net *n = *state;

	for (unsigned i = 0; i < 500; i++) {
		n->now = mono_add(n->now, NS_PER_S / WG_INITIATIONS_PER_S);
		(void)connect_once(n, HOSTILE);
		assert_true(n->hub.indices.len <= 7);
	}
	assert_true(connect_once(n, HONEST));
	assert_true(connect_once(n, LOSSY));
}

/* Each datagram of a peer has another source: its endpoint moves only occasionally, so that not
 * every datagram causes a route lookup. The endpoint of another peer, which moves once a second,
 * is updated each time. */
static void test_moves(void **state)
{
	struct net *n = *state;
	struct endpoint from[2] = { n->at[HONEST], n->at[HOSTILE] };
	unsigned moved[2] = { 0 };

	connect_all(n);
	for (unsigned ms = 1; ms <= 20000; ms++) {
		n->now = mono_add(n->now, NS_PER_MS);
		from[1].addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(ms >> 8), (uint8_t)ms });
		from[0].port = (uint16_t)(from[0].port + (ms % 1000 == 0));
		for (unsigned i = 0; i < 2; i++) {
			struct wg_peer *peer = &n->peers[i ? HOSTILE : HONEST];
			struct wg_keypairs *keys = &peer->keys;
			unsigned actions = wg_peer_received(&n->hub, peer,
				keys->current ? keys->current : keys->next, &from[i], 100, true,
				n->now);

			moved[i] += (actions & WG_ENDPOINT_MOVED) != 0;
		}
		assert_true(endpoint_equal(&n->peers[HONEST].endpoint, &from[0]));
	}
	assert_int_equal(moved[0], 20);
	assert_in_range(moved[1], 20 * 4, 20 * 4 + WG_MOVES_BURST);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_flood_of_a_peer),
		CASE(test_flood_of_made_up),
		CASE(test_forged_address),
		CASE(test_response),
		CASE(test_network_of_a_peer),
		CASE(test_rekeys_all_the_time),
		CASE(test_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
