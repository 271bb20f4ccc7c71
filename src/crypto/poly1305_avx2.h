/* SPDX-License-Identifier: MIT */
/* The Poly1305 tag of an AEAD by AVX2. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * The tag of associated data and ciphertext: both padded to 16 bytes with zeros, then their
 * lengths. The processor must have AVX2.
 * @key: one-time key
 * Source: RFC 8439 §2.5, §2.8.
 */
void poly1305_avx2(const uint8_t key[static 32], const uint8_t *aad, size_t aad_len,
	const uint8_t *text, size_t len, uint8_t ret_tag[static 16]);
