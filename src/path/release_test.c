/* SPDX-License-Identifier: MIT */
/* Frames that wait for a slow link: what waits, in which order it leaves, and what becomes of it
 * when its session, peer or port is gone. */
#include "path/test_pair.h"

#include "path/control.h"
#include "path/tx.h"
#include "pkt/testpkt.h"

#define FRAMES 60

/* Two sites with a session between them. */
static struct pair *connected(void)
{
	struct pair *p = pair_new_unmerged();
	uint8_t frame[100];

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 0);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	p->b.frames = 0;
	return p;
}

/* The socket is full, or takes a gigabyte per second. */
static void set_full(struct pair *p, bool full)
{
	struct tx_lane *tx = &p->a.e.tx;

	tx->pace.state = PACE_QUEUE;
	tx->pace.drain.rate = 1000000000;
	tx->pace.taken = full ? 1 << 30 : 0;
	tx_update_queueing(tx);
}

/* Let everything leave that may. */
static void release(struct pair *p)
{
	struct tx_lane *tx = &p->a.e.tx;
	bool some = true;

	while (some) {
		some = false;
		while (tx_release(tx, &p->a.job)) {
			some = true;
			while (!tx_continue(tx, &p->a.job))
				pair_carry_side(p, &p->a, &p->b);
		}
		pair_settle(p);
	}
	tx_update_queueing(tx);
}

/* Frames of every kind of length wait, and arrive unchanged, in order, with their counters in
 * order: none is a replay. They are counted when they leave. */
static void test_wait_and_leave(void **state)
{
	struct pair *p = connected();
	uint64_t before = p->a.session.port.stats.tx.packets;
	uint8_t frame[9000];

	set_full(p, true);
	for (unsigned i = 0; i < FRAMES; i++) {
		pair_make_frame(frame, 60 + i * 149, i);
		pair_send(p, &p->a, &p->b, frame, 60 + i * 149, &pair_plain);
	}
	release(p);
	assert_int_equal(p->b.frames, 0);
	assert_int_equal(p->a.e.tx.queue.count, FRAMES);
	assert_int_equal(p->a.peer.queue.count, FRAMES);
	assert_int_equal(p->a.session.port.stats.tx.packets, before);
	assert_true(mono_is_set(engine_deadline(&p->a.e)));

	set_full(p, false);
	for (unsigned i = 0; i < FRAMES; i++) {
		assert_true(tx_release(&p->a.e.tx, &p->a.job));
		assert_true(tx_continue(&p->a.e.tx, &p->a.job));
		pair_settle(p);
		pair_make_frame(frame, 60 + i * 149, i);
		assert_int_equal(p->b.delivered_len, 60 + i * 149);
		assert_memory_equal(p->b.delivered, frame, 60 + i * 149);
	}
	assert_false(tx_release(&p->a.e.tx, &p->a.job));
	assert_int_equal(p->b.frames, FRAMES);
	assert_int_equal(p->a.session.port.stats.tx.packets, before + FRAMES);
	assert_int_equal(pair_drops(p), 0);
	pair_free(p);
}

/* The segments of a superframe wait one by one; what is sent beside them by a sparse flow passes
 * them. */
static void test_superframe(void **state)
{
	struct pair *p = connected();
	static uint8_t frame[70000];
	const struct testpkt bulk = { .ethernet = true, .partial = true, .payload = 14000 };
	const struct testpkt echo = { .ethernet = true, .udp = true, .hosts = 7, .payload = 20 };
	struct offload o = { .gso = GSO_TCP4, .gso_size = 1400, .needs_csum = true };
	size_t len = testpkt_build(&bulk, frame);

	o.hdr_len = (uint16_t)testpkt_hdr_len(&bulk);
	o.csum_start = (uint16_t)testpkt_l4(&bulk);
	o.csum_offset = 16;
	set_full(p, true);
	pair_send(p, &p->a, &p->b, frame, len, &o);
	assert_int_equal(p->a.e.tx.queue.count, 10);
	set_full(p, false);
	assert_true(tx_release(&p->a.e.tx, &p->a.job));
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	assert_true(tx_release(&p->a.e.tx, &p->a.job));
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	pair_settle(p);
	len = testpkt_build(&echo, frame);
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
	assert_true(tx_release(&p->a.e.tx, &p->a.job));
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	pair_settle(p);
	assert_int_equal(p->b.delivered_len, len);
	assert_memory_equal(p->b.delivered, frame, len);
	release(p);
	assert_int_equal(p->b.frames, 11);
	assert_int_equal(pair_drops(p), 0);
	pair_free(p);
}

/* Packets of the TUN wait, too, and so do those of a peer with a limit of its own, until it may
 * send; without limits frames pass the queue. */
static void test_limits(void **state)
{
	struct pair *p = connected();
	struct testpkt t = { .udp = true, .payload = 1000 };
	uint8_t packet[1100], frame[1000];
	size_t len = testpkt_build(&t, packet);
	struct mono due;

	/* a tunnel address of the peer's */
	memcpy(packet + 12, (const uint8_t[]){ 10, 0, 1, 11, 10, 0, 1, 21 }, 8);
	engine_limit_peer(&p->a.e, &p->a.peer, 1000000);
	assert_true(p->a.e.tx.queueing);
	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < 5; i++) {
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
		pair_send_tun(p, &p->a, &p->b, packet, len, &pair_plain);
	}
	release(p);
	assert_in_range(p->b.frames + p->b.packets, 3, 6); /* 3 ms at once */
	due = engine_deadline(&p->a.e);
	assert_in_range(due.ns, p->now.ns + 1, p->now.ns + 2 * NS_PER_MS);
	for (unsigned i = 0; i < 12; i++) {
		pair_tick(p);
		release(p);
	}
	assert_int_equal(p->b.frames, 5);
	assert_int_equal(p->b.packets, 5);
	engine_limit_peer(&p->a.e, &p->a.peer, 0);
	assert_false(p->a.e.tx.queueing);

	engine_limit(&p->a.e, 1000000);
	for (unsigned i = 0; i < 10; i++)
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	release(p);
	assert_in_range(p->b.frames, 8, 10);
	engine_limit(&p->a.e, 0);
	release(p);
	assert_int_equal(p->b.frames, 15);
	assert_false(p->a.e.tx.queueing);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 16);
	assert_int_equal(pair_drops(p), 0);
	pair_free(p);
}

/* The session expires while frames wait: they become pending, and leave with the next session. */
static void test_session_expires(void **state)
{
	struct pair *p = connected();
	uint8_t frame[300];

	set_full(p, true);
	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < 20; i++)
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_advance(p, 2 * WG_REJECT_AFTER_TIME);
	set_full(p, false);
	release(p);
	assert_true(queue_is_empty(&p->a.e.tx.queue));
	pair_run(p, NS_PER_S);
	assert_int_equal(p->b.frames + pair_dropped(&p->a.e, DROP_TX_QUEUE), 20);
	assert_true(p->b.frames > 0);
	pair_free(p);
}

/* A session or a peer is removed while frames wait: they are drops, counted at their port. */
static void test_removal(void **state)
{
	struct pair *p = connected();
	uint8_t frame[300];
	struct testpkt t = { .udp = true, .payload = 100 };
	uint8_t packet[200];
	size_t len = testpkt_build(&t, packet);

	memcpy(packet + 12, (const uint8_t[]){ 10, 0, 1, 11, 10, 0, 1, 21 }, 8);
	set_full(p, true);
	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < 20; i++)
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	for (unsigned i = 0; i < 7; i++)
		pair_send_tun(p, &p->a, &p->b, packet, len, &pair_plain);
	engine_remove_session(&p->a.e, &p->a.session);
	assert_int_equal(p->a.session.port.stats.tx.dropped, 20);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_QUEUE), 20);
	assert_int_equal(p->a.e.tx.queue.count, 7);
	assert_int_equal(engine_add_session(&p->a.e, &p->a.session), 0);
	engine_limit_peer(&p->a.e, &p->a.peer, 1000000);
	engine_remove_peer(&p->a.e, &p->a.peer);
	assert_int_equal(p->a.e.tun.stats.tx.dropped, 7);
	assert_int_equal(p->a.e.tx.queue.count, 0);
	assert_int_equal(p->a.e.tx.limited, 0);
	set_full(p, false);
	assert_false(tx_release(&p->a.e.tx, &p->a.job));
	pair_free(p);
}

/* The trains have no room, and the socket takes none of them: what is read waits, no call hangs,
 * and nothing is lost. */
static void test_blocked(void **state)
{
	struct pair *p = connected();
	struct tx_lane *tx = &p->a.e.tx;
	uint8_t frame[1400];
	unsigned sealed = 0;

	pair_make_frame(frame, sizeof(frame), 1);
	for (; sealed < 10000; sealed++) {
		p->a.answer = tx_begin(
			tx, &p->a.job, &p->a.session.port, frame, sizeof(frame), &pair_plain);
		if (!tx_continue(tx, &p->a.job))
			break;
	}
	assert_in_range(sealed, 50, 5000);
	tx->blocked = true;
	set_full(p, false);
	assert_true(tx_continue(tx, &p->a.job));
	assert_int_equal(tx->queue.count, 1);
	assert_false(tx_release(tx, &p->a.job));
	assert_false(mono_is_set(tx_due(tx)));
	tx->blocked = false;
	assert_true(mono_is_set(tx_due(tx)));
	pair_settle(p);
	assert_int_equal(p->b.frames, sealed);
	release(p);
	assert_int_equal(p->b.frames, sealed + 1);
	assert_int_equal(pair_drops(p), 0);
	pair_free(p);
}

/* Trains are as long as the rate allows: a datagram at a time on a slow link. */
static void test_trains(void **state)
{
	static const struct {
		uint64_t rate;
		unsigned longest;
	} rows[] = { { 2500000, 2 }, { 25000000, 24 }, { 1000000000, 64 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair *p = connected();
		uint8_t frame[1000];
		unsigned longest = 0;

		set_full(p, false);
		p->a.e.tx.pace.drain.rate = rows[i].rate;
		pair_make_frame(frame, sizeof(frame), 1);
		for (unsigned n = 0; n < 80; n++)
			pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
		while (tx_release(&p->a.e.tx, &p->a.job))
			assert_true(tx_continue(&p->a.e.tx, &p->a.job));
		for (size_t n = 0; n < p->a.e.tx.out.heads.n; n++)
			longest = p->a.e.tx.out.heads.trains[n].count > longest
					  ? p->a.e.tx.out.heads.trains[n].count
					  : longest;
		assert_in_range(longest, rows[i].longest * 3 / 4, rows[i].longest);
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_and_leave),
		cmocka_unit_test(test_superframe),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_session_expires),
		cmocka_unit_test(test_removal),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_trains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
