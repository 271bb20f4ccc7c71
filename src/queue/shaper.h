/* SPDX-License-Identifier: MIT */
/* A limit of the rate: when the next packet may leave. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/** Time that is made up for if the caller comes late: timers have a resolution of milliseconds. */
#define SHAPER_SLACK_NS (3 * NS_PER_MS)

/** A limit. Zeroed: none. */
struct shaper {
	uint64_t rate;	  /* bytes per second; 0: no limit */
	struct mono free; /* when the packets that have left are all on the wire */
};

/** Whether a packet may leave at `now`. */
static inline bool shaper_is_ready(const struct shaper *s, struct mono now)
{
	return !s->rate || s->free.ns <= now.ns;
}

/** A packet of `bytes` on the wire leaves at `now`. */
static inline void shaper_take(struct shaper *s, size_t bytes, struct mono now)
{
	uint64_t from = now.ns > SHAPER_SLACK_NS ? now.ns - SHAPER_SLACK_NS : 0;

	if (s->rate)
		s->free.ns = (s->free.ns > from ? s->free.ns : from) + bytes * NS_PER_S / s->rate;
}
