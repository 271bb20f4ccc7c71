/* SPDX-License-Identifier: MIT */
/* Tests of reading ahead: which frame goes first, the order within a flow, and closed ports. */
#include "driver/ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/random.h"
#include "driver/driver_state.h"

struct bench {
	struct ahead a;
	uint8_t memory[AHEAD_MEMORY];
	struct driver_port port[2];
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct rng rng = random_system();
	struct hash_key key;

	assert_non_null(b);
	hash_init(&key, &rng);
	ahead_init(&b->a, b->memory, key);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Read an IPv4 packet of UDP port `flow` whose id is `number`. Return: whether there was room. */
static bool push(struct bench *b, unsigned port, uint16_t flow, uint16_t number, size_t len)
{
	static const uint8_t head[28] = { 0x45, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };
	struct ahead_frame *f = ahead_room(&b->a);

	if (!f)
		return false;
	memcpy(f->bytes, head, sizeof(head));
	store_be16(f->bytes + 2, (uint16_t)len);
	store_be16(f->bytes + 4, number);
	store_be16(f->bytes + 20, flow);
	store_be16(f->bytes + 24, (uint16_t)(len - 20));
	f->port = &b->port[port];
	f->len = len;
	f->ethernet = false;
	f->offload = (struct offload){ 0 };
	ahead_push(&b->a);
	return true;
}

/* Take the next frame in the order of the driver. Return: its number, or -1. */
static int take(struct bench *b)
{
	struct ahead_frame *f = ahead_take_sparse(&b->a);

	if (!f)
		f = ahead_take_superframe(&b->a);
	if (!f)
		return -1;
	ahead_free(&b->a, f);
	return load_be16(f->bytes + 4);
}

/* A ping goes before the superframes of a stream; the stream's own short frame does not. */
static void test_sparse_first(void **state)
{
	struct bench *b = *state;

	for (uint16_t i = 0; i < 5; i++)
		assert_true(push(b, 0, 80, i, 60000));
	assert_true(push(b, 0, 80, 5, 100));
	assert_true(push(b, 0, 53, 6, 100));
	assert_true(push(b, 1, 80, 7, 100)); /* of another port: another flow */
	assert_int_equal(take(b), 6);
	assert_int_equal(take(b), 7);
	for (int i = 0; i < 6; i++)
		assert_int_equal(take(b), i);
	assert_int_equal(take(b), -1);
	assert_true(ahead_is_empty(&b->a));
}

/* A buffer that is returned is the next one to be used, and no more than all are in use. */
static void test_buffers(void **state)
{
	struct bench *b = *state;
	const uint8_t *first = ahead_room(&b->a)->bytes;

	for (int i = 0; i < 3; i++) {
		assert_true(push(b, 0, 80, 9, 60000));
		assert_int_equal(take(b), 9);
		assert_ptr_equal(ahead_room(&b->a)->bytes, first);
	}
	for (uint16_t i = 0; i < AHEAD_MAX; i++)
		assert_true(push(b, 0, 80, i, i % 2 ? 60000 : 100));
	assert_false(push(b, 0, 80, 0, 100));
	for (uint16_t i = 0; i < AHEAD_MAX; i++)
		assert_int_equal(take(b), i);
	assert_int_equal(take(b), -1);
}

static void test_forget(void **state)
{
	struct bench *b = *state;

	for (uint16_t i = 0; i < AHEAD_MAX; i++)
		assert_true(push(b, i % 2, i % 3, i, i % 4 < 2 ? 60000 : 100));
	assert_int_equal(ahead_forget(&b->a, &b->port[1]), AHEAD_MAX / 2);
	assert_int_equal(ahead_forget(&b->a, &b->port[1]), 0);
	for (int n = 0; n < AHEAD_MAX / 2; n++)
		assert_int_equal(take(b) % 2, 0);
	assert_int_equal(take(b), -1);
	for (uint16_t i = 0; i < AHEAD_MAX; i++)
		assert_true(push(b, 0, 80, i, 60000));
}

/* Random frames: none is lost, and the order within a flow does not change. */
static void test_random(void **state)
{
	struct bench *b = *state;
	uint16_t pushed[4] = { 0 }, taken[4] = { 0 };
	uint64_t x = 5;

	for (int i = 0; i < 200000; i++) {
		struct ahead_frame *f;
		uint16_t flow;

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		flow = (uint16_t)(x >> 60) & 3;
		if ((x >> 50) % 16 < 8 + (uint64_t)(i >> 10) % 2) {
			if (push(b, 0, flow, pushed[flow], (x >> 40) % 8 ? 100 : 3000))
				pushed[flow]++;
			continue;
		}
		f = ahead_take_sparse(&b->a);
		if (!f)
			f = ahead_take_superframe(&b->a);
		if (!f)
			continue;
		flow = load_be16(f->bytes + 20);
		assert_int_equal(load_be16(f->bytes + 4), taken[flow]++);
		ahead_free(&b->a, f);
	}
	while (take(b) >= 0)
		;
	assert_true(taken[0] > 1000 && taken[3] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sparse_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
