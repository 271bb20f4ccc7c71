/* SPDX-License-Identifier: MIT */
/* Tests of the deadline heap against a naive search for the minimum. */
#include "base/heap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

#define ENTRIES 200

static void test_against_naive(void **state)
{
	struct heap_entry e[ENTRIES] = { 0 };
	struct heap_entry *slots[ENTRIES];
	struct heap h = { .slots = slots, .cap = ENTRIES };
	uint64_t x = 1;

	for (int step = 0; step < 20000; step++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;

		struct heap_entry *one = &e[(x >> 33) % ENTRIES];
		struct mono min = MONO_NEVER;

		assert_int_equal(
			heap_set(&h, one, (struct mono){ (x >> 40) % 5 ? (x >> 20) % 1000 : 0 }),
			0);
		for (size_t i = 0; i < ENTRIES; i++)
			if (e[i].pos)
				min = mono_earliest(min, e[i].due);
		assert_int_equal(heap_first(&h) ? heap_first(&h)->due.ns : 0, min.ns);
	}
}

static void test_full(void **state)
{
	struct heap_entry e[2] = { 0 };
	struct heap_entry *slots[1];
	struct heap h = { .slots = slots, .cap = 1 };

	assert_int_equal(heap_set(&h, &e[0], (struct mono){ 5 }), 0);
	assert_int_equal(heap_set(&h, &e[1], (struct mono){ 4 }), -ENOSPC);
	assert_int_equal(heap_set(&h, &e[0], MONO_NEVER), 0);
	assert_int_equal(heap_set(&h, &e[1], (struct mono){ 4 }), 0);
	heap_remove(&h, &e[0]);
	assert_ptr_equal(heap_first(&h), &e[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
