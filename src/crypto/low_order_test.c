/* SPDX-License-Identifier: MIT */
/* Tests of the list of low-order points against the library's own judgement. */
#include "crypto/low_order.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/testhex.h"

/* Whether x25519_dh() accepts a key, with two private keys. */
static bool is_accepted(const uint8_t key[static X25519_LEN])
{
	uint8_t private_key[X25519_LEN];
	uint8_t shared[X25519_LEN];
	int first, second;

	fill_pattern(private_key, sizeof(private_key), 7);
	first = x25519_dh(private_key, key, shared);
	fill_pattern(private_key, sizeof(private_key), 8);
	second = x25519_dh(private_key, key, shared);
	assert_int_equal(first, second);
	assert_true(!first || first == -EINVAL);
	return !first;
}

static void expect_agreement(const uint8_t key[static X25519_LEN], bool low)
{
	uint8_t other[X25519_LEN];

	assert_int_equal(low_order_key(key), low);
	assert_int_equal(is_accepted(key), !low);
	memcpy(other, key, sizeof(other));
	other[X25519_LEN - 1] ^= 0x80;
	assert_int_equal(low_order_key(other), low);
	assert_int_equal(is_accepted(other), !low);
}

/* Each point, and the keys beside it: one bit differs. */
static void test_points(void **state)
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
	uint8_t key[X25519_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		unhex(points[i], key);
		expect_agreement(key, true);
		key[0] ^= 4;
		expect_agreement(key, false);
		key[0] ^= 4;
		key[20] ^= 1;
		expect_agreement(key, false);
	}
}

static void test_ordinary_keys(void **state)
{
	uint8_t private_key[X25519_LEN];
	uint8_t key[X25519_LEN];

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		fill_pattern(private_key, sizeof(private_key), seed);
		assert_int_equal(x25519_public(private_key, key), 0);
		expect_agreement(key, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_ordinary_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
