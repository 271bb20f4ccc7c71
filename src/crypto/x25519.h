/* SPDX-License-Identifier: MIT */
/* X25519: key pairs and the Diffie-Hellman function of the handshake. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"

#define X25519_LEN 32

/** Turn 32 random bytes into a private key in its canonical, "clamped" form. Source: RFC 7748
 * §5. */
void x25519_clamp(uint8_t private_key[static X25519_LEN]);

/** Compute the public key of `private_key` (which need not be clamped). Return: 0, or -ENOMEM if
 * the library has no memory. */
MUST_CHECK int x25519_public(
	const uint8_t private_key[static X25519_LEN], uint8_t ret_public[static X25519_LEN]);

/**
 * Compute the secret shared by `private_key` and the owner of `public_key`.
 * Return: 0, -EINVAL if `public_key` is of low order (the result would be all zero), or -ENOMEM;
 * `ret_shared` is untouched on failure. Source: RFC 7748 §6.1.
 */
MUST_CHECK int x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN]);
