/* SPDX-License-Identifier: MIT */
/* The reference provider: OpenSSL's EVP interface, present in every build. */
#pragma once

#include <openssl/evp.h>

#include "crypto/aead_provider.h"

/** "evp". */
extern const struct aead_provider aead_evp;

/** Make a context for a cipher by name, which is set so that no later call has to. Return: NULL
 * without memory, or if the library does not have the cipher. */
EVP_CIPHER_CTX *aead_evp_ctx_new(const char *cipher, int encrypt);

/**
 * HChaCha20: derive a subkey from `key` and the first 16 bytes of an XChaCha nonce.
 * @state: made by aead_evp.open_state()
 * Source: draft-irtf-cfrg-xchacha-03 §2.2.
 */
void aead_evp_hchacha20(void *state, const uint8_t key[static 32], const uint8_t nonce[static 16],
	uint8_t ret_subkey[static 32]);
