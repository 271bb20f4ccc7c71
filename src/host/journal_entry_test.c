/* SPDX-License-Identifier: MIT */
/* Tests of splitting journal lines. */
#include "host/journal_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_split(void **state)
{
	static const struct {
		const char *line;
		size_t n;
		bool ok;
		const char *last;
	} table[] = {
		{ "eth1 3 br-l2tp0 down", 4, true, "down" },
		{ "  a  b ", 2, true, "b" },
		{ "", 0, true, NULL },
		{ "a", 2, false, NULL },
		{ "a b c", 2, false, NULL },
		{ "a b c d e", 4, false, NULL },
	};
	struct journal_entry w;
	char long_word[JOURNAL_ENTRY_LEN_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(journal_entry_split(table[i].line, table[i].n, &w), table[i].ok);
		if (table[i].last)
			assert_string_equal(w.v[w.n - 1], table[i].last);
	}
	memset(long_word, 'x', JOURNAL_ENTRY_LEN_MAX);
	long_word[JOURNAL_ENTRY_LEN_MAX] = '\0';
	assert_false(journal_entry_split(long_word, 1, &w));
	assert_true(journal_entry_split(long_word + 1, 1, &w));
}

static void test_u32(void **state)
{
	static const struct {
		const char *word;
		bool ok;
		uint32_t value;
	} table[] = {
		{ "0", true, 0 },
		{ "51820", true, 51820 },
		{ "4294967295", true, UINT32_MAX },
		{ "4294967296", false, 0 },
		{ "99999999999", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "1x", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint32_t v = 77;

		assert_int_equal(journal_entry_u32(table[i].word, &v), table[i].ok);
		assert_int_equal(v, table[i].ok ? table[i].value : 77);
	}
}

static void test_mac(void **state)
{
	static const char *const wrong[] = { "", "02:0a:00:00:00", "02:0a:00:00:00:f",
		"02-0a-00-00-00-ff", "02:0A:00:00:00:ff", "02:0g:00:00:00:ff",
		"02:0a:00:00:00:ff:00" };
	uint8_t mac[6] = { 0 };

	assert_true(journal_entry_mac("02:0a:00:00:00:ff", mac));
	assert_memory_equal(mac, "\x02\x0a\0\0\0\xff", 6);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(journal_entry_mac(wrong[i], mac));
	assert_memory_equal(mac, "\x02\x0a\0\0\0\xff", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
