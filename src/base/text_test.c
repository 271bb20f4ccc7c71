/* SPDX-License-Identifier: MIT */
/* Tests of the growing text: nothing is lost while it grows, and an incomplete one is not given. */
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_grows(void **state)
{
	struct text t = { 0 };
	char expected[4000];
	size_t expected_len = 0;
	char *bytes;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		expected_len += (size_t)snprintf(
			expected + expected_len, sizeof(expected) - expected_len, "<%u>", i);
		text_add(&t, "<%u>", i);
		assert_int_equal(strlen(t.bytes), t.len);
	}
	assert_int_equal(text_take(&t, &bytes, &len), 0);
	assert_int_equal(len, expected_len);
	assert_string_equal(bytes, expected);
	free(bytes);
}

static void test_incomplete(void **state)
{
	struct text t = { 0 };
	char *bytes = NULL;
	size_t len;

	(void)state;
	text_add(&t, "key");
	t.out_of_memory = true;
	text_add(&t, "more");
	assert_int_equal(t.len, 3);
	assert_int_equal(text_take(&t, &bytes, &len), -ENOMEM);
	assert_null(bytes);
	assert_null(t.bytes);
}

static void test_finish(void **state)
{
	struct text empty = { 0 };
	struct text some = { 0 };
	struct text incomplete = { .out_of_memory = true };
	char *text = text_finish(&empty);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	text_add(&some, "%s %d", "line", 1);
	text = text_finish(&some);
	assert_string_equal(text, "line 1");
	free(text);
	assert_null(text_finish(&incomplete));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
