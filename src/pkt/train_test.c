/* SPDX-License-Identifier: MIT */
/* Tests of trains: which datagrams are joined, and that no byte is lost or reordered. */
#include "pkt/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static uint8_t arena[400000];

static struct endpoint endpoint_of(unsigned host)
{
	struct endpoint e = { .port = 8172 };
	uint8_t bytes[4] = { 10, 0, 0, (uint8_t)host };

	e.addr = ip_addr_v4(bytes);
	return e;
}

static void test_joining(void **state)
{
	static const struct {
		const char *name;
		size_t lens[6];
		unsigned hosts[6];
		size_t trains;
	} table[] = {
		{ "equal sizes join", { 100, 100, 100 }, { 1, 1, 1 }, 1 },
		{ "a shorter one ends the train", { 100, 100, 50, 50 }, { 1, 1, 1, 1 }, 2 },
		{ "a shorter one, then one of the first size", { 100, 50, 100 }, { 1, 1, 1 }, 2 },
		{ "a longer one starts a train", { 50, 100, 100 }, { 1, 1, 1 }, 2 },
		{ "another endpoint starts a train", { 100, 100, 100 }, { 1, 2, 1 }, 3 },
	};

	for (size_t t = 0; t < ARRAY_LEN(table); t++) {
		struct train_queue q;
		size_t total = 0;

		train_queue_init(&q, arena, sizeof(arena));
		for (size_t i = 0; i < 6 && table[t].lens[i]; i++) {
			struct endpoint e = endpoint_of(table[t].hosts[i]);

			train_append(&q, table[t].lens[i], &e, 0);
			total += table[t].lens[i];
		}
		assert_int_equal(q.n, table[t].trains);
		assert_int_equal(q.used, total);
	}
}

/* Checks the definition: splitting each train by its stride gives back exactly the datagrams that
 * were appended. */
static void test_differential(void **state)
{
	struct train_queue q;
	size_t lens[300];
	uint64_t x = 7;

	for (unsigned round = 0; round < 300; round++) {
		size_t n = 0;
		size_t seen = 0;

		train_queue_init(&q, arena, sizeof(arena));
		while (n < ARRAY_LEN(lens) && train_has_room(&q, 1, 1500)) {
			struct endpoint e = endpoint_of(1 + (unsigned)(x >> 60) % 2);

			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			lens[n] = (x >> 33) % 4 ? 1472 : 1 + (x >> 40) % 1472;
			memset(train_tail(&q), (int)n, lens[n]);
			train_append(&q, lens[n++], &e, 0);
		}
		for (size_t t = 0; t < q.n; t++) {
			const struct train *tr = &q.trains[t];

			assert_true(tr->count <= TRAIN_SEGMENTS_MAX && tr->len <= TRAIN_BYTES_MAX);
			assert_int_equal((tr->len + tr->stride - 1) / tr->stride, tr->count);
			for (size_t at = 0; at < tr->len; at += tr->stride, seen++) {
				assert_int_equal(size_min(tr->stride, tr->len - at), lens[seen]);
				assert_int_equal(tr->base[at], (uint8_t)seen);
			}
		}
		assert_int_equal(seen, n);
	}
}

/* A closed train accepts no more datagrams and does not join the one before; with a limit, no
 * train is longer than the limit, and none is shorter than necessary. */
static void test_closing_and_limits(void **state)
{
	struct endpoint e = endpoint_of(1);
	struct train_queue q;

	train_queue_init(&q, arena, sizeof(arena));
	train_close(&q); /* there is no train yet */
	train_close_with_ttl(&q, 9);
	train_append(&q, 100, &e, 0);
	train_append(&q, 100, &e, 0);
	train_close(&q);
	train_append(&q, 100, &e, 0);
	train_close_with_ttl(&q, 255);
	train_append(&q, 100, &e, 0);
	assert_int_equal(q.n, 3);
	assert_int_equal(q.trains[0].count, 2);
	assert_int_equal(q.trains[1].count, 1);
	assert_int_equal(q.trains[0].ttl, 0);
	assert_int_equal(q.trains[1].ttl, 255);
	assert_int_equal(q.trains[2].ttl, 0);
	assert_true(q.trains[2].base == q.trains[1].base + 100);
	for (unsigned most = 1; most <= TRAIN_SEGMENTS_MAX; most++) {
		train_queue_reset(&q);
		for (unsigned i = 0; i < 100; i++)
			train_append_most(&q, 10, &e, 0, most);
		assert_int_equal(q.n, (100 + most - 1) / most);
		assert_int_equal(q.trains[0].count, most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joining),
		cmocka_unit_test(test_differential),
		cmocka_unit_test(test_closing_and_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
