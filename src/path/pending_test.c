/* SPDX-License-Identifier: MIT */
/* Tests of pending packets: order, limits, packets of many units, memory; and fair shares beside
 * packets for peers that do not answer. */
#include "path/pending.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PACKET_MAX 10240
#define MAX	   128 /* WG_PENDING_MAX */

static struct path_port_tx tap;
static struct path_port_tx tun;

struct fixture {
	struct pending_pool s;
	struct pending_queue *q;
	unsigned n;
	void *memory;
};

static struct fixture *setup(unsigned units, unsigned queues)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->memory = malloc(pending_memory(0, units, PACKET_MAX));
	f->q = calloc(queues, sizeof(*f->q));
	f->n = queues;
	assert_true(f->memory && f->q);
	pending_init(&f->s, PACKET_MAX);
	pending_add_units(&f->s, f->memory, units);
	for (unsigned i = 0; i < queues; i++)
		pending_queue_init(&f->q[i]);
	return f;
}

/* Empty every queue: the pool has all of its units again. */
static void teardown(struct fixture *f)
{
	for (unsigned i = 0; i < f->n; i++)
		(void)pending_clear(&f->s, &f->q[i]);
	assert_true(pool_has(&f->s.pool, f->s.pool.size));
	free(f->q);
	free(f->memory);
	free(f);
}

static void fill(uint8_t *packet, size_t len, unsigned value)
{
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(value + i * 7 + i / 256);
}

/* Put a packet that follows from its number in a queue. Return: how many were evicted for it. */
static unsigned push(struct fixture *f, unsigned queue, size_t len, unsigned value)
{
	struct pending_queue *victim;
	unsigned dropped = 0;

	while ((victim = pending_victim(&f->s, &f->q[queue], len, MAX))) {
		pending_drop(&f->s, victim);
		dropped++;
	}
	fill(f->s.packet, len, value);
	pending_push(&f->s, &f->q[queue],
		&(struct pending_packet){ f->s.packet, len, value & 1, value & 1 ? &tap : &tun });
	return dropped;
}

static void check_first(struct fixture *f, unsigned queue, size_t len, unsigned value)
{
	struct pending_packet packet;
	uint8_t *want = malloc(len);

	assert_true(pending_first(&f->s, &f->q[queue], &packet));
	assert_int_equal(packet.len, len);
	assert_int_equal(packet.l2tp, value & 1);
	assert_ptr_equal(packet.stats, value & 1 ? &tap : &tun);
	fill(want, len, value);
	assert_memory_equal(packet.bytes, want, len);
	free(want);
}

static void test_order_and_limit(void **state)
{
	struct fixture *f = setup(2 * MAX, 1);
	struct pending_packet packet;

	tap.dropped = tun.dropped = 0;
	for (unsigned i = 0; i < MAX + 20; i++)
		assert_int_equal(push(f, 0, 100 + i, i), i >= MAX);
	assert_int_equal(tap.dropped, 10);
	assert_int_equal(tun.dropped, 10);
	for (unsigned i = 20; i < MAX + 20; i++) {
		check_first(f, 0, 100 + i, i);
		pending_pop(&f->s, &f->q[0]);
	}
	assert_true(pending_is_empty(&f->q[0]));
	assert_false(pending_first(&f->s, &f->q[0], &packet));
	assert_int_equal(tap.dropped, 10); /* sent: no drop */
	assert_int_equal(tun.dropped, 10);
	teardown(f);
}

/* The packets of one port go, also jumbo ones; those of others stay, in order. */
static void test_clear_port(void **state)
{
	struct fixture *f = setup(2 * MAX, 1);

	tap.dropped = tun.dropped = 0;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(push(f, 0, i % 3 ? 100 + i : 5000 + i, i), 0);
	assert_int_equal(pending_clear_port(&f->s, &f->q[0], &tap), 5);
	assert_int_equal(tap.dropped, 5);
	assert_int_equal(f->q[0].count, 5);
	for (unsigned i = 0; i < 10; i += 2) {
		check_first(f, 0, i % 3 ? 100 + i : 5000 + i, i);
		pending_pop(&f->s, &f->q[0]);
	}
	assert_int_equal(pending_clear_port(&f->s, &f->q[0], &tun), 0);
	assert_int_equal(push(f, 0, 100, 1), 0);
	assert_int_equal(pending_clear(&f->s, &f->q[0]), 1);
	assert_int_equal(tap.dropped, 6);
	assert_int_equal(tun.dropped, 0);
	teardown(f);
}

/* Packets of every length around a unit's edges come back as they were. */
static void test_lengths(void **state)
{
	static const size_t lens[] = { 1, PENDING_UNIT - 1, PENDING_UNIT, PENDING_UNIT + 1,
		2 * PENDING_UNIT, 2 * PENDING_UNIT + 1, 9000, PACKET_MAX };
	struct fixture *f = setup(40, 1);

	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		assert_int_equal(push(f, 0, lens[i], i), 0);
	assert_int_equal(f->q[0].share.held, 1 + 1 + 1 + 2 + 2 + 3 + 5 + 6);
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		check_first(f, 0, lens[i], i);
		pending_pop(&f->s, &f->q[0]);
	}
	teardown(f);
}

/* What waits for one peer leaves room for another, in equal parts. */
static void test_equal_parts(void **state)
{
	struct fixture *f = setup(MAX, 3);

	for (unsigned i = 0; i < 10 * MAX; i++)
		(void)push(f, 0, 1500, i);
	assert_int_equal(f->q[0].count, MAX);
	for (unsigned i = 0; i < MAX / 2; i++)
		assert_int_equal(push(f, 1, 1500, i), 1);
	assert_int_equal(f->q[0].count, MAX / 2);
	check_first(f, 1, 1500, 0);
	/* a jumbo packet costs others no more than small ones of its size */
	for (unsigned i = 0; i < 100; i++)
		(void)push(f, 2, 9000, i);
	assert_in_range(f->q[2].share.held, MAX / 3 - 5, MAX / 3 + 5);
	assert_in_range(f->q[1].count, MAX / 3 - 5, MAX / 3 + 5);
	teardown(f);
}

/* As many units as the engine has for three peers: two that do not answer cost the third
 * nothing. */
static void test_two_dead_peers(void **state)
{
	struct fixture *f = setup(512 + 3 * (MAX + 8), 3);

	for (unsigned i = 0; i < 1000; i++)
		(void)push(f, i % 2, 1500, i);
	for (unsigned i = 0; i < MAX; i++) {
		assert_int_equal(push(f, 2, 1500, i), 0);
		(void)push(f, i % 2, 1500, i);
	}
	assert_int_equal(f->q[2].count, MAX);
	check_first(f, 2, 1500, 0);
	teardown(f);
}

/* Of a thousand peers nine hundred have not answered, and each has as much waiting as it can get:
 * all that is sent to ten others stays until they answer; and something for each of those that
 * were called just now. */
static void test_many_dead_peers(void **state)
{
	struct fixture *f = setup(512 + 8 * MAX + 1000 * 8, 1000);

	for (unsigned i = 0; i < 900; i++)
		pending_set_unanswered(&f->s, &f->q[i], true);
	for (unsigned i = 0; i < 900 * MAX; i++)
		(void)push(f, i % 900, 1500, i);
	for (unsigned i = 0; i < 900; i++)
		assert_in_range(f->q[i].count, 8, 11);
	for (unsigned i = 0; i < 10 * MAX; i++) {
		(void)push(f, 990 + i % 10, 1500, i);
		(void)push(f, i % 900, 1500, i); /* these go on */
	}
	for (unsigned i = 990; i < 1000; i++) {
		assert_int_equal(f->q[i].count, MAX);
		check_first(f, i, 1500, i - 990);
	}
	for (unsigned i = 0; i < 900; i++)
		assert_in_range(f->q[i].count, 7, 11);
	for (unsigned i = 0; i < 90 * 8; i++)
		(void)push(f, 900 + i % 90, 1500, i);
	for (unsigned i = 900; i < 990; i++)
		assert_int_equal(f->q[i].count, 8);
	teardown(f);
}

/* A peer answers at last, and what waits for it counts like anything else. */
static void test_answers_at_last(void **state)
{
	struct fixture *f = setup(64, 2);

	pending_set_unanswered(&f->s, &f->q[0], true);
	for (unsigned i = 0; i < 64; i++)
		(void)push(f, 0, 100, i);
	pending_set_unanswered(&f->s, &f->q[0], false);
	for (unsigned i = 0; i < 64; i++)
		(void)push(f, 1, 100, i);
	assert_int_equal(f->q[0].count, 32);
	teardown(f);
}

static void test_more_memory(void **state)
{
	struct fixture *f = setup(16, 1);
	void *more = malloc(pending_memory(16, 100, PACKET_MAX));

	for (unsigned i = 0; i < 3; i++)
		(void)push(f, 0, 9000, i);
	pending_add_units(&f->s, more, 100);
	for (unsigned i = 3; i < 23; i++)
		assert_int_equal(push(f, 0, 9000, i), 0);
	for (unsigned i = 0; i < 23; i++) {
		check_first(f, 0, 9000, i);
		pending_pop(&f->s, &f->q[0]);
	}
	teardown(f);
	free(more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_limit),
		cmocka_unit_test(test_clear_port),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_equal_parts),
		cmocka_unit_test(test_two_dead_peers),
		cmocka_unit_test(test_many_dead_peers),
		cmocka_unit_test(test_answers_at_last),
		cmocka_unit_test(test_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
