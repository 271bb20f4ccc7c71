/* SPDX-License-Identifier: MIT */
/* Tests of the device: its peers and memory, and hostile messages, which change nothing. */
#include "wg/device.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/tai64n.h"
#include "wg/handshake.h"
#include "wg/test_load.h"

static const struct wg_sizes small = { .peers = 2, .allowed_ips = 4, .sources = 16 };

/** Two devices that are configured as each other's peers, up to a session. */
struct pair {
	struct wg_device dev[2];
	struct wg_peer peer[2];
	struct wg_peer other; /* a second peer of device 1 */
	void *memory[2];
	uint64_t random;
	struct mono now;
	struct wall wall;
	struct endpoint at[2];
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

static uint32_t random_u32(struct pair *p)
{
	uint32_t v;

	fill(&p->random, (uint8_t *)&v, sizeof(v));
	return v;
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	uint8_t key[WG_KEY_LEN], other[WG_KEY_LEN];

	assert_non_null(p);
	p->random = 5;
	p->now = (struct mono){ 1000 * NS_PER_S };
	p->wall = (struct wall){ 1700000000, 0 };
	for (unsigned i = 0; i < 2; i++) {
		p->memory[i] = malloc(wg_device_memory(&small));
		assert_int_equal(wg_device_init(&p->dev[i], &small, p->memory[i],
					 (struct rng){ fill, &p->random }),
			0);
		fill(&p->random, key, sizeof(key));
		assert_null(wg_device_set_private_key(&p->dev[i], key));
		p->at[i] = (struct endpoint){
			.addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)(i + 1) }), .port = 8172
		};
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(wg_device_add_peer(&p->dev[i], &p->peer[i],
					 p->dev[1 - i].identity.public_key),
			0);
	fill(&p->random, other, sizeof(other));
	assert_int_equal(wg_device_add_peer(&p->dev[1], &p->other, other), 0);
	wg_peer_set_endpoint(&p->dev[0], &p->peer[0], &p->at[1]);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		wg_device_fini(&p->dev[i]);
		free(p->memory[i]);
	}
	free(p);
	return 0;
}

/* Make an initiation of device 0, however recent the last one is. */
static void initiate(struct pair *p, uint8_t msg[WG_INITIATION_LEN])
{
	p->peer[0].last_initiation_sent = MONO_NEVER;
	assert_int_equal(wg_peer_make_initiation(&p->dev[0], &p->peer[0], p->now, p->wall, msg), 0);
}

static enum drop handle(
	struct pair *p, unsigned to, const uint8_t *msg, size_t len, struct wg_event *ret)
{
	return wg_device_handshake(&p->dev[to], msg, len, &p->at[1 - to], p->now, p->wall, ret);
}

/* Let device 1 handle an initiation under load, when each requires a cookie. */
static enum drop handle_under_load(
	struct pair *p, const uint8_t *msg, const struct endpoint *from, struct wg_event *ret)
{
	test_load_begin(&p->dev[1], p->now);
	return wg_device_handshake(&p->dev[1], msg, WG_INITIATION_LEN, from, p->now, p->wall, ret);
}

/* Establish a session from device 0 to device 1, confirmed. Also returns its messages. */
static void establish(
	struct pair *p, uint8_t initiation[WG_INITIATION_LEN], uint8_t response[WG_RESPONSE_LEN])
{
	struct wg_event e;

	initiate(p, initiation);
	assert_int_equal(handle(p, 1, initiation, WG_INITIATION_LEN, &e), DROP_NONE);
	assert_int_equal(e.reply_len, WG_RESPONSE_LEN);
	assert_ptr_equal(e.peer, &p->peer[1]);
	memcpy(response, e.reply, WG_RESPONSE_LEN);
	assert_int_equal(handle(p, 0, response, WG_RESPONSE_LEN, &e), DROP_NONE);
	assert_int_equal(e.reply_len, 0);
	assert_ptr_equal(e.peer, &p->peer[0]);
	assert_int_equal(e.actions, WG_SEND_KEEPALIVE);
}

/* Everything in a device and its peer that a message may not change unless it authenticates. The
 * random source, working memory of the primitives and the cookie secret are excluded. */
struct snapshot {
	struct wg_peer peer, other;
	struct wg_identity identity;
	struct wg_indextable indices;
	struct wg_index_entry slots[16];
	struct mono deadline;
};

static void take_snapshot(struct pair *p, unsigned i, struct snapshot *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->peer = p->peer[i];
	ret->other = p->other;
	ret->identity = p->dev[i].identity;
	ret->indices = p->dev[i].indices;
	memcpy(ret->slots, p->dev[i].indices.slots, sizeof(ret->slots));
	ret->deadline = wg_device_deadline(&p->dev[i]);
}

static void assert_unchanged(struct pair *p, unsigned i, const struct snapshot *before)
{
	struct snapshot after;

	take_snapshot(p, i, &after);
	assert_memory_equal(&after, before, sizeof(after));
}

/* Offer a message from a buffer of exactly its size. */
static enum drop offer(struct pair *p, unsigned to, const uint8_t *msg, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct wg_keypair *kp;
	uint64_t counter;
	struct wg_event e;
	enum drop drop;

	assert_non_null(copy);
	memcpy(copy, msg, len);
	if (len >= 4 && copy[0] == WG_MSG_DATA) {
		drop = wg_data_begin(&p->dev[to], copy, len, p->now, &kp, &counter);
		if (!drop)
			drop = wg_data_open(&p->dev[to].crypto.aead, kp, counter, copy, len);
	} else {
		drop = wg_device_handshake(
			&p->dev[to], copy, len, &p->at[1 - to], p->now, p->wall, &e);
		assert_true(e.reply_len <= len);
		assert_true(!drop || !e.peer);
		assert_true(!drop || !e.actions);
	}
	free(copy);
	return drop;
}

static void test_truncated_and_long(void **state)
{
	struct pair *p = *state;
	uint8_t messages[4][256] = { { 0 } };
	static const size_t lens[4] = { WG_INITIATION_LEN, WG_RESPONSE_LEN, WG_COOKIE_REPLY_LEN,
		WG_DATA_OVERHEAD };
	struct snapshot before[2];

	establish(p, messages[0], messages[1]);
	messages[2][0] = WG_MSG_COOKIE;
	messages[3][0] = WG_MSG_DATA;
	memcpy(messages[3] + 4, &p->peer[1].keys.next->local_index, 4);
	take_snapshot(p, 0, &before[0]);
	take_snapshot(p, 1, &before[1]);
	for (size_t m = 0; m < 4; m++)
		for (size_t len = 0; len < sizeof(messages[m]); len++)
			for (unsigned to = 0; to < 2; to++) {
				enum drop drop = offer(p, to, messages[m], len);

				assert_int_not_equal(drop, DROP_NONE);
				if (len < lens[m])
					assert_int_equal(drop, DROP_WG_SHORT);
				else if (m < 3 && len > lens[m])
					assert_int_equal(drop, DROP_WG_LENGTH);
				assert_unchanged(p, to, &before[to]);
			}
}

static void test_flipped(void **state)
{
	struct pair *p = *state;
	uint8_t initiation[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	uint8_t data[WG_DATA_OVERHEAD + 16] = { 0 };
	struct snapshot before[2];
	uint64_t counter;

	/* An initiation in transit: no copy with a flipped bit may be accepted ... */
	initiate(p, initiation);
	test_load_begin(&p->dev[1], p->now);
	take_snapshot(p, 1, &before[1]);
	for (size_t bit = 0; bit < sizeof(initiation) * 8 - 128; bit++) {
		initiation[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(offer(p, 1, initiation, sizeof(initiation)), DROP_NONE);
		assert_unchanged(p, 1, &before[1]);
		initiation[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	test_load_end(&p->dev[1]);
	/* ... then a session, and flipped responses and data. */
	establish(p, initiation, response);
	assert_int_equal(wg_keypair_reserve(p->peer[0].keys.current, &counter), 0);
	wg_data_seal(&p->dev[0].crypto.aead, p->peer[0].keys.current, counter, data, 16);
	take_snapshot(p, 0, &before[0]);
	take_snapshot(p, 1, &before[1]);
	for (size_t bit = 0; bit < sizeof(response) * 8; bit++) {
		response[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(offer(p, 0, response, sizeof(response)), DROP_NONE);
		assert_unchanged(p, 0, &before[0]);
		response[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(offer(p, 1, data, sizeof(data)), DROP_NONE);
		assert_unchanged(p, 1, &before[1]);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(offer(p, 1, data, sizeof(data)), DROP_NONE);
}

static void test_random_bytes(void **state)
{
	struct pair *p = *state;
	uint8_t a[WG_INITIATION_LEN], b[WG_RESPONSE_LEN], msg[400];
	struct snapshot before;

	establish(p, a, b);
	test_load_begin(&p->dev[1], p->now);
	take_snapshot(p, 1, &before);
	for (int round = 0; round < 20000; round++) {
		size_t len = random_u32(p) % sizeof(msg);

		fill(&p->random, msg, len);
		if (round % 2 && len >= 4)
			store_le32(msg, 1 + random_u32(p) % 4);
		if (round % 4 == 3 && len >= 8)
			memcpy(msg + 4, &p->peer[1].keys.next->local_index, 4);
		assert_int_not_equal(offer(p, 1, msg, len), DROP_NONE);
	}
	assert_unchanged(p, 1, &before);
}

/* Each handshake message moves the endpoint on its own, once it has authenticated. */
static void test_handshakes_move_endpoints(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct endpoint from = p->at[0];
	struct wg_event e;

	initiate(p, msg);
	from.port++;
	assert_int_equal(
		wg_device_handshake(&p->dev[1], msg, sizeof(msg), &from, p->now, p->wall, &e),
		DROP_NONE);
	assert_int_equal(e.actions, WG_ENDPOINT_MOVED);
	assert_true(endpoint_equal(&p->peer[1].endpoint, &from));
	from = p->at[1];
	from.addr.bytes[0]++;
	assert_int_equal(
		wg_device_handshake(&p->dev[0], e.reply, e.reply_len, &from, p->now, p->wall, &e),
		DROP_NONE);
	assert_int_equal(e.actions, WG_ENDPOINT_MOVED | WG_SEND_KEEPALIVE);
	assert_true(endpoint_equal(&p->peer[0].endpoint, &from));
}

/* Effects of an answered initiation on the responder's timers: it has received from and sent to
 * the peer, but the handshake is not complete. */
static void test_answering(void **state)
{
	struct pair *p = *state;
	struct wg_timers *t = &p->peer[1].timers;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_keypair *kp;
	struct wg_event e;

	wg_peer_set_keepalive(&p->dev[1], &p->peer[1], 25);
	wg_timers_data_sent(t, p->now, &p->dev[1].rng);
	wg_timers_data_received(t, p->now);
	p->now = mono_add(p->now, 3 * NS_PER_S);
	initiate(p, msg);
	assert_int_equal(handle(p, 1, msg, sizeof(msg), &e), DROP_NONE);
	assert_false(mono_is_set(t->new_handshake));
	assert_false(mono_is_set(t->keepalive));
	assert_int_equal(t->persistent.ns, mono_add(p->now, 25 * NS_PER_S).ns);
	assert_int_equal(wg_device_deadline(&p->dev[1]).ns, t->persistent.ns);
	assert_int_equal(p->peer[1].last_handshake.sec, 0);
	assert_false(mono_is_set(p->peer[1].handshake_at));
	assert_null(wg_peer_sending_key(&p->peer[1], p->now));
	kp = p->peer[1].keys.next;
	wg_peer_received(&p->dev[1], kp->peer, kp, &p->at[0], WG_DATA_OVERHEAD, false, p->now);
	assert_int_equal(p->peer[1].last_handshake.sec, p->wall.sec);
	assert_ptr_equal(wg_peer_sending_key(&p->peer[1], p->now), kp);
}

/* The next handshake wipes expired sessions, on either side, confirmed or not. */
static void test_expired_goes(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];

	establish(p, msg, response);
	wg_peer_received(&p->dev[1], &p->peer[1], p->peer[1].keys.next, &p->at[0], WG_DATA_OVERHEAD,
		false, p->now);
	assert_non_null(p->peer[1].keys.current);
	p->now = mono_add(p->now, WG_REJECT_AFTER_TIME);
	p->wall.sec += 180;
	establish(p, msg, response);
	assert_null(p->peer[1].keys.current);
	assert_non_null(p->peer[1].keys.next);
	assert_null(p->peer[0].keys.previous[0]);
	assert_int_equal(p->dev[0].indices.len, 1);
	assert_int_equal(p->dev[1].indices.len, 1);
}

/* An authentic response, modified so that its receiver index is a session's instead of the
 * handshake's: Noise does not authenticate that index, and everybody can compute mac1. */
static void test_response_to_a_session(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	struct wg_event e;
	struct snapshot before;

	establish(p, msg, response);
	p->now = mono_add(p->now, 120 * NS_PER_S);
	p->wall.sec += 120;
	initiate(p, msg);
	assert_int_equal(handle(p, 1, msg, sizeof(msg), &e), DROP_NONE);
	memcpy(response, e.reply, sizeof(response));
	store_le32(response + 8, p->peer[0].keys.current->local_index);
	wg_cookie_add_macs(
		&p->dev[1].crypto, &p->peer[1].cookie, response, sizeof(response), p->now);
	take_snapshot(p, 0, &before);
	assert_int_equal(handle(p, 0, response, sizeof(response), &e), DROP_WG_STATE);
	assert_unchanged(p, 0, &before);
}

/* A replay is dropped by its header, before any decryption. */
static void test_replayed_data(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	uint8_t data[WG_DATA_OVERHEAD] = { 0 };
	struct wg_keypair *kp;
	uint64_t counter;

	establish(p, msg, response);
	wg_data_seal(&p->dev[0].crypto.aead, p->peer[0].keys.current, 9, data, 0);
	assert_int_equal(
		wg_data_begin(&p->dev[1], data, sizeof(data), p->now, &kp, &counter), DROP_NONE);
	assert_int_equal(counter, 9);
	assert_int_equal(wg_data_commit(kp, counter), DROP_NONE);
	assert_int_equal(wg_data_begin(&p->dev[1], data, sizeof(data), p->now, &kp, &counter),
		DROP_WG_REPLAY);
	assert_int_equal(wg_data_commit(kp, counter), DROP_WG_REPLAY);
}

/* Initiations that are replayed, too frequent, or from peers unknown or removed. */
static void test_refused_initiations(void **state)
{
	struct pair *p = *state;
	uint8_t first[WG_INITIATION_LEN], second[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	struct wg_event e;
	struct snapshot before;

	establish(p, first, response);
	take_snapshot(p, 1, &before);
	assert_int_equal(handle(p, 1, first, sizeof(first), &e), DROP_WG_HANDSHAKE_REPLAY);
	assert_int_equal(e.reply_len, 0);
	assert_int_equal(handle(p, 0, response, sizeof(response), &e), DROP_WG_STATE);
	p->wall.nsec = 500000000;
	initiate(p, second);
	assert_int_equal(handle(p, 1, second, sizeof(second), &e), DROP_WG_HANDSHAKE_FLOOD);
	assert_unchanged(p, 1, &before);
	p->now = mono_add(p->now, NS_PER_S / WG_INITIATIONS_PER_S);
	assert_int_equal(handle(p, 1, second, sizeof(second), &e), DROP_NONE);
	assert_int_equal(handle(p, 1, first, sizeof(first), &e), DROP_WG_HANDSHAKE_REPLAY);
	wg_device_remove_peer(&p->dev[1], &p->peer[1]);
	assert_int_equal(handle(p, 1, second, sizeof(second), &e), DROP_WG_UNKNOWN_PEER);
	assert_int_equal(handle(p, 0, second, sizeof(second), &e), DROP_WG_MAC1);
}

/* The limiter: a flood from one address, all with correct cookies. */
static void test_under_load(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	unsigned limited = 0;
	enum drop drop;

	for (unsigned i = 0; i < 10; i++) {
		p->wall.sec++;
		initiate(p, msg);
		drop = handle_under_load(p, msg, &p->at[0], &e);
		if (i == 0) {
			assert_int_equal(drop, DROP_WG_COOKIE_REQUIRED);
			assert_int_equal(e.reply_len, WG_COOKIE_REPLY_LEN);
			assert_null(e.peer);
			assert_int_equal(handle(p, 0, e.reply, e.reply_len, &e), DROP_NONE);
			assert_ptr_equal(e.peer, &p->peer[0]);
			assert_int_equal(
				handle(p, 0, e.reply, WG_COOKIE_REPLY_LEN, &e), DROP_WG_STATE);
		} else if (drop == DROP_WG_RATE_LIMIT) {
			assert_int_equal(e.reply_len, 0);
			limited++;
		}
	}
	assert_int_equal(limited, 4);
}

/* Replies to a flood are limited; one second after the flood every source gets replies again. */
static void test_cookies_are_limited(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	unsigned replies = 0;

	initiate(p, msg);
	for (unsigned i = 0; i < 2 * WG_COOKIES_BURST; i++) {
		enum drop drop = handle_under_load(p, msg, &p->at[0], &e);

		assert_int_equal(drop, e.reply_len ? DROP_WG_COOKIE_REQUIRED : DROP_WG_RATE_LIMIT);
		replies += e.reply_len > 0;
	}
	assert_int_equal(replies, WG_COOKIES_BURST);
	p->now = mono_add(p->now, NS_PER_S);
	assert_int_equal(handle_under_load(p, msg, &p->at[0], &e), DROP_WG_COOKIE_REQUIRED);
}

/* A flood from a real address: the sender requests a cookie and uses it. */
static enum drop come_with_cookie(struct pair *p, const struct endpoint *from)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;
	enum drop drop;

	for (int i = 0; i < 2; i++) {
		p->wall.sec++;
		initiate(p, msg);
		drop = handle_under_load(p, msg, from, &e);
		if (e.reply_len == WG_COOKIE_REPLY_LEN)
			(void)handle(p, 0, e.reply, e.reply_len, &e);
	}
	return drop;
}

/* Give device 1 a limiter of the usual size. */
static void make_room(struct pair *p)
{
	const struct wg_sizes large = { .peers = 2, .allowed_ips = 4, .sources = 8192 };
	void *memory = malloc(wg_device_memory(&large));

	assert_non_null(memory);
	assert_int_equal(wg_device_resize(&p->dev[1], &large, memory), 0);
	free(p->memory[1]);
	p->memory[1] = memory;
}

/* Many addresses of one network, each within its own limit and with a cookie: they share one more
 * limit, and peers that were connected before are still served. */
static void test_verified_flood(void **state)
{
	struct pair *p = *state;
	struct endpoint from = p->at[0];
	unsigned taken = 0;

	make_room(p);
	assert_int_equal(come_with_cookie(p, &p->at[0]), DROP_NONE);
	wg_device_remove_peer(&p->dev[1], &p->peer[1]);
	for (unsigned i = 0; i < 4 * WG_VERIFIED_BURST; i++) {
		enum drop drop;

		p->now = mono_add(p->now, NS_PER_S / (4 * WG_VERIFIED_PER_S));
		from.addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(i >> 8), (uint8_t)i });
		drop = come_with_cookie(p, &from);
		assert_true(drop == DROP_WG_UNKNOWN_PEER || drop == DROP_WG_RATE_LIMIT);
		taken += drop == DROP_WG_UNKNOWN_PEER;
	}
	assert_in_range(taken, WG_VERIFIED_BURST, 2 * WG_VERIFIED_BURST);
	assert_int_equal(
		wg_device_add_peer(&p->dev[1], &p->peer[1], p->dev[0].identity.public_key), 0);
	from.addr.bytes[1]++;
	assert_int_equal(come_with_cookie(p, &from), DROP_WG_RATE_LIMIT);
	assert_int_equal(come_with_cookie(p, &p->at[0]), DROP_NONE);
}

/* A peer that owns a network of addresses has authenticated from all of them: it is limited all
 * the same. */
static void test_recent_flood(void **state)
{
	struct pair *p = *state;
	struct endpoint from = p->at[0];
	unsigned taken = 0;

	make_room(p);
	for (unsigned i = 0; i < 8 * WG_VERIFIED_PER_S; i++) {
		p->now = mono_add(p->now, NS_PER_S / WG_INITIATIONS_PER_S);
		from.addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(i >> 8), (uint8_t)i });
		wg_ratelimit_authenticated(
			&p->dev[1].crypto.blake2s, &p->dev[1].limiter, &from.addr, p->now);
	}
	wg_device_remove_peer(&p->dev[1], &p->peer[1]);
	for (unsigned i = 0; i < 8 * WG_VERIFIED_PER_S; i++) {
		p->now = mono_add(p->now, NS_PER_S / (4 * WG_VERIFIED_PER_S));
		from.addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(i >> 8 & 7), (uint8_t)i });
		taken += come_with_cookie(p, &from) == DROP_WG_UNKNOWN_PEER;
	}
	/* a few no longer count as authenticated, as the table is full */
	assert_in_range(taken, WG_VERIFIED_BURST, 2 * WG_VERIFIED_PER_S + WG_VERIFIED_BURST + 16);
}

/* A flood from made-up addresses uses up all cookie replies, except for those of peers that were
 * connected before. */
static void test_cookies_for_peers(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	struct endpoint from = p->at[0];
	struct wg_event e;

	establish(p, msg, response);
	p->now = mono_add(p->now, 120 * NS_PER_S);
	for (unsigned i = 0; i < 2 * WG_COOKIES_BURST; i++) {
		from.addr = ip_addr_v4((uint8_t[]){ 10, 0, (uint8_t)(i >> 8), (uint8_t)i });
		(void)handle_under_load(p, msg, &from, &e);
	}
	assert_int_equal(e.reply_len, 0);
	assert_int_equal(come_with_cookie(p, &p->at[0]), DROP_NONE);
}

static void test_peers(void **state)
{
	struct pair *p = *state;
	struct wg_peer third, self;
	struct wg_device *dev = &p->dev[1];
	uint8_t key[WG_KEY_LEN] = { 9, 9 }, mine[WG_KEY_LEN], zero[WG_KEY_LEN] = { 0 };

	assert_int_equal(wg_device_add_peer(dev, &third, p->dev[0].identity.public_key), -EEXIST);
	assert_int_equal(wg_device_add_peer(dev, &third, dev->identity.public_key), -EINVAL);
	assert_int_equal(wg_device_add_peer(dev, &third, key), -ENOSPC);
	assert_ptr_equal(wg_device_find_peer(dev, p->dev[0].identity.public_key), &p->peer[1]);
	assert_null(wg_device_find_peer(dev, key));
	wg_device_remove_peer(dev, &p->other);
	assert_true(secret_is_zero(&p->other.remote, sizeof(p->other.remote)));
	assert_int_equal(wg_device_add_peer(dev, &third, key), 0);
	assert_int_equal(dev->peer_count, 2);
	wg_device_remove_peer(dev, &third);
	/* Setting a private key whose public key is a peer's removes that peer. */
	memcpy(mine, dev->identity.private_key, sizeof(mine));
	wg_device_set_private_key(dev, zero);
	assert_false(dev->identity.present);
	assert_false(p->peer[1].remote.usable);
	assert_int_equal(wg_device_add_peer(dev, &self, p->dev[1].checker.mac1_key), 0);
	wg_device_remove_peer(dev, &self);
	wg_device_set_private_key(dev, mine);
	memcpy(key, dev->identity.public_key, sizeof(key));
	wg_device_set_private_key(dev, zero);
	assert_int_equal(wg_device_add_peer(dev, &self, key), 0);
	assert_ptr_equal(wg_device_set_private_key(dev, mine), &self);
	assert_int_equal(dev->peer_count, 1);
	assert_true(p->peer[1].remote.usable);
	/* Stored clamped. */
	memset(key, 0xff, sizeof(key));
	wg_device_set_private_key(dev, key);
	assert_int_equal(dev->identity.private_key[0], 0xf8);
	assert_int_equal(dev->identity.private_key[31], 0x7f);
}

static void test_no_initiation(void **state)
{
	struct pair *p = *state;
	uint8_t msg[WG_INITIATION_LEN], zero[WG_KEY_LEN] = { 0 }, one[WG_KEY_LEN] = { 1 };
	struct wg_peer low;

	/* No endpoint, too soon, key of low order, no private key. */
	assert_int_equal(wg_peer_make_initiation(&p->dev[1], &p->peer[1], p->now, p->wall, msg),
		-EHOSTUNREACH);
	assert_int_equal(wg_peer_want_session(&p->dev[1], &p->peer[1], p->now), 0);
	assert_int_equal(wg_peer_want_session(&p->dev[0], &p->peer[0], p->now), WG_SEND_INITIATION);
	initiate(p, msg);
	assert_int_equal(wg_peer_want_session(&p->dev[0], &p->peer[0], p->now), 0);
	assert_int_equal(
		wg_peer_make_initiation(&p->dev[0], &p->peer[0], p->now, p->wall, msg), -EAGAIN);
	assert_int_equal(wg_device_add_peer(&p->dev[0], &low, one), 0);
	wg_peer_set_endpoint(&p->dev[0], &low, &p->at[1]);
	assert_int_equal(wg_peer_want_session(&p->dev[0], &low, p->now), 0);
	assert_int_equal(wg_peer_make_initiation(&p->dev[0], &low, p->now, p->wall, msg), -ENOKEY);
	wg_device_remove_peer(&p->dev[0], &low);
	wg_device_set_private_key(&p->dev[0], zero);
	assert_int_equal(
		wg_peer_make_initiation(&p->dev[0], &p->peer[0], p->now, p->wall, msg), -ENOKEY);
	assert_int_equal(offer(p, 0, msg, sizeof(msg)), DROP_WG_STATE);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix x;

	assert_int_equal(ip_prefix_parse(text, &x), 0);
	return x;
}

static void test_routes(void **state)
{
	struct pair *p = *state;
	struct ip_prefix wide = prefix("10.0.0.0/8"), narrow = prefix("10.0.1.0/24"),
			 v6 = prefix("fd00::/16");
	uint8_t packet[40] = { 0x45, 0, 0, 40, [12] = 10, 0, 1, 7, 10, 9, 9, 9 };
	struct wg_device *dev = &p->dev[1];
	struct ip_header inner;

	assert_int_equal(wg_allowedips_insert(&dev->allowed, &wide, &p->other), 0);
	assert_int_equal(wg_allowedips_insert(&dev->allowed, &narrow, &p->peer[1]), 0);
	assert_int_equal(wg_allowedips_insert(&dev->allowed, &v6, &p->peer[1]), 0);
	assert_int_equal(ip_header_parse(packet, sizeof(packet), &inner), 0);
	assert_ptr_equal(wg_device_route(dev, &inner), &p->other);
	assert_int_equal(wg_device_allows(dev, &p->peer[1], &inner), DROP_NONE);
	assert_int_equal(wg_device_allows(dev, &p->other, &inner), DROP_INNER_SOURCE);
	packet[0] = 0x60;
	packet[4] = packet[5] = 0;
	packet[8] = packet[24] = 0xfd;
	packet[9] = 0;
	packet[25] = 1;
	assert_int_equal(ip_header_parse(packet, sizeof(packet), &inner), 0);
	assert_int_equal(wg_device_allows(dev, &p->peer[1], &inner), DROP_NONE);
	assert_null(wg_device_route(dev, &inner));
}

/* Resizing at any time preserves sessions, routes, deadlines and peers. */
static void test_resize(void **state)
{
	struct pair *p = *state;
	const struct wg_sizes larger = { .peers = 1000, .allowed_ips = 16000, .sources = 64 };
	void *memory = malloc(wg_device_memory(&larger));
	struct ip_prefix route = prefix("10.0.0.0/8");
	uint8_t a[WG_INITIATION_LEN], b[WG_RESPONSE_LEN], data[WG_DATA_OVERHEAD];
	struct wg_device *dev = &p->dev[1];
	struct mono deadline;
	uint64_t counter;

	establish(p, a, b);
	assert_int_equal(wg_allowedips_insert(&dev->allowed, &route, &p->peer[1]), 0);
	deadline = wg_device_deadline(dev);
	assert_int_equal(wg_device_resize(dev, &larger, memory), 0);
	memset(p->memory[1], 0xa5, wg_device_memory(&small));
	free(p->memory[1]);
	p->memory[1] = memory;
	assert_int_equal(wg_device_resize(dev, &small, memory), -EINVAL);
	assert_int_equal(wg_device_deadline(dev).ns, deadline.ns);
	assert_ptr_equal(wg_device_find_peer(dev, p->dev[0].identity.public_key), &p->peer[1]);
	assert_ptr_equal(wg_allowedips_lookup(&dev->allowed, &route.addr), &p->peer[1]);
	assert_int_equal(wg_keypair_reserve(p->peer[0].keys.current, &counter), 0);
	wg_data_seal(&p->dev[0].crypto.aead, p->peer[0].keys.current, counter, data, 0);
	assert_int_equal(offer(p, 1, data, sizeof(data)), DROP_NONE);
}

/* Traffic postpones a deadline; the device notices at the old deadline, and reports no peer as
 * due. */
static void test_deadline_put_off(void **state)
{
	struct pair *p = *state;
	struct wg_device *dev = &p->dev[0];
	uint8_t initiation[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	struct mono first = mono_add(p->now, 25 * NS_PER_S);
	struct mono later = mono_add(first, 10 * NS_PER_S);
	struct wg_keypair *kp;

	establish(p, initiation, response);
	wg_peer_set_keepalive(dev, &p->peer[0], 25);
	assert_ptr_equal(wg_device_due(dev, p->now), &p->peer[0]);
	assert_int_equal(wg_peer_timers(dev, &p->peer[0], p->now), WG_SEND_KEEPALIVE);
	assert_int_equal(wg_device_deadline(dev).ns, first.ns);
	p->now = mono_add(p->now, 10 * NS_PER_S);
	kp = wg_peer_sending_key(&p->peer[0], p->now);
	assert_non_null(kp);
	assert_int_equal(wg_peer_sent(dev, kp->peer, WG_DATA_OVERHEAD, false, p->now), 0);
	assert_true(wg_device_deadline(dev).ns <= later.ns);
	assert_null(wg_device_due(dev, first));
	assert_int_equal(wg_device_deadline(dev).ns, later.ns);
	assert_ptr_equal(wg_device_due(dev, later), &p->peer[0]);
	assert_int_equal(wg_peer_timers(dev, &p->peer[0], later), WG_SEND_KEEPALIVE);
	assert_null(wg_device_due(dev, later));
}

/* Removing a peer with a session removes its indices, deadlines and secrets. */
static void test_remove(void **state)
{
	struct pair *p = *state;
	uint8_t a[WG_INITIATION_LEN], b[WG_RESPONSE_LEN], key[WG_KEY_LEN];
	struct wg_device *dev = &p->dev[1];

	establish(p, a, b);
	memcpy(key, p->peer[1].keys.next->tx_key, sizeof(key));
	assert_non_null(memmem(&p->peer[1], sizeof(p->peer[1]), key, sizeof(key)));
	assert_int_equal(dev->indices.len, 1);
	wg_device_remove_peer(dev, &p->peer[1]);
	assert_int_equal(dev->indices.len, 0);
	assert_int_equal(wg_device_deadline(dev).ns, 0);
	assert_null(memmem(&p->peer[1], sizeof(p->peer[1]), key, sizeof(key)));
}

/* The wall clock is set back: our initiations' timestamps keep increasing, and are the time again
 * once the clock has caught up. This also holds if the peer was removed and added again in
 * between. */
static void test_wall_clock_set_back(void **state)
{
	struct pair *p = *state;
	uint8_t initiation[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	uint8_t time[WG_TIMESTAMP_LEN];

	establish(p, initiation, response);
	p->wall.sec -= 3600;
	for (unsigned i = 0; i < 200; i++) {
		p->now = mono_add(p->now, WG_REKEY_TIMEOUT);
		p->wall.sec += WG_REKEY_TIMEOUT / NS_PER_S;
		establish(p, initiation, response);
	}
	wg_device_remove_peer(&p->dev[0], &p->peer[0]);
	assert_int_equal(
		wg_device_add_peer(&p->dev[0], &p->peer[0], p->dev[1].identity.public_key), 0);
	wg_peer_set_endpoint(&p->dev[0], &p->peer[0], &p->at[1]);
	p->now = mono_add(p->now, WG_REKEY_TIMEOUT);
	(void)wg_peer_make_initiation(&p->dev[0], &p->peer[0], p->now, p->wall, initiation);
	p->now = mono_add(p->now, WG_REKEY_TIMEOUT);
	establish(p, initiation, response); /* at most one second later */
	p->now = mono_add(p->now, 3600 * NS_PER_S);
	p->wall.sec += 3600;
	establish(p, initiation, response);
	tai64n_encode(p->wall, time);
	assert_memory_equal(p->peer[1].newest_timestamp, time, sizeof(time));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_truncated_and_long),
		CASE(test_flipped),
		CASE(test_random_bytes),
		CASE(test_handshakes_move_endpoints),
		CASE(test_answering),
		CASE(test_expired_goes),
		CASE(test_response_to_a_session),
		CASE(test_replayed_data),
		CASE(test_refused_initiations),
		CASE(test_under_load),
		CASE(test_cookies_are_limited),
		CASE(test_verified_flood),
		CASE(test_recent_flood),
		CASE(test_cookies_for_peers),
		CASE(test_peers),
		CASE(test_no_initiation),
		CASE(test_wall_clock_set_back),
		CASE(test_routes),
		CASE(test_resize),
		CASE(test_deadline_put_off),
		CASE(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
