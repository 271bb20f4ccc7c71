/* SPDX-License-Identifier: MIT */
/* Tests of array_grow(): elements survive, new ones are zeroed, and the array moves only when
 * full. */
#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct element {
	size_t number;
	char text[20];
};

static void test_grows(void **state)
{
	struct element *v = NULL;
	unsigned moves = 0;

	(void)state;
	for (size_t n = 0; n < 100;) {
		const struct element *before = v;
		struct element *e = array_grow(&v, &n, sizeof(*e));

		assert_ptr_equal(e, v + n - 1);
		moves += before != v;
		assert_int_equal(e->number, 0);
		for (size_t i = 0; i < sizeof(e->text); i++)
			assert_int_equal(e->text[i], 0);
		*e = (struct element){ .number = n, .text = "something secret" };
	}
	for (size_t n = 0; n < 100; n++) {
		assert_int_equal(v[n].number, n + 1);
		assert_string_equal(v[n].text, "something secret");
	}
	assert_true(moves <= 8);
	free(v);
}

/* A slot that is reused after the array shrank is zeroed again. */
static void test_zeroes_again(void **state)
{
	struct element *v = NULL;
	struct element *e;
	size_t n = 0;

	(void)state;
	while (n < 4) {
		e = array_grow(&v, &n, sizeof(*e));
		*e = (struct element){ 7, "old" };
	}
	n = 3;
	e = array_grow(&v, &n, sizeof(*e));
	assert_ptr_equal(e, v + 3);
	assert_int_equal(e->number, 0);
	assert_int_equal(e->text[0], 0);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_zeroes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
