/* SPDX-License-Identifier: MIT */
/* BLAKE2s: hash, keyed MAC, and HMAC. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

#define BLAKE2S_HASH_LEN  32
#define BLAKE2S_BLOCK_LEN 64

/**
 * Working memory of one thread. blake2s_init() allocates all of it; a call does not look up the
 * algorithm in the library, which matters because each datagram of a flood costs one MAC.
 */
struct blake2s {
	void *hash;
	void *mac;
};

/** Allocate the working memory. Return: 0, -ENOMEM, or -ENOTSUP if the library has no BLAKE2s. */
MUST_CHECK int blake2s_init(struct blake2s *b);

/** Wipe and free it; accepts a zeroed or half-initialised one. */
void blake2s_fini(struct blake2s *b);

/** Overwrite the input and the key that were used last. */
void blake2s_forget(struct blake2s *b);

/** BLAKE2s-256 of `in[len]`. Source: RFC 7693. */
void blake2s_hash(
	struct blake2s *b, const void *in, size_t len, uint8_t ret_hash[static BLAKE2S_HASH_LEN]);

/** hash = BLAKE2s-256(hash || in): mix one more part into a Noise transcript. */
void blake2s_mix(
	struct blake2s *b, uint8_t hash[static BLAKE2S_HASH_LEN], const void *in, size_t len);

/**
 * Keyed BLAKE2s of `in[len]`.
 * @key_len: 1 to 32 bytes
 * @ret_len: 1 to 32 bytes; BLAKE2s hashes it too, so a 16-byte MAC (mac1, mac2, cookie) is not half
 * of a 32-byte one
 */
void blake2s_mac(struct blake2s *b, const uint8_t *key, size_t key_len, const void *in, size_t len,
	uint8_t *ret_mac, size_t ret_len);

/** HMAC-BLAKE2s of `in[len]` under a key of up to one block (64 bytes). Source: RFC 2104. */
void blake2s_hmac(struct blake2s *b, const uint8_t *key, size_t key_len, const void *in, size_t len,
	uint8_t ret_mac[static BLAKE2S_HASH_LEN]);
