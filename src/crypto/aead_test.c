/* SPDX-License-Identifier: MIT */
/* Tests of the AEADs: known answers, every provider against the reference, and forgeries. */
#include "crypto/aead.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/aead_evp.h"
#include "crypto/aead_speed.h"
#include "crypto/testhex.h"

#define TEXT_MAX 20000

/* One context for each provider that this build and host have; the first is the reference. */
static struct aead_ctx ctxs[1 + AEAD_PROVIDERS_MAX];
static size_t ctx_count;

static int setup(void **state)
{
	if (aead_init(&ctxs[ctx_count++], "evp"))
		return -1;
	for (size_t i = 0; aead_provider_name(i); i++) {
		const char *name = aead_provider_name(i);
		int err = aead_init(&ctxs[ctx_count], name);

		if (err == -ELIBACC) {
			print_message("%s: its library is not installed\n", name);
			continue;
		}
		if (err) {
			print_error("%s: error %d\n", name, err);
			return -1;
		}
		ctx_count++;
	}
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < ctx_count; i++)
		aead_fini(&ctxs[i]);
	return 0;
}

/* RFC 8439 appendix A.5: its only vector whose nonce starts with four zero bytes. */
static void test_rfc8439(void **state)
{
	static const char plain_hex[] =
		"496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c69"
		"6420666f722061206d6178696d756d206f6620736978206d6f6e74687320616e64206d6179206265"
		"20757064617465642c207265706c616365642c206f72206f62736f6c65746564206279206f746865"
		"7220646f63756d656e747320617420616e792074696d652e20497420697320696e617070726f7072"
		"6961746520746f2075736520496e7465726e65742d447261667473206173207265666572656e6365"
		"206d6174657269616c206f7220746f2063697465207468656d206f74686572207468616e20617320"
		"2fe2809c776f726b20696e2070726f67726573732e2fe2809d";
	static const char sealed_hex[] =
		"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43ee"
		"a09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b9481"
		"14ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0"
		"f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
		"af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa7699"
		"1955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130"
		"305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
		"38";
	uint8_t key[32], aad[12], plain[265], want[281], got[281];

	unhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", key);
	unhex("f33388860000000000004e91", aad);
	assert_int_equal(unhex(plain_hex, plain), sizeof(plain));
	assert_int_equal(unhex(sealed_hex, want), sizeof(want));
	for (size_t i = 0; i < ctx_count; i++) {
		aead_seal(&ctxs[i], key, 0x0807060504030201, got, plain, sizeof(plain), aad,
			sizeof(aad));
		assert_memory_equal(got, want, sizeof(want));
		assert_int_equal(aead_open(&ctxs[i], key, 0x0807060504030201, got, want,
					 sizeof(want), aad, sizeof(aad)),
			0);
		assert_memory_equal(got, plain, sizeof(plain));
	}
}

/* draft-irtf-cfrg-xchacha-03 §2.2.1. */
static void test_hchacha20(void **state)
{
	uint8_t key[32], nonce[16], want[32], got[32];

	unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", key);
	unhex("000000090000004a0000000031415927", nonce);
	unhex("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", want);
	aead_evp_hchacha20(ctxs[0].evp, key, nonce, got);
	assert_memory_equal(got, want, 32);
}

/* draft-irtf-cfrg-xchacha-03 §A.3.1. */
static void test_xchacha(void **state)
{
	static const char plain_hex[] =
		"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f6620273939"
		"3a204966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220"
		"746865206675747572652c2073756e73637265656e20776f756c642062652069742e";
	static const char sealed_hex[] =
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa644"
		"0bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e"
		"3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7"
		"987947deafd8780acf49";
	uint8_t key[32], nonce[24], aad[12], plain[114], want[130], got[130];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0x40 + i);
	unhex("50515253c0c1c2c3c4c5c6c7", aad);
	assert_int_equal(unhex(plain_hex, plain), sizeof(plain));
	assert_int_equal(unhex(sealed_hex, want), sizeof(want));
	for (size_t i = 0; i < ctx_count; i++) {
		aead_xseal(&ctxs[i], key, nonce, got, plain, sizeof(plain), aad, sizeof(aad));
		assert_memory_equal(got, want, sizeof(want));
		assert_int_equal(
			aead_xopen(&ctxs[i], key, nonce, got, want, sizeof(want), aad, sizeof(aad)),
			0);
		assert_memory_equal(got, plain, sizeof(plain));
		want[129] ^= 1;
		assert_int_equal(
			aead_xopen(&ctxs[i], key, nonce, got, want, sizeof(want), aad, sizeof(aad)),
			-EBADMSG);
		want[129] ^= 1;
	}
}

/* Seal and open `len` bytes with `ctx` and compare with the reference, in place and not. */
static void compare_one(struct aead_ctx *ctx, size_t len, size_t aad_len)
{
	static uint8_t plain[TEXT_MAX], want[TEXT_MAX + 17], got[TEXT_MAX + 17];
	uint64_t counter = 0x1122334455667788ULL * (len + 1);
	uint8_t key[32], aad[64];

	fill_pattern(key, sizeof(key), len);
	fill_pattern(plain, len, len + 1);
	fill_pattern(aad, sizeof(aad), len + 2);
	aead_seal(&ctxs[0], key, counter, want, plain, len, aad, aad_len);

	got[len + 16] = 0xa5;
	aead_seal(ctx, key, counter, got, plain, len, aad, aad_len);
	assert_memory_equal(got, want, len + 16);
	assert_int_equal(got[len + 16], 0xa5);
	memcpy(got, plain, len);
	aead_seal(ctx, key, counter, got, got, len, aad, aad_len);
	assert_memory_equal(got, want, len + 16);

	assert_int_equal(aead_open(ctx, key, counter, got, got, len + 16, aad, aad_len), 0);
	assert_memory_equal(got, plain, len);
	assert_memory_equal(got + len, want + len, 16);
	memset(got, 0, len);
	got[len] = 0xa5;
	assert_int_equal(aead_open(ctx, key, counter, got, want, len + 16, aad, aad_len), 0);
	assert_memory_equal(got, plain, len);
	assert_int_equal(got[len], 0xa5);
}

/* Texts, results, keys and associated data at odd addresses, between bytes that must not change. */
static void test_misaligned(void **state)
{
	static uint8_t plain[2100], sealed[2100], want[2100], got[2100], key[64], aad[128];
	uint64_t x = 7;

	fill_pattern(plain, sizeof(plain), 1);
	fill_pattern(key, sizeof(key), 2);
	fill_pattern(aad, sizeof(aad), 3);
	for (unsigned n = 0; n < 2000; n++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		struct aead_ctx *c = &ctxs[n % ctx_count];
		size_t from = x >> 60, to = x >> 56 & 15, len = (x >> 32) % 2049;
		size_t aad_len = x >> 28 & 63;
		const uint8_t *k = key + (x >> 52 & 31), *a = aad + (x >> 48 & 15);

		memset(sealed, 0xa5, sizeof(sealed));
		aead_seal(&ctxs[0], k, n, want, plain + from, len, a, aad_len);
		aead_seal(c, k, n, sealed + 16 + to, plain + from, len, a, aad_len);
		assert_memory_equal(sealed + 16 + to, want, len + 16);
		assert_int_equal(sealed[15 + to], 0xa5);
		assert_int_equal(sealed[32 + to + len], 0xa5);

		memset(got, 0xa5, sizeof(got));
		assert_int_equal(
			aead_open(c, k, n, got + 16 + from, sealed + 16 + to, len + 16, a, aad_len),
			0);
		assert_memory_equal(got + 16 + from, plain + from, len);
		assert_int_equal(got[15 + from], 0xa5);
		assert_int_equal(got[16 + from + len], 0xa5);
	}
}

static void test_differential(void **state)
{
	static const size_t aad_lens[] = { 0, 1, 12, 16, 32, 33, 64 };
	uint64_t x = 42;

	for (size_t i = 0; i < ctx_count; i++) {
		for (size_t len = 0; len <= 300; len++)
			for (size_t a = 0; a < ARRAY_LEN(aad_lens); a++)
				compare_one(&ctxs[i], len, aad_lens[a]);
		for (size_t len = 301; len <= 2200; len += 7)
			compare_one(&ctxs[i], len, 0);
		for (int n = 0; n < 300; n++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			compare_one(&ctxs[i], (x >> 33) % TEXT_MAX, (x >> 20) % 65);
		}
	}
}

/* No 8 bytes of `got` are plaintext. */
static void assert_no_plaintext(const uint8_t *got, const uint8_t *plain, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8)
		assert_memory_not_equal(got + i, plain + i, 8);
}

/* A flipped bit of text, tag, associated data, key or counter is detected, and no plaintext is left
 * in `dst`. */
static void test_forgery(void **state)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 63, 64, 100, 600, 1440, 3000 };
	uint8_t key[32], aad[16], plain[3000], sealed[3016], got[3016];

	fill_pattern(key, sizeof(key), 1);
	fill_pattern(aad, sizeof(aad), 2);
	fill_pattern(plain, sizeof(plain), 3);
	for (size_t i = 0; i < ctx_count; i++)
		for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
			struct aead_ctx *c = &ctxs[i];
			size_t len = lens[l];

			aead_seal(c, key, 5, sealed, plain, len, aad, 16);
			for (size_t bit = 0; bit<(len + 16) * 8; bit += len> 100 ? 97 : 1) {
				memset(got, 0, sizeof(got));
				sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_int_equal(
					aead_open(c, key, 5, got, sealed, len + 16, aad, 16),
					-EBADMSG);
				sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_no_plaintext(got, plain, len);
			}
			for (size_t cut = 1; cut <= size_min(len + 16, 40); cut++)
				assert_int_equal(
					aead_open(c, key, 5, got, sealed, len + 16 - cut, aad, 16),
					-EBADMSG);
			assert_int_equal(
				aead_open(c, key, 6, got, sealed, len + 16, aad, 16), -EBADMSG);
			assert_int_equal(
				aead_open(c, key, 5, got, sealed, len + 16, aad, 15), -EBADMSG);
			key[31] ^= 0x80;
			assert_int_equal(
				aead_open(c, key, 5, got, sealed, len + 16, aad, 16), -EBADMSG);
			key[31] ^= 0x80;
			aad[15] ^= 1;
			assert_int_equal(
				aead_open(c, key, 5, got, sealed, len + 16, aad, 16), -EBADMSG);
			aad[15] ^= 1;
			assert_int_equal(aead_open(c, key, 5, got, sealed, len + 16, aad, 16), 0);
		}
}

static void test_names(void **state)
{
	struct aead_ctx c = { 0 };

	aead_fini(&c);
	assert_int_equal(aead_init(&c, "no such provider"), -ENOENT);
	aead_fini(&c);
	assert_int_equal(aead_init(&c, "evp"), 0);
	assert_string_equal(aead_name(&c), "evp");
	aead_fini(&c);
	assert_int_equal(aead_init(&c, NULL), 0);
	assert_string_equal(aead_name(&c), aead_name(&ctxs[1])); /* the first that can be used */
	aead_fini(&c);
}

/* A clock that advances by `clock_step` at each reading, which changes by `clock_change` then. */
static uint64_t clock_ns, clock_step, clock_change;

static struct mono test_clock(void)
{
	clock_step += clock_change;
	clock_ns += clock_step;
	return (struct mono){ clock_ns };
}

static size_t measure(uint64_t step, uint64_t change, struct aead_speed *ret)
{
	clock_step = step;
	clock_change = change;
	return aead_measure(test_clock, ret);
}

/* Every provider is measured, by the clock that was given; those that cannot be used come last. */
static void test_speed(void **state)
{
	struct aead_speed speeds[AEAD_PROVIDERS_MAX];
	size_t count = measure(32000, 0, speeds);
	size_t usable = ctx_count - 1;

	assert_null(aead_provider_name(count));
	assert_non_null(aead_provider_name(count - 1));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(speeds[i].err, i < usable ? 0 : -ELIBACC);
		if (i < usable) {
			assert_int_equal(speeds[i].small_ns, 1000);
			assert_int_equal(speeds[i].full_ns, 1000);
		}
	}
}

/* The fastest is first: on a clock whose steps grow, what is measured first; else what is last. */
static void test_speed_order(void **state)
{
	struct aead_speed speeds[AEAD_PROVIDERS_MAX];
	size_t usable = ctx_count - 1;

	(void)measure(1000000, 10000, speeds);
	for (size_t i = 0; i < usable; i++)
		assert_string_equal(speeds[i].name, aead_name(&ctxs[1 + i]));
	(void)measure(10000000, -10000ULL, speeds);
	for (size_t i = 0; i < usable; i++)
		assert_string_equal(speeds[i].name, aead_name(&ctxs[usable - i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8439),
		cmocka_unit_test(test_hchacha20),
		cmocka_unit_test(test_xchacha),
		cmocka_unit_test(test_differential),
		cmocka_unit_test(test_misaligned),
		cmocka_unit_test(test_forgery),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_speed_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
