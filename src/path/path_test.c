/* SPDX-License-Identifier: MIT */
/* Two engines, back to back in memory: frames of every kind, fragments, pending packets, hostile
 * datagrams, and no allocation. */
#include "path/test_pair.h"

#include <openssl/crypto.h>

#include "path/control.h"
#include "path/peer_pmtu.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"

/* ---- every allocation of the process is counted ---- */

static unsigned long allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
	allocations++;
	return __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

/* libcrypto is a shared library, whose calls are not wrapped. */
static void *crypto_malloc(size_t n, const char *file, int line)
{
	return malloc(n);
}

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
	return realloc(p, n);
}

static void crypto_free(void *p, const char *file, int line)
{
	free(p);
}

static void test_first_frames_wait_for_the_handshake(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[200];

	pair_tick(p);
	for (unsigned i = 0; i < 130; i++) {
		pair_make_frame(frame, sizeof(frame), i);
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	}
	pair_settle(p);
	assert_int_equal(p->b.frames, WG_PENDING_MAX);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_STAGED_FULL), 2);
	assert_memory_equal(p->b.delivered, frame, sizeof(frame));
	pair_free(p);
}

/* The peer has no endpoint: packets evicted from its queue are counted under a drop reason of
 * their own. */
static void test_no_endpoint(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[200];

	p->a.peer.wg.endpoint = (struct endpoint){ 0 };
	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 0);
	for (unsigned i = 0; i < WG_PENDING_MAX + 2; i++)
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_NO_ENDPOINT), 2);
	p->now.ns += 2 * WG_REKEY_ATTEMPT_TIME;
	pair_tick(p);
	control_timers(&p->a.e);
	pair_settle(p);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_NO_ENDPOINT), WG_PENDING_MAX + 2);
	assert_int_equal(
		pair_dropped(&p->a.e, DROP_TX_STAGED_FULL) + pair_dropped(&p->a.e, DROP_TX_EXPIRED),
		0);
	pair_free(p);
}

static void test_every_length(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[9022];

	for (size_t len = 14; len <= sizeof(frame); len += len < 3000 ? 1 : 61) {
		pair_tick(p);
		pair_make_frame(frame, len, (unsigned)len);
		pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
		pair_settle(p);
		assert_int_equal(p->b.delivered_len, len);
		assert_memory_equal(p->b.delivered, frame, len);
	}
	assert_true(p->a.session.port.stats.tx.fragmented > 1000);
	assert_int_equal(
		p->a.session.port.stats.tx.fragmented, p->b.session.port.stats.rx.reassembled);
	for (unsigned d = 0; d < DROP_COUNT; d++)
		assert_int_equal(pair_dropped(&p->a.e, d) + pair_dropped(&p->b.e, d), 0);
	pair_free(p);
}

/* A small frame behind a fragmented one may not arrive first, or sequenced sessions would drop. */
static void test_order_behind_fragments(void **state)
{
	struct pair *p = pair_new();
	uint8_t big[1514];
	uint8_t small[100];

	pair_tick(p);
	pair_make_frame(small, sizeof(small), 0);
	pair_send(p, &p->a, &p->b, small, sizeof(small), &pair_plain);
	pair_settle(p);
	for (unsigned i = 0; i < 100; i++) {
		pair_make_frame(big, sizeof(big), i);
		pair_make_frame(small, sizeof(small), i);
		pair_send(p, &p->a, &p->b, big, sizeof(big), &pair_plain);
		pair_send(p, &p->a, &p->b, small, sizeof(small), &pair_plain);
	}
	pair_settle(p);
	assert_int_equal(p->b.frames, 201);
	assert_memory_equal(p->b.delivered, small, sizeof(small));
	pair_free(p);
}

/* A TCP superframe in IPv4, as a TAP with TSO provides it. */
static size_t make_superframe(uint8_t *f, size_t payload, struct offload *o)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 12, 10,
		0, 2, 22 };
	static const uint8_t tcp[20] = { 0x13, 0x88, 0x13, 0x89, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10,
		1, 0 };

	memset(f, 2, 12);
	store_be16(f + 12, 0x0800);
	memcpy(f + 14, ip, sizeof(ip));
	store_be16(f + 16, (uint16_t)(40 + payload));
	checksum_store(f + 24, checksum_add(0, f + 14, 20));
	memcpy(f + 34, tcp, sizeof(tcp));
	store_le16(f + 50,
		checksum_fold(checksum_pseudo4(f + 26, f + 30, 6, (uint32_t)(20 + payload))));
	for (size_t i = 0; i < payload; i++)
		f[54 + i] = (uint8_t)(i * 31 + (i >> 8));
	*o = (struct offload){ .needs_csum = true,
		.gso = GSO_TCP4,
		.gso_size = 1346,
		.hdr_len = 54,
		.csum_start = 34,
		.csum_offset = 16 };
	return 54 + payload;
}

static void test_superframe_arrives_whole(void **state)
{
	struct pair *p = pair_new();
	static uint8_t frame[SUPERFRAME_MAX];
	struct offload o;
	size_t len = make_superframe(frame, 64000, &o);

	pair_tick(p);
	pair_send(p, &p->a, &p->b, frame, len, &o);
	pair_settle(p);
	p->b.frames = 0;
	pair_send(p, &p->a, &p->b, frame, len, &o);
	assert_int_equal(p->a.e.tx.out.heads.n,
		2); /* 48 segments: more than 65,507 bytes with our headers */
	pair_settle(p);
	assert_int_equal(p->b.frames, 48);
	assert_true(p->b.delivered_len > 2000);
	pair_free(p);
}

static void test_a_million_frames_without_allocation(void **state)
{
	struct pair *p = pair_new();
	static uint8_t frame[SUPERFRAME_MAX];
	struct offload o;
	size_t len = make_superframe(frame, 64000, &o);
	unsigned long before;

	pair_tick(p);
	pair_send(p, &p->a, &p->b, frame, len, &o);
	pair_settle(p);
	before = allocations;
	p->b.frames = 0;
	while (p->b.frames < 1000000) {
		for (unsigned i = 0; i < 8; i++) {
			pair_send(p, &p->a, &p->b, frame, len, &o);
			pair_send(p, &p->a, &p->b, frame, 1514, &pair_plain);
		}
		pair_settle(p);
	}
	assert_int_equal(allocations - before, 0);
	pair_free(p);
}

/* What waits for a session, what makes room for it, and fragments of which the rest never comes. */
static void test_waiting_without_allocation(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[9014];
	unsigned long before = allocations;

	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < 10000; i++)
		pair_send(p, &p->a, &p->b, frame, i % 2 ? 1514 : sizeof(frame), &pair_plain);
	assert_int_equal(allocations - before, 0);
	assert_true(pair_dropped(&p->a.e, DROP_TX_STAGED_FULL) > 9000);
	pair_settle(p);
	before = allocations;
	for (unsigned i = 0; i < 2000; i++) {
		pair_tick(p);
		pair_send(p, &p->a, &p->b, frame, i % 2 ? 1514 : sizeof(frame), &pair_plain);
		(void)pair_carry(p, &p->a, &p->a.e.tx.out.heads, &p->b);
		pair_reset(&p->a.e); /* the last fragment is lost */
		control_timers(&p->b.e);
	}
	assert_int_equal(allocations - before, 0);
	assert_true(pair_dropped(&p->b.e, DROP_FRAG_MEMORY) > 100);
	pair_free(p);
}

/* Whatever is done to a datagram: no frame comes of it, every one is counted, and the next good one
 * passes. */
static void test_hostile_datagrams(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[300];
	uint8_t good[400];
	uint64_t seed = 3;
	uint64_t drops = 0;
	size_t len;

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	len = p->a.e.tx.out.heads.used;
	assert_true(len < sizeof(good));
	memcpy(good, p->a.e.tx.out.heads.arena, len);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t bad[400];
		struct rx_train t = {
			.data = bad, .len = 1 + i % len, .stride = len, .from = p->a.self
		};

		pair_tick(p);
		if (i < 8 * len) { /* every bit flipped */
			memcpy(bad, good, len);
			bad[i / 8] ^= (uint8_t)(1 << i % 8);
			t.len = len;
		} else if (i < 9 * len) { /* every truncation */
			memcpy(bad, good, len);
			t.len = i % len; /* none at all, too */
		} else {		 /* anything, with a plausible type */
			pair_random(&seed, bad, sizeof(bad));
			memset(bad, 0, 4);
			bad[0] = (uint8_t)(i % 6);
		}
		assert_true(rx_datagrams(&p->b.e.rx, &t));
		pair_deliver(&p->b);
		assert_true(control_pump(&p->b.e));
		pair_reset(&p->b.e);
	}
	for (unsigned d = 0; d < DROP_COUNT; d++)
		drops += pair_dropped(&p->b.e, d);
	assert_int_equal(drops, 20000);
	assert_int_equal(p->b.frames, 1);
	pair_settle(p);
	assert_int_equal(p->b.frames, 2);
	pair_free(p);
}

/* What waits for a peer goes with it, and its place in the pool is free again. */
static void test_peers_come_and_go(void **state)
{
	struct pair *p = pair_new();
	struct side *a = &p->a;
	struct ip_prefix prefix = { .len = 32, .addr = a->tunnel.remote };
	uint8_t frame[300], key[WG_KEY_LEN];

	pair_make_frame(frame, sizeof(frame), 1);
	memcpy(key, a->peer.wg.remote.public_key, sizeof(key));
	for (unsigned i = 0; i < 2000; i++) {
		pair_tick(p);
		pair_send(p, a, &p->b, frame, sizeof(frame), &pair_plain);
		assert_int_equal(a->peer.pending.count, 1);
		engine_remove_peer(&a->e, &a->peer);
		assert_int_equal(engine_add_peer(&a->e, &a->peer, key), 0);
		assert_int_equal(wg_allowedips_insert(&a->e.wg.allowed, &prefix, &a->peer.wg), 0);
		wg_peer_set_endpoint(&a->e.wg, &a->peer.wg, &p->b.self);
	}
	pair_send(p, a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	assert_int_equal(pair_dropped(&a->e, DROP_TX_EXPIRED), 2000); /* what waited, each time */
	assert_int_equal(a->session.port.stats.tx.dropped, 2000);
	assert_int_equal(pair_drops(p), 2000);
	pair_free(p);
}

/* In one batch: data that confirms a session, and a handshake that would evict it unconfirmed. */
static void test_handshake_behind_proof(void **state)
{
	struct pair *p = pair_new();
	struct side *a = &p->a, *b = &p->b;
	uint8_t frame[300], data[2048], msg[WG_INITIATION_LEN];
	struct rx_train first = { .data = data, .from = a->self };
	struct rx_train second = {
		.data = msg, .len = sizeof(msg), .stride = sizeof(msg), .from = a->self
	};

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, a, b, frame, sizeof(frame), &pair_plain);
	assert_true(pair_carry_side(p, a, b));
	assert_true(pair_carry_side(p, b, a));
	assert_true(control_pump(&a->e));
	first.len = first.stride = a->e.control.out.heads.used;
	assert_in_range(first.len, sizeof(frame), sizeof(data));
	memcpy(data, a->e.control.out.heads.arena, first.len);
	pair_reset(&a->e);
	pair_advance(p, 100 * NS_PER_MS);
	a->peer.wg.last_initiation_sent = MONO_NEVER;
	assert_int_equal(
		wg_peer_make_initiation(&a->e.wg, &a->peer.wg, a->e.now, a->e.wall, msg), 0);
	assert_true(rx_datagrams(&b->e.rx, &first));
	assert_true(rx_datagrams(&b->e.rx, &second));
	pair_deliver(b);
	assert_true(control_pump(&b->e));
	assert_int_equal(b->frames, 1);
	assert_non_null(b->peer.wg.keys.current);
	assert_non_null(b->peer.wg.keys.next);
	pair_settle(p);
	pair_free(p);
}

/* UDP port 0 cannot be sent to: datagrams from there are dropped, even if authentic. */
static void test_from_port_0(void **state)
{
	struct pair *p = pair_new();
	struct endpoint before;
	uint8_t frame[300];

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	before = p->b.peer.wg.endpoint;
	p->a.self.port = 0;
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	assert_int_equal(pair_dropped(&p->b.e, DROP_WG_SOURCE_PORT), 1);
	assert_true(endpoint_equal(&p->b.peer.wg.endpoint, &before));
	pair_free(p);
}

/* Initiations and responses leave with DSCP AF41; cookie replies, which anybody can ask for,
 * not. */
static void test_dscp_of_handshakes(void **state)
{
	struct pair *p = pair_new();
	const struct train_queue *q = &p->b.e.control.out.heads;
	uint8_t msg[WG_INITIATION_LEN], copy[WG_INITIATION_LEN];
	unsigned seen[5] = { 0 };

	pair_tick(p);
	assert_int_equal(
		wg_peer_make_initiation(&p->a.e.wg, &p->a.peer.wg, p->a.e.now, p->a.e.wall, msg),
		0);
	for (unsigned i = 0; i <= WG_LOAD_BURST + 1; i++) {
		struct rx_train t = {
			.data = copy, .len = sizeof(copy), .stride = sizeof(copy), .from = p->a.self
		};

		memcpy(copy, msg, sizeof(copy));
		assert_true(rx_datagrams(&p->b.e.rx, &t));
		assert_true(control_pump(&p->b.e));
	}
	for (size_t i = 0; i < q->n; i++) {
		unsigned type = q->trains[i].base[0];

		assert_in_range(type, WG_MSG_RESPONSE, WG_MSG_COOKIE);
		seen[type]++;
		assert_int_equal(q->trains[i].tos, type == WG_MSG_RESPONSE ? 0x88 : 0);
	}
	assert_int_equal(seen[WG_MSG_RESPONSE], 1);
	assert_true(seen[WG_MSG_COOKIE]);
	pair_free(p);
}

static void test_replay(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[300];
	uint8_t copy[400];

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	memcpy(copy, p->a.e.tx.out.heads.arena, p->a.e.tx.out.heads.used);

	struct rx_train t = { .data = copy,
		.len = p->a.e.tx.out.heads.used,
		.stride = p->a.e.tx.out.heads.used,
		.from = p->a.self };

	pair_settle(p);
	assert_int_equal(p->b.frames, 2);
	assert_true(rx_datagrams(&p->b.e.rx, &t));
	pair_deliver(&p->b);
	assert_int_equal(p->b.frames, 2);
	assert_int_equal(pair_dropped(&p->b.e, DROP_WG_REPLAY), 1);
	pair_free(p);
}

/* Sealed by the right peer, and still not what it may send. */
static void test_inner_source(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[100];
	uint8_t other[4] = { 10, 0, 1, 99 };

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	l2tp_table_remove_session(&p->a.e.l2tp, &p->a.session.l2tp);
	l2tp_table_remove_tunnel(&p->a.e.l2tp, &p->a.tunnel);
	p->a.tunnel.local = ip_addr_v4(other);
	assert_int_equal(l2tp_session_init(&p->a.session.l2tp), 0);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 0);
	assert_int_equal(pair_dropped(&p->b.e, DROP_INNER_SOURCE), 1);
	pair_free(p);
}

/* A peer that has handshakes faster than it need: its oldest session goes when control learns that
 * it uses a new one. A datagram under the oldest that lies right behind in the same batch is still
 * received; one of the next batch is not. */
static void test_session_evicted_within_a_batch(void **state)
{
	struct pair *p = pair_new();
	struct wg_peer *peer = &p->a.peer.wg;
	static struct wg_keypair oldest;
	uint8_t batch[2 * WG_DATA_OVERHEAD];
	struct rx_train t = {
		.data = batch, .len = sizeof(batch), .stride = WG_DATA_OVERHEAD, .from = p->a.self
	};

	for (unsigned i = 0; i < 2 + WG_PREVIOUS; i++) {
		p->now.ns += 30 * NS_PER_MS;
		pair_tick(p);
		peer->last_initiation_sent = MONO_NEVER;
		attention_add(&p->a.e.control.attention, &p->a.peer, WG_SEND_INITIATION);
		if (i < 1 + WG_PREVIOUS)
			pair_settle(p);
		if (i == 0)
			memcpy(&oldest, peer->keys.current, sizeof(oldest));
	}
	pair_carry_side(p, &p->a, &p->b);
	pair_carry_side(p, &p->b, &p->a);
	assert_true(control_pump(&p->a.e));
	assert_int_equal(p->a.e.control.out.heads.used, WG_DATA_OVERHEAD);
	memcpy(batch, p->a.e.control.out.heads.arena, WG_DATA_OVERHEAD);
	pair_reset(&p->a.e);
	wg_data_seal(&p->a.e.tx.aead, &oldest, 100, batch + WG_DATA_OVERHEAD, 0);

	assert_true(rx_datagrams(&p->b.e.rx, &t));
	assert_int_equal(pair_dropped(&p->b.e, DROP_WG_UNKNOWN_INDEX), 0);
	assert_true(control_pump(&p->b.e));
	assert_int_equal(p->b.peer.wg.keys.current->remote_index, peer->keys.current->local_index);
	t.at = WG_DATA_OVERHEAD;
	wg_data_seal(&p->a.e.tx.aead, &oldest, 101, batch + WG_DATA_OVERHEAD, 0);
	assert_true(rx_datagrams(&p->b.e.rx, &t));
	assert_int_equal(pair_dropped(&p->b.e, DROP_WG_UNKNOWN_INDEX), 1);
	pair_free(p);
}

/* The loopback's MTU, as with a proxy on this host, is one more than any IPv4 packet's length. */
static void test_a_first_hop_wider_than_any_packet(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[100];

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	peer_pmtu_start(&p->a.e, &p->a.peer, 65536, &p->a.tunnel.local, &p->a.tunnel.remote);
	assert_true(control_pump(&p->a.e));
	assert_int_equal(p->a.e.control.out.heads.n, 2);
	assert_int_equal(p->a.e.control.out.heads.trains[0].len, TRAIN_BYTES_MAX);
	peer_pmtu_route(&p->a.e, &p->a.peer, 65575);
	assert_int_equal(p->a.peer.mtu, TRAIN_BYTES_MAX - WG_DATA_OVERHEAD);
	pair_free(p);
}

/* A path of 576 bytes, a queue of many short trains, and a segment as long as a datagram can be. */
static void test_many_fragments_behind_many_trains(void **state)
{
	struct pair *p = pair_new();
	static uint8_t frame[SUPERFRAME_MAX];
	size_t longest = TRAIN_BYTES_MAX - WG_DATA_OVERHEAD - 40; /* our headers */

	pair_tick(p);
	p->a.peer.mtu = 516;
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, 100, &pair_plain);
	pair_settle(p);
	for (unsigned i = 0; i < 256; i++)
		pair_send(p, &p->a, &p->b, frame, i % 2 ? 100 : 200, &pair_plain);
	assert_int_equal(p->a.e.tx.out.heads.n, 128);
	pair_send(p, &p->a, &p->b, frame, longest, &pair_plain);
	assert_int_equal(p->a.session.port.stats.tx.fragments, (longest + 20 + 495) / 496);
	pair_settle(p);
	assert_int_equal(p->b.frames, 257); /* more than our reassembly takes */

	p->a.peer.mtu = 200; /* no such path is followed, but a route may have such an MTU */
	pair_send(p, &p->a, &p->b, frame, longest, &pair_plain);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_OVERSIZE), 1);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_frames_wait_for_the_handshake),
		cmocka_unit_test(test_no_endpoint),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_order_behind_fragments),
		cmocka_unit_test(test_superframe_arrives_whole),
		cmocka_unit_test(test_a_million_frames_without_allocation),
		cmocka_unit_test(test_waiting_without_allocation),
		cmocka_unit_test(test_hostile_datagrams),
		cmocka_unit_test(test_peers_come_and_go),
		cmocka_unit_test(test_handshake_behind_proof),
		cmocka_unit_test(test_from_port_0),
		cmocka_unit_test(test_dscp_of_handshakes),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_session_evicted_within_a_batch),
		cmocka_unit_test(test_inner_source),
		cmocka_unit_test(test_many_fragments_behind_many_trains),
		cmocka_unit_test(test_a_first_hop_wider_than_any_packet),
	};

	if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
