/* SPDX-License-Identifier: MIT */
/* Tests of X25519 with the vectors of RFC 7748 and with points of low order. */
#include "crypto/x25519.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/testhex.h"

static void test_vectors(void **state)
{
	/* RFC 7748 §5.2 */
	static const struct {
		const char *scalar, *u, *out;
	} t[] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
	};
	uint8_t k[32], u[32], want[32], got[32];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		unhex(t[i].scalar, k);
		unhex(t[i].u, u);
		unhex(t[i].out, want);
		assert_int_equal(x25519_dh(k, u, got), 0);
		assert_memory_equal(got, want, 32);
	}
}

/* RFC 7748 §6.1 */
static void test_exchange(void **state)
{
	uint8_t a[32], b[32], a_pub[32], b_pub[32], want[32], got[32];

	unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", a);
	unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", b);
	unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", want);
	assert_int_equal(x25519_public(a, a_pub), 0);
	assert_memory_equal(a_pub, want, 32);
	unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", want);
	assert_int_equal(x25519_public(b, b_pub), 0);
	assert_memory_equal(b_pub, want, 32);
	unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", want);
	assert_int_equal(x25519_dh(a, b_pub, got), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(x25519_dh(b, a_pub, got), 0);
	assert_memory_equal(got, want, 32);
}

/* Every point of low order and its non-canonical encodings. Source: RFC 7748 §6.1; Bernstein,
 * "Curve25519: new Diffie-Hellman speed records", and cr.yp.to/ecdh.html. */
static void test_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint8_t k[32], u[32], got[32], untouched[32];

	fill_pattern(k, sizeof(k), 7);
	memset(untouched, 0xa5, sizeof(untouched));
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		unhex(points[i], u);
		memset(got, 0xa5, sizeof(got));
		assert_int_equal(x25519_dh(k, u, got), -EINVAL);
		assert_memory_equal(got, untouched, 32);
	}
}

static void test_clamp(void **state)
{
	uint8_t k[32], clamped[32], pub[32], pub_clamped[32];

	for (uint64_t seed = 0; seed < 20; seed++) {
		fill_pattern(k, sizeof(k), seed);
		memcpy(clamped, k, sizeof(k));
		x25519_clamp(clamped);
		assert_int_equal(clamped[0] & 7, 0);
		assert_int_equal(clamped[31] & 0xc0, 0x40);
		assert_int_equal(x25519_public(k, pub), 0);
		assert_int_equal(x25519_public(clamped, pub_clamped), 0);
		assert_memory_equal(pub, pub_clamped, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_low_order),
		cmocka_unit_test(test_clamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
