/* SPDX-License-Identifier: MIT */
/* WireGuard's key derivation: HKDF over HMAC-BLAKE2s, from a chaining key to a new chaining key. */
#pragma once

#include "crypto/blake2s.h"

#define KDF_KEY_LEN 32

/**
 * KDF1: `chain` is replaced by the first output.
 * @in: input key material; may be NULL if `len` is 0
 * Source: WireGuard whitepaper §5.4; RFC 5869.
 */
void kdf1(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len);

/** KDF2: as kdf1(), with the second output in `ret_key`. */
void kdf2(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len,
	uint8_t ret_key[static KDF_KEY_LEN]);

/** KDF3: as kdf1(), with the second output in `ret_mid` and the third in `ret_key`. */
void kdf3(struct blake2s *b, uint8_t chain[static KDF_KEY_LEN], const void *in, size_t len,
	uint8_t ret_mid[static KDF_KEY_LEN], uint8_t ret_key[static KDF_KEY_LEN]);
