/* SPDX-License-Identifier: MIT */
/* Tests of WireGuard's key derivation with known answers. */
#include "crypto/kdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/testhex.h"

/* Chaining key 00..1f; computed with CPython's hmac and hashlib. */
static const struct {
	const char *in;
	const char *out[3];
} vectors[] = {
	{ "", { "7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
		      "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
		      "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f" } },
	{ "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
		{ "6a96444e20e8d4c1cee974416acae1c10b3c92886010e54ed94dafb2c3b80ea0",
			"57af120b0de7acbe7907ec149c5ae870a2dbb74232b65777ba4123f1f7f888f5",
			"0926c7caabb6e8d73beda759e6f4f0d324ce5b5000bcf8cd784b26db3049faa9" } },
};

static void chain_reset(uint8_t chain[32])
{
	for (size_t i = 0; i < 32; i++)
		chain[i] = (uint8_t)i;
}

static void test_vectors(void **state)
{
	struct blake2s b;
	uint8_t in[32], want[3][32], chain[32], second[32], third[32];

	assert_int_equal(blake2s_init(&b), 0);
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		size_t len = unhex(vectors[i].in, in);

		for (size_t k = 0; k < 3; k++)
			unhex(vectors[i].out[k], want[k]);
		chain_reset(chain);
		kdf1(&b, chain, in, len);
		assert_memory_equal(chain, want[0], 32);
		chain_reset(chain);
		kdf2(&b, chain, in, len, second);
		assert_memory_equal(chain, want[0], 32);
		assert_memory_equal(second, want[1], 32);
		chain_reset(chain);
		memset(second, 0, 32);
		kdf3(&b, chain, in, len, second, third);
		assert_memory_equal(chain, want[0], 32);
		assert_memory_equal(second, want[1], 32);
		assert_memory_equal(third, want[2], 32);
	}
	blake2s_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
