/* SPDX-License-Identifier: MIT */
/* The keystream of ChaCha20 by AVX2. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CHACHA20_BLOCK 64

/** Bytes of keystream that one call makes at most. */
#define CHACHA20_AVX2_MAX ((size_t)8 * CHACHA20_BLOCK)

/**
 * Make keystream from the `block`th block on: at least `wanted` bytes, or CHACHA20_AVX2_MAX. The
 * processor must have AVX2.
 * @ret: aligned to 32 bytes
 * @nonce: the last 8 bytes of the nonce, little endian; the first 4 are zero
 * Return: the number of bytes that were made. Source: RFC 8439 §2.4.
 */
size_t chacha20_avx2(const uint8_t key[static 32], uint64_t nonce, uint32_t block, size_t wanted,
	uint8_t ret[static CHACHA20_AVX2_MAX]);
