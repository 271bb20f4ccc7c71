/* SPDX-License-Identifier: MIT */
/* Tests of staging: order, the oldest makes room, the pool is never lost. */
#include "path/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void push(struct stage *s, struct stage_queue *q, unsigned max, unsigned value, bool dropped)
{
	bool d;
	struct stage_slot *slot = stage_push(s, q, max, &d);

	assert_non_null(slot);
	assert_int_equal(d, dropped);
	slot->len = value;
}

static void test_order_and_limit(void **state)
{
	void *memory = malloc(stage_memory(8, 100));
	struct stage s;
	struct stage_queue q = { 0 };

	stage_init(&s, memory, 8, 100);
	for (unsigned i = 0; i < 10; i++)
		push(&s, &q, 4, i, i >= 4);
	for (unsigned i = 6; i < 10; i++) {
		assert_int_equal(stage_first(&q)->len, i);
		stage_pop(&s, &q);
	}
	assert_null(stage_first(&q));
	free(memory);
}

static void test_pool_is_shared(void **state)
{
	void *memory = malloc(stage_memory(4, 100));
	struct stage s;
	struct stage_queue a = { 0 };
	struct stage_queue b = { 0 };
	bool dropped;

	stage_init(&s, memory, 4, 100);
	for (unsigned i = 0; i < 4; i++)
		push(&s, &a, 128, i, false);
	assert_null(stage_push(&s, &b, 128, &dropped));
	assert_false(dropped);
	push(&s, &a, 128, 4, true);
	assert_int_equal(stage_first(&a)->len, 1);
	assert_int_equal(stage_clear(&s, &a), 4);
	for (unsigned i = 0; i < 4; i++)
		push(&s, &b, 128, i, false);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_limit),
		cmocka_unit_test(test_pool_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
