/* SPDX-License-Identifier: MIT */
/* WireGuard's key derivation: HKDF over HMAC-BLAKE2s, from a chaining key to a new chaining key. */
#include "crypto/kdf.h"

#include <string.h>

#include "base/secret.h"

/* HKDF-Expand: `t` becomes HMAC(prk, t || n), where t[32] is followed by room for n. */
static void expand(struct blake2s *b, const uint8_t prk[static KDF_KEY_LEN],
	uint8_t t[static KDF_KEY_LEN + 1], uint8_t n)
{
	t[KDF_KEY_LEN] = n;
	if (n == 1)
		blake2s_hmac(b, prk, KDF_KEY_LEN, t + KDF_KEY_LEN, 1, t);
	else
		blake2s_hmac(b, prk, KDF_KEY_LEN, t, KDF_KEY_LEN + 1, t);
}

/* Extract, then expand into `chain` and the outputs that are not NULL. */
static void derive(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len,
	uint8_t *ret_second, uint8_t *ret_third)
{
	uint8_t prk[KDF_KEY_LEN];
	uint8_t t[KDF_KEY_LEN + 1];

	blake2s_hmac(b, chain, KDF_KEY_LEN, in, len, prk);
	expand(b, prk, t, 1);
	memcpy(chain, t, KDF_KEY_LEN);
	if (ret_second) {
		expand(b, prk, t, 2);
		memcpy(ret_second, t, KDF_KEY_LEN);
	}
	if (ret_third) {
		expand(b, prk, t, 3);
		memcpy(ret_third, t, KDF_KEY_LEN);
	}
	secret_wipe(prk, sizeof(prk));
	secret_wipe(t, sizeof(t));
}

void kdf1(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len)
{
	derive(b, chain, in, len, NULL, NULL);
}

void kdf2(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len,
	uint8_t ret_key[static KDF_KEY_LEN])
{
	derive(b, chain, in, len, ret_key, NULL);
}

void kdf3(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len,
	uint8_t ret_mid[static KDF_KEY_LEN], uint8_t ret_key[static KDF_KEY_LEN])
{
	derive(b, chain, in, len, ret_mid, ret_key);
}
