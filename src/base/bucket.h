/* SPDX-License-Identifier: MIT */
/* A token bucket: a rate limit with a burst. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/** The bucket's level. Zero-initialised, it is full. */
struct bucket {
	struct mono full_at; /* when it is full again, unless a token is taken */
};

/**
 * Take one token at `now`, if there is one. One token is added every `interval_ns`, up to `burst`
 * tokens (1 or more). Return: whether there was one.
 */
static inline bool bucket_take(
	struct bucket *b, struct mono now, uint64_t interval_ns, unsigned burst)
{
	uint64_t missing = mono_between(now, b->full_at);

	if (missing + interval_ns > interval_ns * burst)
		return false;
	b->full_at = mono_add(now, missing + interval_ns);
	return true;
}
