/* SPDX-License-Identifier: MIT */
/* Tests of keys apart from the device: handshakes with devices that have their own, and what an
 * attacker's requests and changes of the keys do. */
#include "wg/key_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/tai64n.h"
#include "wg/device.h"
#include "wg/handshake.h"
#include "wg/key_client.h"

#define CAPACITY 4

static const struct wg_sizes small = { .peers = 4, .allowed_ips = 4, .sources = 16 };

/** Device 0 has its keys in a table; device 1 is as usual. */
struct bench {
	struct wg_device dev[2];
	struct wg_peer peer[2];
	void *memory[2];
	uint64_t random;
	struct mono now;
	struct wall wall;
	struct endpoint at[2];
	struct wg_key_table table;
	struct wg_key_peer peers[CAPACITY];
	struct wg_key_client client;
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN];
	uint8_t psk[WG_KEY_LEN];
	struct wg_key_request last; /* that was sent to the table */
	unsigned requests;
	int fails; /* what the next exchanges return; 0: they succeed */
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

/* Pass a request on to the table, as the messages between two processes. */
static int exchange(void *ctx, const struct wg_key_request *request, struct wg_key_answer *ret)
{
	struct bench *b = ctx;
	struct wg_key_answer answer;

	b->last = *request;
	b->requests++;
	if (b->fails)
		return b->fails;
	assert_int_equal(wg_key_request_decode(request, sizeof(*request), &b->last), 0);
	if (!wg_key_table_request(&b->table, &b->last, b->wall, &answer))
		return 0;
	assert_int_equal(wg_key_answer_decode(&answer, sizeof(answer), request, ret), 0);
	return 0;
}

static void change(struct bench *b, uint32_t type, const uint8_t *peer, const uint8_t *secret)
{
	struct wg_key_change m = { .type = type };

	if (peer)
		memcpy(m.peer, peer, WG_KEY_LEN);
	if (secret)
		memcpy(m.secret, secret, WG_KEY_LEN);
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &m), 0);
	assert_int_equal(wg_key_table_change(&b->table, &m), 0);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct rng rng = { fill, &b->random };
	uint8_t key[WG_KEY_LEN];

	assert_non_null(b);
	b->random = 7;
	b->now = (struct mono){ 1000 * NS_PER_S };
	b->wall = (struct wall){ 1700000000, 0 };
	assert_int_equal(wg_key_table_init(&b->table, b->peers, CAPACITY, rng), 0);
	for (unsigned i = 0; i < 2; i++) {
		b->memory[i] = malloc(wg_device_memory(&small));
		assert_int_equal(wg_device_init(&b->dev[i], &small, b->memory[i], rng), 0);
		b->at[i] = (struct endpoint){
			.addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)(i + 1) }), .port = 8172
		};
	}
	fill(&b->random, b->private_key, WG_KEY_LEN);
	change(b, WG_KEY_SET_IDENTITY, NULL, b->private_key);
	memcpy(b->private_key, b->table.identity.private_key, WG_KEY_LEN);
	memcpy(b->public_key, b->table.identity.public_key, WG_KEY_LEN);
	wg_key_client_init(&b->client, 100, exchange, b);
	assert_int_equal(b->last.type, WG_KEY_RESET);
	wg_device_use_service(&b->dev[0], &b->client.service);
	assert_null(wg_device_set_private_key(&b->dev[0], b->public_key));
	fill(&b->random, key, sizeof(key));
	assert_null(wg_device_set_private_key(&b->dev[1], key));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(wg_device_add_peer(&b->dev[i], &b->peer[i],
					 b->dev[1 - i].identity.public_key),
			0);
	fill(&b->random, b->psk, WG_KEY_LEN);
	change(b, WG_KEY_SET_PEER, b->dev[1].identity.public_key, b->psk);
	wg_peer_set_psk(&b->dev[0], &b->peer[0], (uint8_t[WG_KEY_LEN]){ 1 });
	wg_peer_set_psk(&b->dev[1], &b->peer[1], b->psk);
	for (unsigned i = 0; i < 2; i++)
		wg_peer_set_endpoint(&b->dev[i], &b->peer[i], &b->at[1 - i]);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 2; i++) {
		wg_device_fini(&b->dev[i]);
		free(b->memory[i]);
	}
	wg_key_table_fini(&b->table);
	assert_true(secret_is_zero(b->peers, sizeof(b->peers)));
	free(b);
	return 0;
}

/* Make an initiation of a device. */
static int initiate(struct bench *b, unsigned from, uint8_t msg[static WG_INITIATION_LEN])
{
	b->now = mono_add(b->now, 10 * NS_PER_S);
	b->wall.sec += 10;
	return wg_peer_make_initiation(&b->dev[from], &b->peer[from], b->now, b->wall, msg);
}

static enum drop handle(
	struct bench *b, unsigned to, const uint8_t *msg, size_t len, struct wg_event *ret)
{
	return wg_device_handshake(&b->dev[to], msg, len, &b->at[1 - to], b->now, b->wall, ret);
}

/* Whether `memory` has the bytes of a key. */
static bool contains(const void *memory, size_t len, const uint8_t key[static WG_KEY_LEN])
{
	return memmem(memory, len, key, WG_KEY_LEN) != NULL;
}

/* A handshake from one device to the other; both have the same keys then. */
static void shake(struct bench *b, unsigned from)
{
	const struct wg_keypair *ours, *theirs;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_event e;

	assert_int_equal(initiate(b, from, msg), 0);
	assert_int_equal(handle(b, 1 - from, msg, sizeof(msg), &e), DROP_NONE);
	assert_int_equal(e.reply_len, WG_RESPONSE_LEN);
	assert_int_equal(handle(b, from, e.reply, e.reply_len, &e), DROP_NONE);
	ours = b->peer[from].keys.current;
	theirs = b->peer[1 - from].keys.next;
	assert_non_null(ours);
	assert_non_null(theirs);
	assert_memory_equal(ours->tx_key, theirs->rx_key, WG_KEY_LEN);
	assert_memory_equal(ours->rx_key, theirs->tx_key, WG_KEY_LEN);
	assert_memory_not_equal(ours->rx_key, ours->tx_key, WG_KEY_LEN);
	assert_int_equal(ours->remote_index, theirs->local_index);
	assert_int_equal(b->peer[from].handshake.state, WG_HANDSHAKE_NONE);
}

static void test_handshakes(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 4; i++)
		shake(b, i % 2);
	assert_true(secret_is_zero(&b->peers[0].handshake, sizeof(b->peers[0].handshake)));
	assert_true(secret_is_zero(&b->table.opened, sizeof(b->table.opened)));
	/* another preshared key at one end, then at both */
	fill(&b->random, b->psk, WG_KEY_LEN);
	change(b, WG_KEY_SET_PEER, b->dev[1].identity.public_key, b->psk);
	wg_peer_set_psk(&b->dev[1], &b->peer[1], b->psk);
	shake(b, 0);
	shake(b, 1);
}

/* The device has neither the private key, nor the preshared key, nor what is computed from them
 * during a handshake. */
static void test_device_has_no_secret(void **state)
{
	struct bench *b = *state;
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_key_peer *known = &b->peers[0];
	size_t len = wg_device_memory(&small);

	shake(b, 1);
	assert_int_equal(initiate(b, 0, msg), 0);
	assert_int_equal(known->handshake.state, WG_HANDSHAKE_INITIATION_SENT);
	const uint8_t *const secrets[] = { b->private_key, b->psk, known->remote.static_static,
		known->handshake.ephemeral_private, known->handshake.chaining_key,
		known->handshake.hash };

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		assert_false(secret_is_zero(secrets[i], WG_KEY_LEN));
		assert_false(contains(&b->dev[0], sizeof(b->dev[0]), secrets[i]));
		assert_false(contains(&b->peer[0], sizeof(b->peer[0]), secrets[i]));
		assert_false(contains(b->memory[0], len, secrets[i]));
		assert_false(contains(&b->client, sizeof(b->client), secrets[i]));
	}
	assert_true(contains(&b->table, sizeof(b->table), b->private_key));
	assert_memory_equal(wg_device_key(&b->dev[0]), b->public_key, WG_KEY_LEN);
}

/* With the handshake in the device its part of the table is wiped, too. */
static void test_forgotten(void **state)
{
	struct bench *b = *state;
	uint8_t msg[WG_INITIATION_LEN];

	assert_int_equal(initiate(b, 0, msg), 0);
	assert_false(secret_is_zero(b->peers[0].handshake.ephemeral_private, WG_KEY_LEN));
	wg_peer_reset(&b->dev[0], &b->peer[0]);
	assert_int_equal(b->last.type, WG_KEY_FORGET);
	assert_true(secret_is_zero(&b->peers[0].handshake, sizeof(b->peers[0].handshake)));
	/* another client, as after a crash */
	assert_int_equal(initiate(b, 0, msg), 0);
	wg_key_client_init(&b->client, b->client.seq, exchange, b);
	assert_true(secret_is_zero(&b->peers[0].handshake, sizeof(b->peers[0].handshake)));
}

/* Without an answer nothing is sent; the timers and the next packet try again. */
static void test_no_answer(void **state)
{
	struct bench *b = *state;
	uint8_t msg[WG_INITIATION_LEN];
	size_t used = b->dev[0].indices.len;
	struct wg_event e;

	b->fails = -ETIMEDOUT;
	assert_int_equal(initiate(b, 0, msg), -ETIMEDOUT);
	assert_int_equal(b->dev[0].indices.len, used);
	assert_int_equal(b->peer[0].handshake.state, WG_HANDSHAKE_NONE);
	assert_int_equal(
		wg_peer_make_initiation(&b->dev[0], &b->peer[0], b->now, b->wall, msg), -EAGAIN);
	assert_int_equal(wg_peer_want_session(&b->dev[0], &b->peer[0], b->now), 0);
	b->now = mono_add(b->now, WG_INITIATION_SPACING);
	assert_int_equal(wg_peer_want_session(&b->dev[0], &b->peer[0], b->now), WG_SEND_INITIATION);
	b->now = mono_add(b->now, WG_REKEY_TIMEOUT + WG_REKEY_JITTER);
	assert_ptr_equal(wg_device_due(&b->dev[0], b->now), &b->peer[0]);
	assert_true(wg_peer_timers(&b->dev[0], &b->peer[0], b->now) & WG_SEND_INITIATION);
	/* likewise for those that arrive */
	assert_int_equal(initiate(b, 1, msg), 0);
	assert_int_equal(handle(b, 0, msg, sizeof(msg), &e), DROP_WG_NO_KEYS);
	assert_int_equal(e.reply_len, 0);
	b->fails = 0;
	assert_int_equal(handle(b, 0, msg, sizeof(msg), &e), DROP_NONE);
	assert_int_equal(initiate(b, 0, msg), 0);
	assert_int_equal(handle(b, 1, msg, sizeof(msg), &e), DROP_NONE);
	b->fails = -EPIPE;
	assert_int_equal(handle(b, 0, e.reply, e.reply_len, &e), DROP_WG_NO_KEYS);
	b->fails = 0;
	assert_int_equal(b->peer[0].handshake.state, WG_HANDSHAKE_INITIATION_SENT);
	shake(b, 0);
}

/* Messages that do not authenticate change nothing, in the device or in the table. */
static void test_forged(void **state)
{
	struct bench *b = *state;
	uint8_t msg[WG_INITIATION_LEN], wrong[WG_INITIATION_LEN], response[WG_RESPONSE_LEN];
	struct wg_key_peer before;
	struct wg_event e;

	assert_int_equal(initiate(b, 1, msg), 0);
	for (size_t i = 8; i < offsetof(struct wg_initiation, macs); i += 9) {
		memcpy(wrong, msg, sizeof(wrong));
		wrong[i] ^= 4;
		wg_cookie_add_macs(
			&b->dev[1].crypto, &b->peer[1].cookie, wrong, sizeof(wrong), b->now);
		assert_int_equal(handle(b, 0, wrong, sizeof(wrong), &e), DROP_WG_HANDSHAKE_AUTH);
		assert_true(secret_is_zero(&b->table.opened, sizeof(b->table.opened)));
	}
	assert_int_equal(initiate(b, 0, msg), 0);
	assert_int_equal(handle(b, 1, msg, sizeof(msg), &e), DROP_NONE);
	memcpy(response, e.reply, sizeof(response));
	before = b->peers[0];
	response[20] ^= 1;
	wg_cookie_add_macs(
		&b->dev[1].crypto, &b->peer[1].cookie, response, sizeof(response), b->now);
	assert_int_equal(handle(b, 0, response, sizeof(response), &e), DROP_WG_HANDSHAKE_AUTH);
	assert_memory_equal(&before, &b->peers[0], sizeof(before));
	response[20] ^= 1;
	wg_cookie_add_macs(
		&b->dev[1].crypto, &b->peer[1].cookie, response, sizeof(response), b->now);
	assert_int_equal(handle(b, 0, response, sizeof(response), &e), DROP_NONE);
}

static int ask(struct bench *b, struct wg_key_request *request)
{
	struct wg_key_answer answer;

	request->seq = ++b->client.seq;
	assert_true(wg_key_table_request(&b->table, request, b->wall, &answer));
	assert_int_equal(answer.seq, request->seq);
	assert_int_equal(answer.type, request->type);
	if (answer.code)
		assert_true(secret_is_zero(
			answer.peer, sizeof(answer) - offsetof(struct wg_key_answer, peer)));
	return answer.code;
}

/* Requests of an engine that an attacker controls, in a wrong order or for a wrong peer. */
static void test_wrong_order(void **state)
{
	struct bench *b = *state;
	struct wg_key_request open = { .type = WG_KEY_OPEN_INITIATION };
	struct wg_key_request respond = { .type = WG_KEY_MAKE_RESPONSE, .local_index = 5 };
	struct wg_key_request take = { .type = WG_KEY_TAKE_RESPONSE };
	struct wg_key_request forget = { .type = WG_KEY_FORGET, .seq = 1 };
	struct wg_key_request make = { .type = WG_KEY_MAKE_INITIATION };
	struct wg_key_answer unused;

	assert_int_equal(ask(b, &respond), -ESTALE);
	assert_int_equal(initiate(b, 1, open.message), 0);
	assert_int_equal(ask(b, &open), 0);
	assert_false(wg_key_table_request(&b->table, &forget, b->wall, &unused));
	assert_int_equal(ask(b, &respond), -ESTALE);
	assert_int_equal(ask(b, &open), 0);
	b->client.seq++;
	assert_int_equal(ask(b, &respond), -ESTALE);
	assert_int_equal(ask(b, &open), 0);
	assert_int_equal(ask(b, &respond), 0);
	assert_int_equal(ask(b, &respond), -ESTALE);
	assert_int_equal(ask(b, &make), -ENOENT);
	assert_int_equal(ask(b, &take), -ENOENT);
	memcpy(take.peer, b->dev[1].identity.public_key, WG_KEY_LEN);
	store_le32(take.message, WG_MSG_RESPONSE);
	assert_int_equal(ask(b, &take), -EBADMSG); /* no initiation was made */
	memcpy(make.peer, b->dev[1].identity.public_key, WG_KEY_LEN);
	make.local_index = 77;
	assert_int_equal(ask(b, &make), 0);
	assert_int_equal(ask(b, &take), -EBADMSG); /* for another index */
	store_le32(take.message + 8, 77);
	assert_int_equal(ask(b, &take), -EBADMSG); /* forged */
}

/* An attacker cannot use up the timestamps: the peer accepts initiations when that one is gone. */
static void test_future(void **state)
{
	struct bench *b = *state;
	struct wg_key_request make = { .type = WG_KEY_MAKE_INITIATION, .local_index = 5 };
	uint8_t now[WG_TIMESTAMP_LEN];
	struct wg_key_answer answer;
	struct wg_event e;

	memcpy(make.peer, b->dev[1].identity.public_key, WG_KEY_LEN);
	memset(make.timestamp, 0xff, sizeof(make.timestamp));
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(ask(b, &make), 0);
	make.seq = ++b->client.seq;
	assert_true(wg_key_table_request(&b->table, &make, b->wall, &answer));
	wg_cookie_add_macs(
		&b->dev[0].crypto, &b->peer[0].cookie, answer.message, WG_INITIATION_LEN, b->now);
	assert_int_equal(handle(b, 1, answer.message, WG_INITIATION_LEN, &e), DROP_NONE);
	b->now = mono_add(b->now, NS_PER_S);
	b->wall.sec++;
	tai64n_encode(b->wall, now);
	assert_true(tai64n_later(now, b->peer[1].newest_timestamp));
	shake(b, 0);
	/* also if the clock was stepped back */
	b->wall.sec -= 100000;
	shake(b, 0);
	shake(b, 0);
}

static void test_changes(void **state)
{
	struct bench *b = *state;
	const struct wg_key_change more = { .type = WG_KEY_SET_PEER, .peer = { 0xff } };
	struct wg_key_request make = { .type = WG_KEY_MAKE_INITIATION, .local_index = 1 };
	struct wg_key_request open = { .type = WG_KEY_OPEN_INITIATION };
	const uint8_t *other = b->dev[1].identity.public_key;
	uint8_t key[WG_KEY_LEN] = { 0 };
	struct wg_event e;

	/* full, and sorted */
	for (uint8_t i = 0; i < CAPACITY - 1; i++) {
		key[0] = (uint8_t)(i * 70 + 3);
		change(b, WG_KEY_SET_PEER, key, NULL);
	}
	assert_int_equal(b->table.n, CAPACITY);
	for (unsigned i = 1; i < CAPACITY; i++)
		assert_true(memcmp(b->peers[i - 1].remote.public_key, b->peers[i].remote.public_key,
				    WG_KEY_LEN) < 0);
	assert_int_equal(wg_key_table_change(&b->table, &more), -ENOSPC);
	shake(b, 0);
	/* a key of low order */
	key[0] = 1;
	key[31] = 0;
	change(b, WG_KEY_REMOVE_PEER, (uint8_t[WG_KEY_LEN]){ 3 }, NULL);
	change(b, WG_KEY_REMOVE_PEER, (uint8_t[WG_KEY_LEN]){ 3 }, NULL);
	change(b, WG_KEY_SET_PEER, key, NULL);
	memcpy(make.peer, key, WG_KEY_LEN);
	assert_int_equal(ask(b, &make), -ENOKEY);
	/* a peer that is removed leaves nothing */
	assert_int_equal(initiate(b, 1, open.message), 0);
	assert_int_equal(ask(b, &open), 0);
	change(b, WG_KEY_REMOVE_PEER, other, NULL);
	assert_false(contains(b->peers, sizeof(b->peers), b->psk));
	assert_true(secret_is_zero(&b->table.opened, sizeof(b->table.opened)));
	assert_int_equal(handle(b, 0, open.message, WG_INITIATION_LEN, &e), DROP_WG_UNKNOWN_PEER);
	change(b, WG_KEY_SET_PEER, other, b->psk);
	shake(b, 1);
	/* another identity, and none */
	memcpy(make.peer, other, WG_KEY_LEN);
	assert_int_equal(ask(b, &make), 0);
	fill(&b->random, key, WG_KEY_LEN);
	change(b, WG_KEY_SET_IDENTITY, NULL, key);
	assert_false(contains(&b->table, sizeof(b->table), b->private_key));
	for (unsigned i = 0; i < CAPACITY; i++)
		assert_true(secret_is_zero(&b->peers[i].handshake, sizeof(b->peers[i].handshake)));
	wg_device_remove_peer(&b->dev[1], &b->peer[1]);
	wg_device_set_private_key(&b->dev[0], b->table.identity.public_key);
	assert_int_equal(
		wg_device_add_peer(&b->dev[1], &b->peer[1], b->table.identity.public_key), 0);
	wg_peer_set_psk(&b->dev[1], &b->peer[1], b->psk);
	wg_peer_set_endpoint(&b->dev[1], &b->peer[1], &b->at[0]);
	shake(b, 1);
	shake(b, 0);
	change(b, WG_KEY_SET_IDENTITY, NULL, NULL);
	assert_int_equal(ask(b, &make), -ENOKEY);
	assert_int_equal(ask(b, &open), -EBADMSG);
}

/* Which peers a device with a service can have handshakes with. */
static void test_device(void **state)
{
	struct bench *b = *state;
	struct wg_device *dev = &b->dev[0];
	struct wg_peer low, self;
	uint8_t zero[WG_KEY_LEN] = { 0 }, one[WG_KEY_LEN] = { 1 };

	assert_int_equal(wg_device_add_peer(dev, &self, b->public_key), -EINVAL);
	assert_int_equal(wg_device_add_peer(dev, &low, one), 0);
	assert_false(low.remote.usable);
	wg_device_remove_peer(dev, &low);
	assert_true(b->peer[0].remote.usable);
	assert_null(wg_device_set_private_key(dev, zero));
	assert_false(dev->identity.present);
	assert_false(b->peer[0].remote.usable);
	assert_int_equal(wg_device_add_peer(dev, &self, b->public_key), 0);
	assert_ptr_equal(wg_device_set_private_key(dev, b->public_key), &self);
	assert_true(b->peer[0].remote.usable);
	shake(b, 0);
	/* the same key again changes nothing */
	assert_null(wg_device_set_private_key(dev, b->public_key));
	assert_non_null(b->peer[0].keys.current);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handshakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_has_no_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_future, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
