/* SPDX-License-Identifier: MIT */
/* Fuzz target: a device continues from memory that an attacker had under control. It must not
 * crash, use a key that is too old or a counter twice, or get an endpoint that is none; and the
 * successor after it must find a store that it accepts.
 * Input: what[1] memory[]. `what`: bit 0: the memory begins with a valid header; bit 1: records
 * have the public keys of our peers; bit 2: sessions are young enough; the others: seconds until
 * timers run. */
#include "fuzz/target.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "wg/device.h"
#include "wg/handshake.h"
#include "wg/successor.h"

#define PEERS	4
#define RECORDS 6
#define NOW_S	1000U

static const struct wg_sizes sizes = { .peers = PEERS, .allowed_ips = 8, .sources = 16 };

/** A device and its peers. */
struct end {
	struct wg_device dev;
	struct wg_peer peers[PEERS];
	void *memory;
	uint64_t random;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

/* The public key of a peer: any bytes. */
static void key_of(size_t peer, uint8_t ret[static WG_KEY_LEN])
{
	memset(ret, 0x40 + (int)peer, WG_KEY_LEN);
}

static void open_end(struct end *e)
{
	static const uint8_t key[WG_KEY_LEN] = { 9 };

	e->random = 1;
	e->memory = malloc(wg_device_memory(&sizes));
	EXPECT(e->memory);
	EXPECT(wg_device_init(&e->dev, &sizes, e->memory, (struct rng){ fill, &e->random }) == 0);
	EXPECT(wg_device_set_private_key(&e->dev, key) == NULL);
	for (size_t i = 0; i < PEERS; i++) {
		uint8_t public_key[WG_KEY_LEN];

		key_of(i, public_key);
		EXPECT(wg_device_add_peer(&e->dev, &e->peers[i], public_key) == 0);
	}
}

static void close_end(struct end *e)
{
	wg_device_fini(&e->dev);
	free(e->memory);
}

/* Make of the bytes what a fuzzer cannot guess. */
static void prepare(uint8_t *memory, unsigned what)
{
	struct wg_store_header *h = (void *)memory;
	struct wg_store_record *r = (void *)(h + 1);

	if (what & 1) {
		struct wg_store empty;
		uint32_t used = atomic_load(&h->used) % (RECORDS + 1);

		memset(h, 0, sizeof(*h));
		EXPECT(wg_store_open(&empty, memory, wg_store_memory(RECORDS)) == 0);
		atomic_store(&h->used, used);
	}
	for (size_t i = 0; i < RECORDS; i++) {
		if (what & 2)
			key_of(r[i].public_key[0] % (PEERS + 1), r[i].public_key);
		for (size_t k = 0; k < WG_STORE_SESSIONS && what & 4; k++) {
			struct wg_store_session *s = &r[i].sessions[k];

			s->born = (NOW_S - s->born % 200) * NS_PER_S;
			s->made_ns %= NS_PER_S;
			s->initiator %= 2;
		}
	}
}

static void check_endpoint(const struct endpoint *e)
{
	if (!e->addr.family)
		return;
	EXPECT(e->addr.family == AF_INET || e->addr.family == AF_INET6);
	EXPECT(e->port != 0);
	EXPECT(!e->local.family || e->local.family == e->addr.family);
}

/* A session that is continued is young, is found by its index, and sends counters that its
 * predecessor cannot have used. */
static void check_session(const struct end *e, const struct wg_keypair *kp, struct mono now)
{
	uint8_t msg[WG_DATA_OVERHEAD] = { WG_MSG_DATA };
	struct wg_keypair *found;
	uint64_t counter;
	enum drop drop;

	EXPECT(kp->born.ns && kp->born.ns <= now.ns && wg_keypair_is_fresh(kp, now));
	EXPECT(kp->tx_counter == kp->tx_limit);
	store_le32(msg + 4, kp->local_index);
	memset(msg + 8, 0xff, 4); /* a counter that none has received: 2^32 - 1 */
	drop = wg_data_begin(&e->dev, msg, sizeof(msg), now, &found, &counter);
	EXPECT(drop != DROP_NONE || found == kp);
}

static void use_session(struct wg_keypair *kp)
{
	uint64_t limit = atomic_load(&kp->stored->tx_limit);
	uint64_t counter;

	if (wg_keypair_reserve(kp, &counter) == 0) {
		EXPECT(counter >= limit && counter < WG_REJECT_AFTER_MESSAGES);
		EXPECT(atomic_load(&kp->stored->tx_limit) > counter);
	} else {
		EXPECT(limit >= WG_REJECT_AFTER_MESSAGES);
	}
}

static void run_timers(struct end *e, struct mono now)
{
	uint8_t msg[WG_INITIATION_LEN];
	struct wg_peer *peer;
	unsigned steps = 0;

	while ((peer = wg_device_due(&e->dev, now))) {
		if (wg_peer_timers(&e->dev, peer, now) & WG_SEND_INITIATION)
			(void)wg_peer_make_initiation(
				&e->dev, peer, now, (struct wall){ 1700000000, 0 }, msg);
		EXPECT(++steps < 1000);
	}
}

/* Continue from the memory. Return: the number of peers that have a session. */
static size_t succeed(struct end *e, uint8_t *memory, struct mono now, int expected)
{
	struct wg_store store;
	int err = wg_store_open(&store, memory, wg_store_memory(RECORDS));
	size_t n;

	EXPECT(expected == 0 ? err == 0 : err == 0 || err == expected);
	wg_device_use_store(&e->dev, &store);
	n = wg_device_restore(&e->dev, now, (struct wall){ 1700000000, 0 });
	EXPECT(n <= PEERS);
	for (size_t i = 0; i < PEERS; i++) {
		struct wg_peer *peer = &e->peers[i];

		check_endpoint(&peer->endpoint);
		for (size_t k = 0; k < ARRAY_LEN(peer->keys.slots); k++)
			if (peer->keys.slots[k].peer)
				check_session(e, &peer->keys.slots[k], now);
	}
	wg_device_discard_stored(&e->dev);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size = wg_store_memory(RECORDS);
	uint8_t *memory = aligned_alloc(64, size);
	struct mono now = { NOW_S * NS_PER_S };
	struct end *e = calloc(2, sizeof(*e));
	size_t n;

	EXPECT(memory && e);
	memset(memory, 0, size);
	if (len > 1)
		memcpy(memory, data + 1, size_min(len - 1, size));
	prepare(memory, len ? data[0] : 0);
	open_end(&e[0]);
	n = succeed(&e[0], memory, now, -EPROTO);
	for (size_t i = 0; i < PEERS; i++)
		for (size_t k = 0; k < ARRAY_LEN(e[0].peers[i].keys.slots); k++)
			if (e[0].peers[i].keys.slots[k].peer)
				use_session(&e[0].peers[i].keys.slots[k]);
	open_end(&e[1]); /* as if the first had been killed here */
	EXPECT(succeed(&e[1], memory, now, 0) == n);
	now = mono_add(now, (len ? data[0] >> 3 : 0) * 10 * NS_PER_S);
	run_timers(&e[1], now);
	close_end(&e[1]);
	close_end(&e[0]);
	free(e);
	free(memory);
	return 0;
}
