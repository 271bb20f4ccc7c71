/* SPDX-License-Identifier: MIT */
/* Tests of Poly1305 by AVX2 against libcrypto's, with the keys and texts at which carries matter:
 * in random ones they hardly ever do. */
#include "crypto/poly1305_avx2.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define LEN_MAX 1600

static EVP_MAC *mac;
static EVP_MAC_CTX *ctx;

static int setup(void **state)
{
	mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	return ctx ? 0 : -1;
}

static int teardown(void **state)
{
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return 0;
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

static void add_padded(const uint8_t *text, size_t len)
{
	static const uint8_t zeros[16];

	assert_true(EVP_MAC_update(ctx, text, len));
	assert_true(EVP_MAC_update(ctx, zeros, -len & 15));
}

static void compare(const uint8_t key[static 32], size_t aad_len, const uint8_t *text, size_t len)
{
	uint8_t want[16], got[16], lens[16];
	size_t n;

	store_le64(lens, aad_len);
	store_le64(lens + 8, len);
	assert_true(EVP_MAC_init(ctx, key, 32, NULL));
	add_padded(text, aad_len);
	add_padded(text, len);
	assert_true(EVP_MAC_update(ctx, lens, sizeof(lens)));
	assert_true(EVP_MAC_final(ctx, want, &n, sizeof(want)));
	poly1305_avx2(key, text, aad_len, text, len, got);
	assert_memory_equal(got, want, sizeof(want));
}

/* Make texts of one byte, of alternating blocks, and of blocks that are p - 2^128 with few bits
 * changed. */
static void fill_text(unsigned kind, uint8_t ret[static LEN_MAX])
{
	static const uint8_t bytes[] = { 0x00, 0xff, 0xfb, 0x80, 0x01, 0xfc };

	if (kind < ARRAY_LEN(bytes)) {
		memset(ret, bytes[kind], LEN_MAX);
		return;
	}
	for (size_t i = 0; i < LEN_MAX; i++) {
		bool first = i % 16 == 0, odd = i & 16;
		uint8_t near_p = (uint8_t)(first ? 0xfb + i / 16 % 5 : 0xff);

		ret[i] = kind == ARRAY_LEN(bytes) ? (odd ? 0xff : 0x00) : near_p;
	}
}

static void test_carries(void **state)
{
	/* The lowest byte of r, whose others are all 0 or as large as they may be. */
	static const uint8_t firsts[] = { 0, 1, 2, 4, 5, 0xff };
	static const size_t aad_lens[] = { 0, 5, 16, 300 };
	static uint8_t text[LEN_MAX];
	uint8_t key[32];

	if (!has_avx2())
		skip();
	for (unsigned kind = 0; kind < 8; kind++)
		for (unsigned k = 0; k < 4 * ARRAY_LEN(firsts); k++) {
			fill_text(kind, text);
			memset(key, k & 1 ? 0xff : 0, sizeof(key));
			memset(key + 16, k & 2 ? 0xff : 0, 16);
			key[0] = firsts[k / 4];
			for (size_t len = 0; len <= LEN_MAX; len += len < 330 ? 1 : 61)
				compare(key, aad_lens[len % 4], text, len);
		}
}

/* With r = 1, the sum of two blocks, the lengths and three times 2^128 is p and a little less or
 * more: the last reduction. */
static void test_last_reduction(void **state)
{
	uint8_t key[32] = { 1 }, text[32] = { 0 };

	if (!has_avx2())
		skip();
	store_le64(text + 8, UINT64_MAX - sizeof(text));
	for (unsigned more = 0; more < 12; more++) {
		store_le64(text, UINT64_MAX - 4 - 3 + more);
		if (more > 7)
			store_le64(text + 8, UINT64_MAX - sizeof(text) + 1);
		compare(key, 0, text, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_last_reduction),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
