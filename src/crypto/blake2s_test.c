/* SPDX-License-Identifier: MIT */
/* Tests of BLAKE2s, keyed and unkeyed, and of HMAC-BLAKE2s with known answers. */
#include "crypto/blake2s.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/testhex.h"

static struct blake2s b2;

static int setup(void **state)
{
	return blake2s_init(&b2);
}

static int teardown(void **state)
{
	blake2s_fini(&b2);
	blake2s_fini(&b2);
	return 0;
}

static void test_hash(void **state)
{
	static const struct {
		const char *in, *hash;
	} t[] = {
		/* RFC 7693 appendix B */
		{ "616263", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982" },
		/* blake2s-kat of the BLAKE2 authors: the empty message */
		{ "", "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9" },
		/* the first chaining key of every WireGuard handshake:
		 * "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s" */
		{ "4e6f6973655f494b70736b325f32353531395f436861436861506f6c795f424c414b453273",
			"60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36" },
	};
	uint8_t in[64], want[32], got[32];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		size_t len = unhex(t[i].in, in);

		unhex(t[i].hash, want);
		blake2s_hash(&b2, in, len, got);
		assert_memory_equal(got, want, 32);
	}
}

static void test_mix(void **state)
{
	static const char prologue[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
	uint8_t hash[32], want[32], joined[300];

	unhex("60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36", hash);
	unhex("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3", want);
	blake2s_mix(&b2, hash, prologue, sizeof(prologue) - 1);
	assert_memory_equal(hash, want, 32);
	for (size_t len = 0; len <= 200; len++) {
		fill_pattern(joined, sizeof(joined), len);
		memcpy(hash, joined, 32);
		blake2s_mix(&b2, hash, joined + 32, len);
		blake2s_hash(&b2, joined, 32 + len, want);
		assert_memory_equal(hash, want, 32);
	}
}

static void test_mac(void **state)
{
	/* key 00..1f, message 00..(len-1); the 32-byte column is blake2s-kat of the BLAKE2 authors,
	 * the other was computed with CPython's hashlib */
	static const struct {
		size_t len;
		const char *mac32, *mac16;
	} t[] = {
		{ 0, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49",
			"9536f9b267655743dee97b8a670f9f53" },
		{ 1, "40d15fee7c328830166ac3f918650f807e7e01e177258cdc0a39b11f598066f1",
			"13bacfb85b48a1223c595f8c1e7e82cb" },
		{ 2, "6bb71300644cd3991b26ccd4d274acd1adeab8b1d7914546c1198bbe9fc9d803",
			"d47a9b1645e2feae501cd5fe44ce6333" },
		{ 64, "8975b0577fd35566d750b362b0897a26c399136df07bababbde6203ff2954ed4",
			"f1efa90d2547036841ecd3627fafbc36" },
		{ 255, "3fb735061abc519dfe979e54c1ee5bfad0a9d858b3315bad34bde999efd724dd",
			"cd075928ab7e6883e697fe7fd3ac43ee" },
	};
	uint8_t in[256], key[32], want[32], got[33];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	memcpy(key, in, sizeof(key));
	/* alternate both sizes: the size of one call must not affect the next */
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		got[32] = got[16] = 0xa5;
		unhex(t[i].mac16, want);
		blake2s_mac(&b2, key, 32, in, t[i].len, got, 16);
		assert_memory_equal(got, want, 16);
		assert_int_equal(got[16], 0xa5);
		unhex(t[i].mac32, want);
		blake2s_mac(&b2, key, 32, in, t[i].len, got, 32);
		assert_memory_equal(got, want, 32);
		assert_int_equal(got[32], 0xa5);
	}
}

/* RFC 7693 appendix E: the keyed half of its self-test, every size of key and output; the sum was
 * computed with CPython's hashlib, whose complete self-test gives the RFC's value. */
static void test_mac_grand(void **state)
{
	static const size_t out_lens[] = { 16, 20, 28, 32 };
	static const size_t in_lens[] = { 0, 3, 64, 65, 255, 1024 };
	uint8_t in[1024], key[32], want[32], sums[24 * 32], got[32];
	size_t n = 0;

	for (size_t o = 0; o < ARRAY_LEN(out_lens); o++)
		for (size_t i = 0; i < ARRAY_LEN(in_lens); i++) {
			struct {
				uint8_t *at;
				size_t len;
			} seq[] = { { in, in_lens[i] }, { key, out_lens[o] } };

			for (size_t s = 0; s < ARRAY_LEN(seq); s++) {
				uint32_t a = 0xdead4badU * (uint32_t)seq[s].len, b = 1;

				for (size_t k = 0; k < seq[s].len; k++) {
					uint32_t sum = a + b;

					a = b;
					b = sum;
					seq[s].at[k] = (uint8_t)(sum >> 24);
				}
			}
			blake2s_mac(&b2, key, out_lens[o], in, in_lens[i], sums + n, out_lens[o]);
			n += out_lens[o];
		}
	unhex("bf2ea8ed94fd2dcf768f749023b40b794aa7f8294dc420614c5fed55dd93632f", want);
	blake2s_hash(&b2, sums, n, got);
	assert_memory_equal(got, want, 32);
}

static void test_hmac(void **state)
{
	uint8_t key[64], want[32], got[32];

	for (size_t i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	unhex("65043ae3113da6f99a94d81b790a6a08dcddef85a14bb01d1aae2ae6d7250146", want);
	blake2s_hmac(&b2, key, 32, "Hi There", 8, got);
	assert_memory_equal(got, want, 32);
	memset(key, 'k', sizeof(key));
	unhex("622fca212e68c32a731a0bef9c6c5974d3fab4fd4c9b9ada52154f5de01b486e", want);
	blake2s_hmac(&b2, key, 64, NULL, 0, got);
	assert_memory_equal(got, want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_mac_grand),
		cmocka_unit_test(test_hmac),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
