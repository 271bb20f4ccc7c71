/* SPDX-License-Identifier: MIT */
/* A keyed hash for tables whose keys a peer can choose: which of them collide depends on a
 * secret. */
#pragma once

#include "base/random.h"

#include <stddef.h>
#include <stdint.h>

/** Most words that can be hashed. */
#define HASH_WORDS 12

/** The secret: random, one for each table. */
struct hash_key {
	uint64_t m[HASH_WORDS + 1];
};

/** Draw a secret. */
static inline void hash_init(struct hash_key *k, const struct rng *rng)
{
	rng_fill(rng, k->m, sizeof(k->m));
}

/**
 * The hash of words[n], `n` at most HASH_WORDS: a multilinear function, strongly universal, so two
 * keys chosen without the secret collide as often as random numbers do. It is no message
 * authentication code: its results must not leave the process.
 * Source: Lemire, Kaser: "Strongly universal string hashing is fast", The Computer Journal 57(11).
 */
static inline uint32_t hash_words(const struct hash_key *k, const uint32_t *words, size_t n)
{
	uint64_t h = k->m[0];

	for (size_t i = 0; i < n; i++)
		h += k->m[i + 1] * words[i];
	return (uint32_t)(h >> 32);
}
