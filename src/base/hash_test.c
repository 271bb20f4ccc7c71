/* SPDX-License-Identifier: MIT */
/* Tests of the keyed hash: families of chosen keys do not collide more than others. */
#include "base/hash.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BUCKETS 128
#define KEYS	(BUCKETS * 8)

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

/* Key `i` of a family: ids in steps of a power of two, or of what a multiplicative hash with a
 * known factor would send to one bucket; or another field that counts. */
static void key_of(unsigned family, uint32_t i, uint32_t ret[3])
{
	memset(ret, 0, 3 * sizeof(ret[0]));
	if (family < 23)
		ret[0] = i << family;
	else if (family == 23)
		ret[0] = i * 0x144cbc89U; /* the inverse of 0x9e3779b9 */
	else
		ret[family % 2 + 1] = i;
}

static void test_families(void **state)
{
	uint64_t seed = 3;
	const struct rng rng = { fill, &seed };

	for (unsigned family = 0; family < 26; family++) {
		double sum = 0; /* of the longest chains */

		for (unsigned round = 0; round < 50; round++) {
			unsigned chain[BUCKETS] = { 0 }, longest = 0;
			struct hash_key key;

			hash_init(&key, &rng);
			for (uint32_t i = 0; i < KEYS; i++) {
				uint32_t words[3];
				unsigned *n;

				key_of(family, i, words);
				n = &chain[hash_words(&key, words, 3) % BUCKETS];
				if (++*n > longest)
					longest = *n;
			}
			sum += longest;
		}
		assert_true(sum / 50 < 8 * 8); /* of 1024 keys, 8 each if they spread evenly */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
