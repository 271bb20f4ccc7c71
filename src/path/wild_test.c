/* SPDX-License-Identifier: MIT */
/* A malicious authenticated peer: handshakes, and datagrams under every session it ever had, in
 * any order and any batch, from any address, with any content, while its configuration changes. */
#include "path/test_pair.h"

#include <string.h>

#include "path/control.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"

#define STEPS	 3000
#define BATCH	 24
#define SESSIONS 8

/* The malicious peer's state: side a of a pair, and copies of its sessions, which never expire. */
struct wild {
	struct pair *p;
	struct wg_keypair sessions[SESSIONS];
	unsigned n;
	uint8_t batch[BATCH][2048];
};

static uint32_t random_below(struct wild *w, uint32_t below)
{
	uint32_t v;

	pair_random(&w->p->seed, (uint8_t *)&v, sizeof(v));
	return v % below;
}

static void receive(struct side *s, uint8_t *data, size_t len, const struct endpoint *from)
{
	struct rx_train t = { .data = data, .len = len, .stride = len, .from = *from };

	rx_prefetch(&s->e.rx, t.data, t.len);
	while (!rx_datagrams(&s->e.rx, &t)) {
		pair_deliver(s);
		(void)!control_pump(&s->e);
		pair_reset(&s->e);
	}
}

/* Forget what the engine has to send, but for what answers handshakes: that goes to the other. */
static void drain(struct wild *w, struct side *from, struct side *to)
{
	struct train_queue *q = &from->e.control.out.heads;

	for (size_t i = 0; i < q->n; i++) {
		uint8_t msg[WG_HANDSHAKE_MAX];

		if (q->trains[i].len > sizeof(msg) || q->trains[i].base[0] == WG_MSG_DATA)
			continue;
		memcpy(msg, q->trains[i].base, q->trains[i].len);
		if (msg[0] != WG_MSG_INITIATION || random_below(w, 2))
			receive(to, msg, q->trains[i].len, &from->self);
	}
	pair_deliver(to);
	pair_reset(&from->e);
}

static void pump(struct wild *w)
{
	const struct wg_keypair *kp;

	for (bool done = false; !done; drain(w, &w->p->b, &w->p->a))
		done = control_pump(&w->p->b.e);
	for (bool done = false; !done; pair_reset(&w->p->a.e))
		done = control_pump(&w->p->a.e);
	kp = w->p->a.peer.wg.keys.current;
	if (kp && kp->local_index != w->sessions[w->n % SESSIONS].local_index)
		memcpy(&w->sessions[++w->n % SESSIONS], kp, sizeof(*kp));
}

/* A packet of the peer's own address: a frame, a fragment, an echo's answer, anything. */
static size_t fill_inner(struct wild *w, uint8_t *packet)
{
	size_t len = 60 + random_below(w, 1300), total;
	uint32_t piece = random_below(w, 3);

	if (!random_below(w, 4))
		return 0;
	pair_random(&w->p->seed, packet, len);
	if (!random_below(w, 8))
		return random_below(w, 60);
	memcpy(packet, "\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\1\x0b\x0a\0\1\x15\x06\xa5\x06\xa5",
		24);
	if (!random_below(w, 3)) { /* a third of a packet, with luck */
		len = 60;
		store_be16(packet + 4, (uint16_t)random_below(w, 8));
		store_be16(packet + 6, (uint16_t)((piece < 2) << 13 | piece * 5));
	}
	if (!random_below(w, 8))
		packet[9] = random_below(w, 2) ? 1 : 115;
	total = len - (random_below(w, 2) ? 0 : random_below(w, 16));
	store_be16(packet + 2, (uint16_t)total);
	if (!load_be16(packet + 6) || piece == 0) {
		store_be16(packet + 24, (uint16_t)(load_be16(packet + 6) ? 120 : total - 20));
		store_be16(packet + 26, 0);
		store_be32(packet + 28, 0x00030000);
		store_be32(packet + 32, random_below(w, 8) ? 3921 : random_below(w, 4000));
	}
	checksum_store(packet + 10, checksum_add(0, packet, 20));
	return len;
}

/* One datagram to side b. Return: its length. */
static size_t fill_datagram(struct wild *w, uint8_t *msg)
{
	struct wg_keypair *kp = &w->sessions[random_below(w, SESSIONS)];
	struct wg_peer *peer = &w->p->a.peer.wg;
	uint64_t counter = kp->tx_counter;
	size_t len;

	if (!random_below(w, 60)) {
		peer->last_initiation_sent = MONO_NEVER;
		return wg_peer_make_initiation(
			       &w->p->a.e.wg, peer, w->p->now, w->p->a.e.wall, msg) < 0
			       ? 0
			       : WG_INITIATION_LEN;
	}
	len = fill_inner(w, msg + WG_DATA_HEADER_LEN);
	kp->tx_counter += !!random_below(w, 8);
	wg_data_seal(&w->p->a.e.tx.aead, kp, counter, msg, len);
	return WG_DATA_OVERHEAD + len;
}

static void send_batch(struct wild *w)
{
	unsigned n = 1 + random_below(w, BATCH);

	for (unsigned i = 0; i < n; i++) {
		struct endpoint from = w->p->a.self;
		size_t len = fill_datagram(w, w->batch[i]);

		from.port = (uint16_t)(from.port + !random_below(w, 8));
		if (len)
			receive(&w->p->b, w->batch[i], len, &from);
	}
	pair_deliver(&w->p->b);
}

/* Actions of b's user and bridge members in the meantime. */
static void meanwhile(struct wild *w)
{
	struct side *b = &w->p->b;
	uint8_t key[WG_KEY_LEN];
	uint8_t psk[WG_KEY_LEN] = { 0 };
	struct ip_prefix prefix = { .len = 32, .addr = b->tunnel.remote };
	uint8_t frame[1514];

	if (random_below(w, 2)) {
		pair_make_frame(frame, sizeof(frame), 1);
		b->answer = tx_begin(&b->e.tx, &b->job, &b->session.port, frame,
			14 + random_below(w, 1500), &pair_plain);
		while (!tx_continue(&b->e.tx, &b->job))
			drain(w, b, &w->p->a);
	}
	if (!random_below(w, 200)) {
		memcpy(key, b->peer.wg.remote.public_key, sizeof(key));
		engine_remove_peer(&b->e, &b->peer);
		assert_int_equal(engine_add_peer(&b->e, &b->peer, key), 0);
		assert_int_equal(wg_allowedips_insert(&b->e.wg.allowed, &prefix, &b->peer.wg), 0);
	}
	if (!random_below(w, 100)) {
		psk[0] = (uint8_t)random_below(w, 2);
		wg_peer_set_psk(&b->e.wg, &b->peer.wg, psk);
		wg_peer_set_psk(&w->p->a.e.wg, &w->p->a.peer.wg, psk);
	}
	control_timers(&b->e);
}

static void test_wild_peer(void **state)
{
	struct wild *w = calloc(1, sizeof(*w));
	struct side *b;
	uint8_t frame[100];

	assert_non_null(w);
	w->p = pair_new();
	w->p->seed = 7;
	b = &w->p->b;
	for (unsigned i = 0; i < STEPS; i++) {
		pair_advance(w->p, random_below(w, 300) ? random_below(w, 60) * NS_PER_MS
							: random_below(w, 200) * NS_PER_S);
		send_batch(w);
		meanwhile(w);
		pump(w);
	}
	/* the run had sessions and frames, and counts of everything else */
	assert_true(b->frames > STEPS / 4);
	assert_true(pair_dropped(&b->e, DROP_WG_REPLAY) > STEPS / 4);
	assert_true(pair_dropped(&b->e, DROP_L2TP_SESSION) > 100);
	assert_true(b->session.port.stats.rx.reassembled > 10);

	/* once it behaves well again, it is served */
	pair_advance(w->p, 2 * WG_KEY_LIFE);
	control_timers(&b->e);
	pump(w);
	wg_peer_reset(&w->p->a.e.wg, &w->p->a.peer.wg);
	wg_peer_set_endpoint(&b->e.wg, &b->peer.wg, &w->p->a.self);
	pair_make_frame(frame, sizeof(frame), 1);
	b->frames = 0;
	pair_send(w->p, &w->p->a, b, frame, sizeof(frame), &pair_plain);
	pair_settle(w->p);
	assert_int_equal(b->frames, 1);
	pair_free(w->p);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wild_peer) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
