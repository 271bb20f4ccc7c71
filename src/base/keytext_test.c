/* SPDX-License-Identifier: MIT */
/* Tests of keys as text: known pairs, round trips, and every kind of bad text. */
#include "base/keytext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_round_trip(void **state)
{
	uint8_t key[KEY_LEN];
	uint8_t back[KEY_LEN];
	char text[KEY_HEX_LEN + 1];

	for (unsigned step = 0; step < 2000; step++) {
		for (unsigned i = 0; i < KEY_LEN; i++)
			key[i] = (uint8_t)(step * 131 + i * (step | 1) * 17 + (step >> 3));
		key_to_base64(key, text);
		assert_int_equal(strlen(text), KEY_BASE64_LEN);
		assert_int_equal(key_from_base64(text, strlen(text), back), 0);
		assert_memory_equal(key, back, KEY_LEN);
		key_to_hex(key, text);
		assert_int_equal(strlen(text), KEY_HEX_LEN);
		assert_int_equal(key_from_hex(text, strlen(text), back), 0);
		assert_memory_equal(key, back, KEY_LEN);
	}
}

static void test_known(void **state)
{
	uint8_t key[KEY_LEN];
	char text[KEY_HEX_LEN + 1];

	for (unsigned i = 0; i < KEY_LEN; i++)
		key[i] = (uint8_t)i;
	key_to_base64(key, text);
	assert_string_equal(text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	key_to_hex(key, text);
	assert_string_equal(
		text, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* stray bits */
		"AAECAwQF*gcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh==",
		" AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	};
	uint8_t key[KEY_LEN];
	uint8_t untouched[KEY_LEN];

	memset(key, 0xa5, sizeof(key));
	memset(untouched, 0xa5, sizeof(untouched));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(key_from_base64(bad[i], strlen(bad[i]), key), -EINVAL);
		assert_int_equal(key_from_hex(bad[i], strlen(bad[i]), key), -EINVAL);
	}
	assert_memory_equal(key, untouched, KEY_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
