/* SPDX-License-Identifier: MIT */
/* Tests of the fair pool: shares, weights, memory in blocks, and a naive search beside it. */
#include "base/pool.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOLDERS 8
#define UNITS	64

/* One holder and what it holds, the oldest first. */
struct holder {
	struct pool_share share;
	void *units[UNITS * 2];
	unsigned n;
};

struct fixture {
	struct pool pool;
	struct holder h[HOLDERS];
	uint64_t memory[UNITS * 2][4];
};

static struct fixture *setup(unsigned units)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	pool_init(&f->pool, sizeof(f->memory[0]));
	pool_add(&f->pool, f->memory, units);
	for (unsigned i = 0; i < HOLDERS; i++)
		pool_share_init(&f->h[i].share);
	return f;
}

static void give_back_oldest(struct fixture *f, struct holder *h)
{
	pool_give_back(&f->pool, &h->share, h->units[0]);
	memmove(h->units, h->units + 1, --h->n * sizeof(h->units[0]));
}

/* Take one unit, another holder's if need be. Return: which one lost it, or NULL. */
static struct holder *take(struct fixture *f, struct holder *h)
{
	void *unit = pool_take(&f->pool, &h->share);
	struct holder *victim = NULL;

	if (!unit) {
		struct pool_share *s = pool_victim(&f->pool, &h->share);

		assert_non_null(s);
		victim = CONTAINER_OF(s, struct holder, share);
		give_back_oldest(f, victim);
		unit = pool_take(&f->pool, &h->share);
	}
	assert_non_null(unit);
	h->units[h->n++] = unit;
	assert_int_equal(h->share.held, h->n);
	return victim;
}

/* Who wants everything ends with what the others leave, and each of these gets what it wants up to
 * an equal part. */
static void test_max_min(void **state)
{
	struct fixture *f = setup(UNITS);

	for (unsigned i = 0; i < 10 * UNITS; i++)
		(void)take(f, &f->h[0]);
	assert_int_equal(f->h[0].n, UNITS);
	for (unsigned i = 0; i < UNITS / 4; i++) {
		assert_ptr_equal(take(f, &f->h[1]), &f->h[0]);
		assert_ptr_equal(take(f, &f->h[0]), &f->h[0]); /* its flood takes its own */
	}
	assert_int_equal(f->h[1].n, UNITS / 4);
	for (unsigned i = 0; i < UNITS; i++)
		(void)take(f, &f->h[2]);
	assert_int_equal(f->h[1].n, UNITS / 4); /* wants less than its part: keeps it */
	assert_in_range(f->h[2].n, UNITS * 3 / 8 - 1, UNITS * 3 / 8 + 1);
	free(f);
}

/* All want everything: none falls below its guaranteed share. */
static void test_guaranteed(void **state)
{
	struct fixture *f = setup(UNITS);

	for (unsigned i = 0; i < UNITS / HOLDERS; i++)
		(void)take(f, &f->h[HOLDERS - 1]);
	for (unsigned i = 0; i < 100 * UNITS; i++)
		assert_ptr_not_equal(take(f, &f->h[rand() % (HOLDERS - 1)]), &f->h[HOLDERS - 1]);
	assert_int_equal(f->h[HOLDERS - 1].n, UNITS / HOLDERS);
	free(f);
}

static void test_weight(void **state)
{
	struct fixture *f = setup(UNITS);

	pool_share_weigh(&f->pool, &f->h[0].share, 16);
	for (unsigned i = 0; i < UNITS; i++)
		(void)take(f, &f->h[0]);
	for (unsigned i = 0; i < UNITS - 3; i++)
		assert_ptr_equal(take(f, &f->h[1]), &f->h[0]);
	assert_int_equal(f->h[0].n, 3);
	(void)take(f, &f->h[1]);
	assert_ptr_equal(take(f, &f->h[1]), &f->h[1]); /* 62 are more than 3 of weight 16 … */
	pool_share_weigh(&f->pool, &f->h[0].share, 32);
	assert_ptr_equal(take(f, &f->h[1]), &f->h[0]); /* … but not than those of weight 32 */
	free(f);
}

/* A unit without a holder is not free before pool_free(), and no holder can give it back. */
static void test_disowned(void **state)
{
	struct fixture *f = setup(2);
	void *a = pool_take(&f->pool, &f->h[0].share);
	void *b = pool_take(&f->pool, &f->h[0].share);

	pool_disown(&f->pool, &f->h[0].share);
	pool_disown(&f->pool, &f->h[0].share);
	assert_null(pool_take(&f->pool, &f->h[1].share));
	assert_null(pool_victim(&f->pool, &f->h[1].share));
	pool_free(&f->pool, a);
	assert_ptr_equal(pool_take(&f->pool, &f->h[1].share), a);
	pool_free(&f->pool, b);
	free(f);
}

/* More memory, while some of the first was never touched. */
static void test_memory_in_blocks(void **state)
{
	struct fixture *f = setup(UNITS);
	uint64_t *more = calloc(UNITS, sizeof(f->memory[0]));

	for (unsigned i = 0; i < 5; i++)
		(void)take(f, &f->h[0]);
	assert_int_equal(f->memory[5][0], 0);
	pool_add(&f->pool, more, UNITS);
	for (unsigned i = 5; i < 2 * UNITS; i++)
		assert_null(take(f, &f->h[0]));
	assert_int_equal(f->pool.size, 2 * UNITS);
	assert_ptr_equal(take(f, &f->h[0]), &f->h[0]);
	for (unsigned i = 0; i < 2 * UNITS; i++)
		for (unsigned k = 0; k < i; k++)
			assert_ptr_not_equal(f->h[0].units[i], f->h[0].units[k]);
	free(more);
	free(f);
}

/* The highest level of all, by looking at each. */
static unsigned naive_top(const struct fixture *f)
{
	unsigned top = 0;

	for (unsigned i = 0; i < HOLDERS; i++) {
		unsigned level = f->h[i].share.held * f->h[i].share.weight;

		if (level >= POOL_LEVELS)
			level = POOL_LEVELS - 1;
		if (level > top)
			top = level;
	}
	return top;
}

static unsigned naive_free(const struct fixture *f)
{
	unsigned n = UNITS;

	for (unsigned i = 0; i < HOLDERS; i++)
		n -= f->h[i].n;
	return n;
}

static void test_naive(void **state)
{
	struct fixture *f = setup(UNITS);

	srand(5);
	for (unsigned i = 0; i < 200000; i++) {
		struct holder *h = &f->h[rand() % HOLDERS];

		if (rand() % 50 == 0)
			pool_share_weigh(&f->pool, &h->share, 1U << rand() % 8);
		else if (h->n && rand() % 3 == 0)
			give_back_oldest(f, h);
		else
			(void)take(f, h);
		assert_int_equal(f->pool.top, naive_top(f));
		assert_int_equal(f->pool.n_free, naive_free(f));
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max_min),
		cmocka_unit_test(test_guaranteed),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_disowned),
		cmocka_unit_test(test_memory_in_blocks),
		cmocka_unit_test(test_naive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
