/* SPDX-License-Identifier: MIT */
/* A token bucket: how often something may happen. */
#ifndef PKT_BUCKET_H
#define PKT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/** The bucket's level. Zero-initialised it is full. */
struct bucket {
	struct mono full_at; /* when it will have filled up again, if nothing is taken before */
};

/**
 * Take one token at `now`, if there is one. A token comes back every `interval_ns`; `burst` of
 * them, 1 or more, fit in. Return: whether there was one.
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

#endif
