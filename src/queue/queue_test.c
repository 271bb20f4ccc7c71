/* SPDX-License-Identifier: MIT */
/* Tests of the queue: against a naive version, turns, limits, full memory, marks, clearing. */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"
#include "queue/queue_model.h"

#define PACKET_MAX 65535

struct bench {
	struct queue q;
	struct queue_peer peers[NAIVE_PEERS];
	struct drop_counters drops;
	uint64_t port_drops[2];
	void *memory;
	uint64_t seed;
};

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)test_random(ctx);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct rng rng = { fill, &b->seed };

	b->seed = 5;
	b->memory = calloc(1, queue_memory(PACKET_MAX));
	queue_init(&b->q, b->memory, PACKET_MAX, &rng, &b->drops);
	for (unsigned i = 0; i < NAIVE_PEERS; i++)
		queue_peer_init(&b->peers[i]);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	free(b->memory);
	free(b);
	return 0;
}

static struct mono at_us(uint64_t us)
{
	return (struct mono){ NS_PER_S + us * NS_PER_US };
}

static uint8_t frame[PACKET_MAX];

/* Push a frame of `flow` with `payload` bytes that carries `number`. Return: its length. */
static size_t push(struct bench *b, unsigned peer, unsigned flow, unsigned number, unsigned payload,
	uint8_t tos, uint64_t us)
{
	const struct testpkt t = { .ethernet = true,
		.udp = true,
		.v6 = flow & 1,
		.hosts = flow,
		.sport = 7,
		.dport = 9,
		.tos = tos,
		.payload = payload };
	struct queue_frame f = { .bytes = frame,
		.ethernet = true,
		.port = &b->port_drops[flow & 1],
		.dropped = &b->port_drops[flow & 1] };

	f.len = testpkt_build(&t, frame);
	f.wire = f.len + 100;
	store_be32(frame + f.len - 4, number);
	queue_push(&b->q, &b->peers[peer], &f, at_us(us));
	return f.len;
}

static unsigned number_of(const struct queue_frame *f)
{
	return load_be32(f->bytes + f->len - 4);
}

static bool is_marked(const struct queue_frame *f)
{
	const uint8_t *ip = f->bytes + 14;

	return ip[0] >> 4 == 4 ? (ip[1] & 3) == 3 : (ip[1] >> 4 & 3) == 3;
}

/* Take what both queues hand out next, and compare. Return: false if both are empty. */
static bool take_both(struct bench *b, struct naive *naive, uint64_t us)
{
	struct queue_frame got;
	struct naive_frame want;
	const struct queue_peer *p = queue_take(&b->q, at_us(us), &got);
	bool some = naive_take(naive, at_us(us).ns, &want);

	assert_int_equal(p != NULL, some);
	assert_int_equal(b->drops.n[DROP_TX_QUEUE], naive->drops);
	if (!some)
		return false;
	assert_int_equal(number_of(&got), want.number);
	assert_int_equal(got.len, want.len);
	assert_int_equal(is_marked(&got), want.marked);
	return true;
}

/* Loads of all kinds: frames in bursts to peers and flows at random, and a link whose rate changes,
 * so that queues form, drop, mark and empty. */
static void test_against_naive(void **state)
{
	struct bench *b = *state;
	struct naive *naive = calloc(1, sizeof(*naive));
	uint64_t us = 0;
	unsigned number = 0, marks = 0;

	for (unsigned step = 0; step < 60000; step++) {
		unsigned phase = step / 3000 % 4;
		unsigned burst = test_random(&b->seed) % (phase == 1 ? 2 : phase == 3 ? 4 : 5);
		unsigned leave = test_random(&b->seed) % (phase == 0 ? 3 : 5);

		us += test_random(&b->seed) % 1500;
		for (; burst && b->q.count < 1800; burst--) {
			unsigned peer = test_random(&b->seed) % NAIVE_PEERS;
			unsigned flow = test_random(&b->seed) % NAIVE_FLOWS;
			unsigned payload = 10 + test_random(&b->seed) % 1400;
			bool ect = flow == 2 || flow == 5;
			size_t len = push(b, peer, flow, number, payload, ect ? 2 : 0, us);

			naive_push(naive, (int)peer, (int)flow,
				(struct naive_frame){ .number = number,
					.len = (int)len,
					.ect = ect,
					.since = at_us(us).ns });
			number++;
		}
		while (leave-- && take_both(b, naive, us))
			;
	}
	while (take_both(b, naive, us += 700))
		;
	for (unsigned i = 0; i < NAIVE_PEERS; i++) {
		marks += (unsigned)b->peers[i].stats.marked;
		assert_int_equal(b->peers[i].bytes, 0);
		assert_int_equal(b->peers[i].count, 0);
	}
	assert_int_equal(marks, naive->marks);
	assert_int_equal(b->port_drops[0] + b->port_drops[1], naive->drops);
	/* the loads were what they should be */
	assert_true(marks > 100 && naive->drops > 100);
	assert_int_equal(b->q.pool.n_free, QUEUE_UNITS);
	free(naive);
}

/* A mark keeps the packet's checksum right, and changes nothing but the ECN field. */
static void test_marks(void **state)
{
	struct bench *b = *state;
	uint64_t us = 0;
	unsigned marked = 0;

	for (unsigned flow = 0; flow < 2; flow++) /* IPv4 and IPv6 */
		for (unsigned i = 0; i < 900; i++)
			push(b, 0, flow, i, 1000, 0x29, 0); /* ECT(1) */
	for (struct queue_frame f; queue_take(&b->q, at_us(us), &f); us += 400) {
		const uint8_t *ip = f.bytes + 14;

		marked += is_marked(&f);
		if (ip[0] >> 4 == 4) {
			assert_int_equal(test_sum(0, ip, 20), 0xffff);
			assert_int_equal(ip[1] & 0xfc, 0x28);
		} else {
			assert_int_equal(load_be16(ip) >> 4 & 0xfc, 0x28);
		}
	}
	assert_int_equal(b->drops.n[DROP_TX_QUEUE], 0);
	assert_true(marked > 10);
	assert_int_equal(b->peers[0].stats.marked, marked);
}

/* A frame of a flow that had nothing to send is next, however much waits. */
static void test_sparse_first(void **state)
{
	struct bench *b = *state;
	struct queue_frame f;

	for (unsigned i = 0; i < 200; i++)
		for (unsigned flow = 0; flow < 4; flow++)
			push(b, 0, flow, i, 1400, 0, 0);
	for (unsigned i = 0; i < 10; i++)
		assert_non_null(queue_take(&b->q, at_us(0), &f));
	push(b, 0, 5, 5000, 60, 0, 0); /* a flow of the same peer */
	assert_ptr_equal(queue_take(&b->q, at_us(0), &f), &b->peers[0]);
	assert_int_equal(number_of(&f), 5000);
	push(b, 1, 5, 6000, 60, 0, 0); /* another peer */
	assert_ptr_equal(queue_take(&b->q, at_us(0), &f), &b->peers[1]);
	assert_int_equal(number_of(&f), 6000);
}

/* Peers share the link equally, whatever the number of their flows and the length of their frames;
 * so do the flows of a peer. */
static void test_shares(void **state)
{
	struct bench *b = *state;
	size_t by_peer[2] = { 0 }, by_flow[4] = { 0 };
	struct queue_frame f;

	for (unsigned i = 0; i < 300; i++) {
		push(b, 0, 0, 0, 1400, 0, 0);
		for (unsigned flow = 0; flow < 4; flow++)
			push(b, 1, flow, flow, flow ? 1400 : 500, 0, 0);
	}
	for (unsigned i = 0; i < 500; i++) {
		const struct queue_peer *p = queue_take(&b->q, at_us(0), &f);

		by_peer[p == &b->peers[1]] += f.len;
		if (p == &b->peers[1])
			by_flow[number_of(&f)] += f.len;
	}
	assert_in_range(by_peer[0] * 100 / (by_peer[0] + by_peer[1]), 49, 51);
	for (unsigned flow = 0; flow < 4; flow++)
		assert_in_range(by_flow[flow] * 100 / by_peer[1], 23, 27);
}

/* A full queue drops the oldest frames of the largest flow; others lose nothing. Memory is bounded
 * and nothing is lost track of, also with frames of many units. */
static void test_full(void **state)
{
	struct bench *b = *state;
	struct queue_frame f;
	unsigned small = 0, first = UINT32_MAX;

	for (unsigned i = 0; i < 20; i++)
		push(b, 0, 1, 100000, 100, 0, 0);
	for (unsigned i = 0; i < 5000; i++)
		push(b, 1, 0, i, i % 10 ? 1400 : 60000, 0, 0);
	assert_true(b->port_drops[0] > 2500);
	assert_int_equal(b->port_drops[1], 0);
	assert_int_equal(b->drops.n[DROP_TX_QUEUE], b->port_drops[0]);
	assert_true(b->q.pool.n_free < 40);
	while (queue_take(&b->q, at_us(0), &f)) {
		if (number_of(&f) == 100000)
			small++;
		else if (first == UINT32_MAX)
			first = number_of(&f);
	}
	assert_int_equal(small, 20);
	assert_int_equal(first, b->port_drops[0]);
	assert_int_equal(b->peers[1].stats.packets, 5000 - b->port_drops[0]);
	assert_true(queue_is_empty(&b->q));
	assert_int_equal(b->q.pool.n_free, QUEUE_UNITS);
}

/* A frame of several units comes out as it went in. */
static void test_long_frame(void **state)
{
	struct bench *b = *state;
	static uint8_t want[PACKET_MAX];
	struct queue_frame f;

	for (unsigned payload = 1900; payload < 62000; payload += 1111) {
		size_t len = push(b, 0, 0, payload, payload, 0, 0);

		memcpy(want, frame, len);
		assert_non_null(queue_take(&b->q, at_us(0), &f));
		assert_int_equal(f.len, len);
		assert_memory_equal(f.bytes, want, len);
	}
}

/* More flows than the table has: frames still leave, and each only once. */
static void test_many_flows(void **state)
{
	struct bench *b = *state;
	struct queue_frame f;
	unsigned n = 0;

	for (unsigned flow = 0; flow < 2 * QUEUE_FLOWS - 100; flow++)
		push(b, 0, flow, flow, 100, 0, 0);
	assert_null(b->q.unused);
	while (queue_take(&b->q, at_us(0), &f))
		n++;
	assert_int_equal(n, 2 * QUEUE_FLOWS - 100);
	assert_non_null(b->q.unused);
	for (unsigned i = 0; i < QUEUE_CHAINS; i++)
		assert_null(b->q.chains[i]);
}

/* A peer with a limit gets it, and does not hold up another. */
static void test_limit(void **state)
{
	struct bench *b = *state;
	size_t sent[2] = { 0 };
	struct queue_frame f;

	queue_limit(&b->q, &b->peers[0], 1000000);
	for (unsigned i = 0; i < 800; i++) {
		push(b, 0, 0, i, 1000, 0, 0);
		push(b, 1, 0, i, 1000, 0, 0);
	}
	for (uint64_t us = 0; us <= 200000; us += 1000)
		for (const struct queue_peer *p; (p = queue_take(&b->q, at_us(us), &f));)
			sent[p == &b->peers[1]] += f.wire;
	assert_in_range(sent[0], 198000, 206000);
	assert_int_equal(b->peers[1].count, 0);
	assert_true(b->q.due.ns > at_us(200000).ns);
	/* without the limit the rest leaves at once */
	queue_limit(&b->q, &b->peers[0], 0);
	while (queue_take(&b->q, at_us(200001), &f))
		;
	assert_true(queue_is_empty(&b->q));
}

/* Clear by port and by peer: the order of what stays is the same, and all units are free. */
static void test_clear(void **state)
{
	struct bench *b = *state;
	struct queue_frame f;
	unsigned want = 0;

	for (unsigned i = 0; i < 100; i++)
		push(b, 0, 0, i, 100, 0, 0);
	for (unsigned i = 0; i < 50; i++)
		push(b, 0, 1, i, 100, 0, 0);
	push(b, 1, 1, 0, 100, 0, 0);
	queue_clear(&b->q, &b->peers[0], &b->port_drops[1]);
	assert_int_equal(b->port_drops[1], 50);
	assert_int_equal(b->peers[0].count, 100);
	queue_clear(&b->q, &b->peers[1], NULL);
	assert_int_equal(b->port_drops[1], 51);
	assert_true(list_is_empty(&b->peers[1].turn.link));
	for (; want < 10; want++) {
		assert_non_null(queue_take(&b->q, at_us(0), &f));
		assert_int_equal(number_of(&f), want);
	}
	queue_clear(&b->q, &b->peers[0], NULL);
	assert_int_equal(b->port_drops[0], 90);
	assert_int_equal(b->drops.n[DROP_TX_QUEUE], 141);
	assert_true(queue_is_empty(&b->q));
	assert_null(queue_take(&b->q, at_us(0), &f));
	assert_int_equal(b->q.pool.n_free, QUEUE_UNITS);
	for (unsigned i = 0; i < QUEUE_CHAINS; i++)
		assert_null(b->q.chains[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_against_naive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sparse_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clear, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
