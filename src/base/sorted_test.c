/* SPDX-License-Identifier: MIT */
/* Arrays of structs that are sorted by a key of bytes. */
#include "base/sorted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

struct item {
	uint32_t value;
	uint8_t key[2];
};

/* Every key of a small range, against a walk through arrays of every length. */
static void test_search(void **state)
{
	static const struct item items[] = {
		{ 1, { 0, 0 } },
		{ 2, { 0, 200 } },
		{ 3, { 1, 5 } },
		{ 4, { 200, 0 } },
		{ 5, { 255, 255 } },
	};

	for (size_t n = 0; n <= ARRAY_LEN(items); n++) {
		const struct sorted s = { n ? items : NULL, n, sizeof(*items),
			offsetof(struct item, key), sizeof(items->key) };

		for (unsigned k = 0; k < 65536; k++) {
			uint8_t key[] = { (uint8_t)(k >> 8), (uint8_t)k };
			size_t expected = 0;
			bool found;

			while (expected < n && memcmp(items[expected].key, key, sizeof(key)) < 0)
				expected++;
			found = expected < n && !memcmp(items[expected].key, key, sizeof(key));
			assert_int_equal(sorted_position(&s, key), expected);
			assert_int_equal(sorted_find(&s, key), found ? expected : n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
