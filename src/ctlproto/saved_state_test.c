/* SPDX-License-Identifier: MIT */
/* Tests of what an upgrade passes on: written and read again, with unknown items and damage. */
#include "ctlproto/saved_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct saved_state *s)
{
	saved_put_text(s, "site", "tokyo");
	saved_put_number(s, "begun", UINT64_MAX);
	saved_put(s, "conf", "a\nb 3\n", 6);
	saved_put_fd(s, "tap", 7);
	saved_put_fd(s, "none", -1);
	saved_put_fd(s, "tap", 9);
	saved_put(s, "empty", NULL, 0);
	saved_put_text(s, "absent", NULL);
	assert_false(s->failed);
}

static void test_round_trip(void **state)
{
	struct saved_state s = { 0 };
	struct saved_item item;
	char *text;

	fill(&s);
	text = saved_text(&s, "conf");
	assert_string_equal(text, "a\nb 3\n");
	free(text);
	assert_true(saved_number(&s, "begun", UINT64_MAX, 1) == UINT64_MAX);
	assert_int_equal(saved_number(&s, "begun", 5, 1), 1);
	assert_int_equal(saved_number(&s, "site", 5, 1), 1);
	assert_int_equal(saved_fd(&s, "tap", 0), 7);
	assert_int_equal(saved_fd(&s, "tap", 1), 9);
	assert_int_equal(saved_fd(&s, "tap", 2), -1);
	assert_int_equal(saved_fd(&s, "none", 0), -1);
	assert_true(saved_find(&s, "empty", 0, &item));
	assert_int_equal(item.len, 0);
	assert_null(saved_text(&s, "absent"));
	assert_true(saved_find(&s, "site", 0, &item));
	assert_int_equal(saved_item_fd(&item), -1);
	saved_fini(&s);
	assert_null(saved_text(&s, "site"));
}

static void test_grows(void **state)
{
	struct saved_state s = { 0 };
	struct saved_item item;
	size_t at = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 5000; i++)
		saved_put_number(&s, "number", i);
	while (saved_next(&s, &at, &item) == 1)
		n++;
	assert_int_equal(n, 5000);
	assert_int_equal(at, s.len);
	saved_fini(&s);
}

/* Every text that was cut, and every byte that was changed: nothing outside of it is read. */
static void test_damaged(void **state)
{
	struct saved_state s = { 0 };

	fill(&s);
	for (size_t len = 0; len < s.len; len++) {
		for (int value = -1; value < 256; value++) {
			struct saved_state cut = { malloc(len ? len : 1), len, len, false };
			struct saved_item item;
			size_t at = 0;
			int got;

			assert_non_null(cut.bytes);
			memcpy(cut.bytes, s.bytes, len);
			if (value >= 0 && len)
				cut.bytes[len - 1] = (uint8_t)value;
			while ((got = saved_next(&cut, &at, &item)) > 0)
				assert_true(at <= len && item.value + item.len < cut.bytes + len);
			assert_true(got == 0 || got == -EBADMSG);
			free(cut.bytes);
		}
	}
	saved_fini(&s);
}

static void test_not_items(void **state)
{
	static const char *const texts[] = { "\n", "x\n", " 1\nx\n", "x \n\n", "x 1\nxx\n",
		"x 2\nx\n", "x -1\nx\n", "x 99999999999999999999\nx\n", "x 1 \nx\n",
		"a-key-that-is-much-too-long-for-this 1\nx\n", "x 1\nx" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct saved_state s = { 0 };
		struct saved_item item;
		size_t at = 0;
		uint8_t bytes[64];

		s.len = strlen(texts[i]);
		memcpy(bytes, texts[i], s.len);
		s.bytes = bytes;
		assert_int_equal(saved_next(&s, &at, &item), -EBADMSG);
	}
}

/* A zero in a key would end it early. */
static void test_zero_in_key(void **state)
{
	uint8_t text[] = "k\0y 1\nx\n";
	struct saved_state s = { .bytes = text, .len = sizeof(text) - 1 };
	struct saved_item item;
	size_t at = 0;

	assert_int_equal(saved_next(&s, &at, &item), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_not_items),
		cmocka_unit_test(test_zero_in_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
