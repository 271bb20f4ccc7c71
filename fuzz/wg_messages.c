/* SPDX-License-Identifier: MIT */
/* Fuzz target: two WireGuard engines, and an attacker between them who may forge, modify, replay,
 * delay and reorder messages while time passes. Input: a sequence of steps, each an operation byte,
 * an argument byte and the operation's data.
 *
 * Every input begins with the same keys and the same random numbers, and most send the same
 * handshakes. So the two devices are made once and copied, and the results of X25519 are cached:
 * both took most of the time, and neither depends on the code under test. */
#include "fuzz/target.h"

#include "base/bytes.h"
#include "crypto/x25519.h"
#include "wg/device.h"
#include "wg/handshake.h"
#include "wg/test_load.h"

#define STORED_MAX 8   /* genuine messages that the attacker stores */
#define MSG_MAX	   256 /* longest raw message */
#define SENT_MAX   256
#define CACHED	   4096 /* results of X25519 */

struct message {
	size_t len;
	uint8_t bytes[MSG_MAX];
};

struct end {
	struct wg_device dev;
	struct wg_peer peer;
	_Alignas(64) uint8_t memory[16384];
	struct endpoint at;
	bool under_load;	/* requires a cookie for each handshake */
	uint8_t sent[SENT_MAX]; /* by number: packets sent by this end, and received by the other */
	uint8_t received[SENT_MAX];
	unsigned numbers;
};

/** The state of one input. */
struct world {
	struct end end[2];
	struct mono now;
	uint64_t random;
	struct message stored[STORED_MAX];
	unsigned count;
};

static struct world w;

int __real_x25519_public(
	const uint8_t private_key[static X25519_LEN], uint8_t ret_public[static X25519_LEN]);
int __wrap_x25519_public(
	const uint8_t private_key[static X25519_LEN], uint8_t ret_public[static X25519_LEN]);
int __real_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN]);
int __wrap_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN]);

/** A result of X25519. */
struct result {
	bool used;
	int error;
	uint8_t key[1 +
		    2 * X25519_LEN]; /* whether it is for DH, private key, public key or zeros */
	uint8_t result[X25519_LEN];
};

/* Return: the entry of these keys, whose `used` is set if it has their result. */
static struct result *cached(const uint8_t *private_key, const uint8_t *public_key)
{
	static struct result cache[CACHED];
	uint8_t key[1 + 2 * X25519_LEN] = { public_key != NULL };
	uint64_t hash = 0;
	struct result *r;

	memcpy(key + 1, private_key, X25519_LEN);
	if (public_key)
		memcpy(key + 1 + X25519_LEN, public_key, X25519_LEN);
	for (size_t i = 0; i + sizeof(uint64_t) <= sizeof(key); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, key + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	r = &cache[hash % CACHED];
	if (r->used && memcmp(r->key, key, sizeof(key)))
		r->used = false;
	memcpy(r->key, key, sizeof(key));
	return r;
}

/* Copy an entry's result, as the function does: nothing in the case of an error. */
static int take(const struct result *r, uint8_t *ret)
{
	if (!r->error)
		memcpy(ret, r->result, X25519_LEN);
	return r->error;
}

int __wrap_x25519_public(
	const uint8_t private_key[static X25519_LEN], uint8_t ret_public[static X25519_LEN])
{
	struct result *r = cached(private_key, NULL);

	if (!r->used)
		r->error = __real_x25519_public(private_key, r->result);
	r->used = true;
	return take(r, ret_public);
}

int __wrap_x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN])
{
	struct result *r = cached(private_key, public_key);

	if (!r->used)
		r->error = __real_x25519_dh(private_key, public_key, r->result);
	r->used = true;
	return take(r, ret_shared);
}

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		w.random = w.random * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(w.random >> 40);
	}
}

static struct wall wall(void)
{
	return (struct wall){ w.now.ns / NS_PER_S, (uint32_t)(w.now.ns % NS_PER_S) };
}

/* Make both devices, each the other's peer. */
static void make(void)
{
	const struct wg_sizes sizes = { .peers = 1, .allowed_ips = 1, .sources = 16 };
	uint8_t key[WG_KEY_LEN];

	memset(&w, 0, sizeof(w));
	w.now = (struct mono){ 1000 * NS_PER_S };
	EXPECT(wg_device_memory(&sizes) <= sizeof(w.end[0].memory));
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &w.end[i];

		EXPECT(!wg_device_init(&e->dev, &sizes, e->memory, (struct rng){ fill, NULL }));
		fill(NULL, key, sizeof(key));
		wg_device_set_private_key(&e->dev, key);
		e->at.addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, (uint8_t)(1 + i) });
		e->at.port = 8172;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &w.end[i], *other = &w.end[1 - i];

		EXPECT(!wg_device_add_peer(&e->dev, &e->peer, other->dev.identity.public_key));
		wg_peer_set_endpoint(&e->dev, &e->peer, &other->at);
	}
}

/* Begin as all inputs do. The devices have pointers into `w` and to objects of the library that
 * keep no state from one call to the next. */
static void begin(void)
{
	static struct world made;

	if (!made.now.ns) {
		make();
		made = w;
	}
	w = made;
}

static void store_message(const uint8_t *bytes, size_t len)
{
	struct message *m = &w.stored[w.count++ % STORED_MAX];

	m->len = len;
	memcpy(m->bytes, bytes, len);
}

static void run_actions(struct end *e, unsigned actions);

/* Send a data message, a numbered packet or a keepalive, if a session allows it. */
static void send_data(struct end *e, bool packet)
{
	struct wg_keypair *kp = wg_peer_sending_key(&e->peer, w.now);
	uint8_t msg[WG_DATA_OVERHEAD + 16] = { 0 };
	size_t len = packet ? 16 : 0;
	uint64_t counter;

	if (!kp) {
		run_actions(e, wg_peer_want_session(&e->dev, &e->peer, w.now));
		return;
	}
	if (packet && e->numbers == SENT_MAX)
		return;
	if (packet) {
		e->sent[e->numbers] = 1;
		msg[WG_DATA_HEADER_LEN] = (uint8_t)e->numbers++;
	}
	EXPECT(!wg_keypair_reserve(kp, &counter));
	wg_data_seal(&e->dev.crypto.aead, kp, counter, msg, len);
	store_message(msg, len + WG_DATA_OVERHEAD);
	run_actions(e, wg_peer_sent(&e->dev, kp->peer, len + WG_DATA_OVERHEAD, packet, w.now));
}

static void run_actions(struct end *e, unsigned actions)
{
	uint8_t msg[WG_INITIATION_LEN];

	if (actions & WG_SEND_INITIATION &&
		!wg_peer_make_initiation(&e->dev, &e->peer, w.now, wall(), msg))
		store_message(msg, sizeof(msg));
	if (actions & WG_SEND_KEEPALIVE)
		send_data(e, false);
}

/* Each decrypted packet was sent by the other end, and is received once. */
static void check_packet(struct end *e, const uint8_t *packet, size_t len)
{
	struct end *other = &w.end[e == &w.end[0]];

	EXPECT(len == 16);
	EXPECT(other->sent[packet[0]]);
	EXPECT(!other->received[packet[0]]);
	other->received[packet[0]] = 1;
}

static enum drop deliver_data(struct end *e, const struct endpoint *src, uint8_t *msg, size_t len)
{
	struct wg_keypair *kp;
	uint64_t counter;
	enum drop drop = wg_data_begin(&e->dev, msg, len, w.now, &kp, &counter);
	size_t plain = len - WG_DATA_OVERHEAD;

	wg_data_prefetch(&e->dev, msg, len);
	if (!drop)
		drop = wg_data_open(&e->dev.crypto.aead, kp, counter, msg, len);
	if (!drop)
		drop = wg_data_commit(kp, counter);
	if (drop)
		return drop;
	if (plain)
		check_packet(e, msg + WG_DATA_HEADER_LEN, plain);
	run_actions(e, wg_peer_received(&e->dev, kp->peer, kp, src, len, plain, w.now));
	return DROP_NONE;
}

static enum drop deliver_handshake(
	struct end *e, const struct endpoint *src, const uint8_t *msg, size_t len)
{
	struct wg_event event;
	enum drop drop = wg_device_handshake(&e->dev, msg, len, src, w.now, wall(), &event);

	EXPECT(event.reply_len <= len);
	EXPECT(!drop == !!event.peer);
	if (event.reply_len)
		store_message(event.reply, event.reply_len);
	if (event.peer)
		run_actions(e, event.actions);
	return drop;
}

/* A dropped message has changed nothing of the peer but its shares, which a forged source address
 * can use up under load. */
static void check_unchanged(const struct wg_peer *before, const struct wg_peer *peer)
{
	static struct wg_peer expected;

	EXPECT(peer->own_initiations.full_at.ns >= before->own_initiations.full_at.ns);
	EXPECT(peer->own_responses.full_at.ns >= before->own_responses.full_at.ns);
	expected = *before;
	expected.own_initiations = peer->own_initiations;
	expected.own_responses = peer->own_responses;
	EXPECT(!memcmp(&expected, peer, sizeof(expected)));
}

/* Deliver a message. */
static void deliver(struct end *e, const struct endpoint *src, const uint8_t *bytes, size_t len)
{
	static struct wg_peer before;
	uint8_t *msg = malloc(len ? len : 1);
	size_t indices = e->dev.indices.len;
	enum drop drop;

	EXPECT(msg);
	if (e->under_load)
		test_load_begin(&e->dev, w.now);
	before = e->peer;
	if (len)
		memcpy(msg, bytes, len);
	drop = len && msg[0] == WG_MSG_DATA ? deliver_data(e, src, msg, len)
					    : deliver_handshake(e, src, msg, len);
	if (drop) {
		check_unchanged(&before, &e->peer);
		EXPECT(indices == e->dev.indices.len);
	}
	free(msg);
}

/* Set the mac1 of a modified handshake message, which any host can compute. */
static void fix_mac1(struct end *to, struct message *m)
{
	struct wg_cookie_maker maker;

	if (m->len < sizeof(struct wg_macs))
		return;
	wg_cookie_maker_init(&to->dev.crypto, &maker, to->dev.identity.public_key);
	wg_cookie_add_macs(&to->dev.crypto, &maker, m->bytes, m->len, w.now);
}

static void pass_time(uint64_t ns)
{
	w.now = mono_add(w.now, ns);
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &w.end[i];

		for (unsigned n = 0; wg_device_due(&e->dev, w.now); n++) {
			EXPECT(n < 100);
			run_actions(e, wg_peer_timers(&e->dev, &e->peer, w.now));
		}
	}
}

/* Operations on a stored message. Return: bytes of input read. */
static size_t tamper(unsigned op, struct end *e, unsigned which, const uint8_t *in, size_t len)
{
	struct endpoint elsewhere = w.end[e == &w.end[0]].at;
	struct message m;

	if (!w.count || !w.stored[which % STORED_MAX].len)
		return 0;
	m = w.stored[which % STORED_MAX];
	if (op == 0) { /* unmodified */
		deliver(e, &elsewhere, m.bytes, m.len);
		return 0;
	}
	if (len < 3)
		return len;
	elsewhere.port = (uint16_t)(elsewhere.port + in[2] % 4);
	m.bytes[in[0] % m.len] ^= in[1];
	if (op == 1) /* truncated or extended */
		m.len = size_min(MSG_MAX, m.len + in[2] / 4 - size_min(m.len, 32));
	else
		fix_mac1(e, &m);
	deliver(e, &elsewhere, m.bytes, m.len);
	return 3;
}

/* Run one step. Return: bytes of input read. */
static size_t step(unsigned op, unsigned arg, const uint8_t *in, size_t len)
{
	struct end *e = &w.end[op & 1];
	size_t n = size_min(len, arg);

	switch (op >> 1 & 7) {
	case 0:
		deliver(e, &w.end[1 - (op & 1)].at, in, n);
		return n;
	case 1:
		send_data(e, arg & 1);
		return 0;
	case 2:
		pass_time((uint64_t)arg * arg * 10 * NS_PER_MS);
		return 0;
	case 3:
		e->under_load = arg & 1;
		test_load_end(&e->dev);
		return 0;
	case 4:
		wg_peer_set_keepalive(&e->dev, &e->peer, (uint16_t)arg);
		return 0;
	default:
		return tamper((op >> 1 & 7) - 5, e, arg, in, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	begin();
	while (len >= 2) {
		size_t n = step(data[0], data[1], data + 2, len - 2);

		data += 2 + n;
		len -= 2 + n;
	}
	for (unsigned i = 0; i < 2; i++) {
		wg_device_remove_peer(&w.end[i].dev, &w.end[i].peer);
		EXPECT(!w.end[i].dev.indices.len);
	}
	return 0;
}
