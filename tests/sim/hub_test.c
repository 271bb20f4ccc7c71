/* SPDX-License-Identifier: MIT */
/* A thousand peers of one device: simultaneous handshakes, ten minutes of operation, and the cost.
 * Time advances in ticks; a datagram takes one. */
#include "wg/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/handshake.h"

#define CLIENTS	  1000
#define EACH	  16
#define TICK	  (50 * NS_PER_MS)
#define KEEPALIVE 25
#define QUEUE	  8192

struct client {
	struct wg_device dev;
	struct wg_peer hub;
	struct endpoint at;
	_Alignas(64) uint8_t memory[8192];
};

struct datagram {
	size_t client;
	bool to_hub;
	size_t len;
	uint8_t bytes[WG_HANDSHAKE_MAX];
};

static struct wg_device hub;
static struct wg_peer peers[CLIENTS];
static struct client clients[CLIENTS];
static struct datagram queue[2][QUEUE];
static size_t queued;
static unsigned tick;
static uint64_t seed = 11;
static uint64_t hub_wakeups;
static uint64_t keepalives;
static struct drop_counters drops;

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(seed >> 40);
	}
}

static struct mono now(void)
{
	return (struct mono){ 1000 * NS_PER_S + tick * TICK };
}

static struct wall wall(void)
{
	return (struct wall){ 1700000000 + tick * TICK / NS_PER_S,
		(uint32_t)(tick * TICK % NS_PER_S) };
}

static void emit(size_t client, bool to_hub, const uint8_t *msg, size_t len)
{
	struct datagram *d = &queue[tick & 1][queued++];

	assert_true(queued < QUEUE && len <= sizeof(d->bytes));
	*d = (struct datagram){ .client = client, .to_hub = to_hub, .len = len };
	memcpy(d->bytes, msg, len);
}

/* Carry out the actions that either end's engine requests. */
static void run_actions(size_t client, bool at_hub, unsigned actions)
{
	struct wg_device *dev = at_hub ? &hub : &clients[client].dev;
	struct wg_peer *peer = at_hub ? &peers[client] : &clients[client].hub;
	uint8_t msg[WG_HANDSHAKE_MAX];
	struct wg_keypair *kp;
	uint64_t counter;

	if (actions & WG_SEND_KEEPALIVE) {
		kp = wg_peer_sending_key(peer, now());
		if (kp) {
			assert_int_equal(wg_keypair_reserve(kp, &counter), 0);
			wg_data_seal(&dev->crypto.aead, kp, counter, msg, 0);
			emit(client, !at_hub, msg, WG_DATA_OVERHEAD);
			actions |= wg_peer_sent(dev, kp->peer, WG_DATA_OVERHEAD, false, now());
		} else {
			actions |= wg_peer_want_session(dev, peer, now());
		}
	}
	if (actions & WG_SEND_INITIATION && !wg_peer_make_initiation(dev, peer, now(), wall(), msg))
		emit(client, !at_hub, msg, WG_INITIATION_LEN);
}

static enum drop deliver(struct datagram *d)
{
	struct wg_device *dev = d->to_hub ? &hub : &clients[d->client].dev;
	struct endpoint src = clients[d->client].at;
	struct wg_keypair *kp;
	struct wg_event e;
	uint64_t counter;
	enum drop drop;

	if (!d->to_hub)
		src = clients[d->client].hub.endpoint;
	if (d->bytes[0] != WG_MSG_DATA) {
		drop = wg_device_handshake(dev, d->bytes, d->len, &src, now(), wall(), &e);
		if (e.reply_len)
			emit(d->client, !d->to_hub, e.reply, e.reply_len);
		if (e.peer)
			run_actions(d->client, d->to_hub, e.actions);
		return drop;
	}
	drop = wg_data_begin(dev, d->bytes, d->len, now(), &kp, &counter);
	if (!drop)
		drop = wg_data_open(&dev->crypto.aead, kp, counter, d->bytes, d->len);
	if (!drop)
		drop = wg_data_commit(kp, counter);
	if (drop)
		return drop;
	keepalives += d->to_hub;
	run_actions(d->client, d->to_hub,
		wg_peer_received(dev, kp->peer, kp, &src, d->len, false, now()));
	return DROP_NONE;
}

static void run(unsigned ticks)
{
	for (unsigned end = tick + ticks; tick < end;) {
		struct datagram *arrived = queue[tick & 1];
		size_t n = queued;
		struct wg_peer *peer;

		queued = 0;
		tick++;
		for (size_t i = 0; i < n; i++)
			drop_count(&drops, deliver(&arrived[i]));
		while ((peer = wg_device_due(&hub, now()))) {
			hub_wakeups++;
			run_actions(
				(size_t)(peer - peers), true, wg_peer_timers(&hub, peer, now()));
		}
		for (size_t i = 0; i < CLIENTS; i++)
			if (wg_device_due(&clients[i].dev, now()))
				run_actions(i, false,
					wg_peer_timers(&clients[i].dev, &clients[i].hub, now()));
	}
}

static void add_client(size_t i)
{
	const struct wg_sizes one = { .peers = 1, .allowed_ips = 1, .sources = 16 };
	struct client *c = &clients[i];
	struct endpoint at = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 51820 };
	uint8_t key[WG_KEY_LEN];

	assert_true(wg_device_memory(&one) <= sizeof(c->memory));
	assert_int_equal(wg_device_init(&c->dev, &one, c->memory, (struct rng){ fill, NULL }), 0);
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&c->dev, key);
	c->at.addr = ip_addr_v4((uint8_t[]){ 198, 51, (uint8_t)(i >> 8), (uint8_t)i });
	c->at.port = 51820;
	assert_int_equal(wg_device_add_peer(&c->dev, &c->hub, hub.identity.public_key), 0);
	wg_peer_set_endpoint(&c->dev, &c->hub, &at);
	assert_int_equal(wg_device_add_peer(&hub, &peers[i], c->dev.identity.public_key), 0);
	for (uint8_t j = 0; j < EACH; j++) {
		struct ip_prefix p = { .len = 32 };

		p.addr = ip_addr_v4((uint8_t[]){ 10, (uint8_t)(i >> 8), (uint8_t)i, j });
		assert_int_equal(wg_allowedips_insert(&hub.allowed, &p, &peers[i]), 0);
	}
}

static int setup(void **state)
{
	const struct wg_sizes sizes = {
		.peers = CLIENTS, .allowed_ips = CLIENTS * EACH, .sources = 4096
	};
	uint8_t key[WG_KEY_LEN];

	*state = malloc(wg_device_memory(&sizes));
	assert_non_null(*state);
	assert_int_equal(wg_device_init(&hub, &sizes, *state, (struct rng){ fill, NULL }), 0);
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&hub, key);
	for (size_t i = 0; i < CLIENTS; i++)
		add_client(i);
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < CLIENTS; i++)
		wg_device_fini(&clients[i].dev);
	wg_device_fini(&hub);
	free(*state);
	return 0;
}

static size_t connected(void)
{
	size_t n = 0;

	for (size_t i = 0; i < CLIENTS; i++)
		n += wg_peer_sending_key(&peers[i], now()) &&
		     wg_peer_sending_key(&clients[i].hub, now());
	return n;
}

/* All connect at once: a few are accepted immediately, the others send a cookie with the second
 * try. */
static void test_all_at_once(void **state)
{
	for (size_t i = 0; i < CLIENTS; i++)
		wg_peer_set_keepalive(&clients[i].dev, &clients[i].hub, KEEPALIVE);
	run(20);
	assert_in_range(connected(), WG_LOAD_BURST / 2, 2 * WG_LOAD_BURST);
	assert_true(drops.n[DROP_WG_COOKIE_REQUIRED] > CLIENTS / 2);
	run(180);
	assert_int_equal(connected(), CLIENTS);
	assert_int_equal(drops.n[DROP_WG_HANDSHAKE_AUTH] + drops.n[DROP_WG_MAC1], 0);
}

/* Ten minutes of keepalives and rekeys: the hub wakes for none of them; the clients drive them. */
static void test_ten_minutes(void **state)
{
	keepalives = 0;
	hub_wakeups = 0;
	run(12000);
	assert_int_equal(connected(), CLIENTS);
	assert_in_range(
		keepalives, CLIENTS * (600 / KEEPALIVE - 2), CLIENTS * (600 / KEEPALIVE + 6));
	assert_int_equal(hub_wakeups, 0);
	assert_true(hub.indices.len <= 6 * CLIENTS);
	assert_int_equal(hub.deadlines.len, CLIENTS);
}

/* The clients fall silent: each peer's timers run once, to wipe its keys, and no timer remains. */
static void test_all_gone(void **state)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		wg_peer_set_keepalive(&clients[i].dev, &clients[i].hub, 0);
		wg_peer_reset(&clients[i].dev, &clients[i].hub);
	}
	hub_wakeups = 0;
	run(541 * 20);
	assert_int_equal(hub_wakeups, CLIENTS);
	assert_int_equal(hub.indices.len, 0);
	assert_int_equal(wg_device_deadline(&hub).ns, 0);
	assert_int_equal(connected(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_ten_minutes),
		cmocka_unit_test(test_all_gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
