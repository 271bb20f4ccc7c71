/* SPDX-License-Identifier: MIT */
/* Random bytes: the interface that pure code uses, and the kernel's generator. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** A source of random bytes, passed to pure code so that a simulation can use a repeatable one. */
struct rng {
	void (*fill)(void *ctx, uint8_t *out, size_t len);
	void *ctx;
};

/** Fill `out[len]` from `rng`. */
static inline void rng_fill(const struct rng *rng, void *out, size_t len)
{
	rng->fill(rng->ctx, out, len);
}

/** 32 random bits from `rng`. */
static inline uint32_t rng_u32(const struct rng *rng)
{
	uint32_t v;

	rng_fill(rng, &v, sizeof(v));
	return v;
}

/** The kernel's generator: getrandom(2), else /dev/urandom. If both fail, logs that and aborts the
 * process. */
struct rng random_system(void);
