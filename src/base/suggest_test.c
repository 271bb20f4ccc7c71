/* SPDX-License-Identifier: MIT */
/* Tests of word distance: a table, and comparison with the textbook recursion. */
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_table(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		size_t distance;
	} table[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "MTU", "mtu", 0 },
		{ "MTU", "MUT", 1 },
		{ "AllowedIP", "AllowedIPs", 1 },
		{ "Adress", "Address", 1 },
		{ "Endpiont", "Endpoint", 1 },
		{ "PublicKey", "PrivateKey", 6 },
		{ "kitten", "sitting", 3 },
		{ "a1234567890123456789012345678901", "a1234567890123456789012345678902", 1 },
		{ "a12345678901234567890123456789012", "a", SUGGEST_MAX + 1 },
		{ "a", "a12345678901234567890123456789012", SUGGEST_MAX + 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(suggest_distance(table[i].a, table[i].b), table[i].distance);
		assert_int_equal(suggest_distance(table[i].b, table[i].a), table[i].distance);
	}
}

/* The definition, without caching of intermediate results. */
static size_t naive(const char *a, size_t la, const char *b, size_t lb)
{
	size_t best;

	if (!la || !lb)
		return la + lb;
	best = naive(a, la - 1, b, lb - 1) + (a[la - 1] != b[lb - 1]);
	best = size_min(best, naive(a, la - 1, b, lb) + 1);
	best = size_min(best, naive(a, la, b, lb - 1) + 1);
	if (la > 1 && lb > 1 && a[la - 1] == b[lb - 2] && a[la - 2] == b[lb - 1])
		best = size_min(best, naive(a, la - 2, b, lb - 2) + 1);
	return best;
}

/* Short words over three letters: often close to each other by chance. */
static void test_against_naive(void **state)
{
	uint32_t seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		char words[2][7] = { "", "" };

		for (unsigned w = 0; w < 2; w++) {
			seed = seed * 1664525 + 1013904223;
			for (unsigned i = 0; i < (seed >> 24) % 7; i++)
				words[w][i] = (char)('a' + (seed >> (2 * i)) % 3);
		}
		assert_int_equal(suggest_distance(words[0], words[1]),
			naive(words[0], strlen(words[0]), words[1], strlen(words[1])));
	}
}

static void test_reach(void **state)
{
	assert_int_equal(suggest_reach(""), 1);
	assert_int_equal(suggest_reach("MTU"), 1);
	assert_int_equal(suggest_reach("Endpoint"), 2);
	assert_int_equal(suggest_reach("PersistentKeepalive"), 6);
}

static void test_nearest(void **state)
{
	static const char *const known[] = { "Address", "AllowedIPs", "Endpoint" };
	static const struct {
		const char *word;
		const char *nearest;
	} table[] = { { "Adress", "Address" }, { "alowedips", "AllowedIPs" }, { "Colour", NULL },
		{ "", NULL } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct suggestion s = suggest_begin(table[i].word);

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			suggest_try(&s, known[k]);
		if (table[i].nearest)
			assert_string_equal(s.nearest, table[i].nearest);
		else
			assert_null(s.nearest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
