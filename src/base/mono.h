/* SPDX-License-Identifier: MIT */
/* Typed time: instants of the monotonic clock, and spans in nanoseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/** An instant of CLOCK_BOOTTIME in nanoseconds; 0 means "never" (a deadline not set, an event not
 * seen). */
struct mono {
	uint64_t ns;
};

/** A wall-clock time (CLOCK_REALTIME): seconds since 1970 and nanoseconds below one second. */
struct wall {
	uint64_t sec;
	uint32_t nsec;
};

#define MONO_NEVER ((struct mono){ 0 })

/** Whether the instant is set. */
static inline bool mono_is_set(struct mono t)
{
	return t.ns != 0;
}

/** The instant `ns` nanoseconds after `t`. */
static inline struct mono mono_add(struct mono t, uint64_t ns)
{
	return (struct mono){ t.ns + ns };
}

/** Nanoseconds from `earlier` to `later`; 0 if `later` is not the later one. */
static inline uint64_t mono_between(struct mono earlier, struct mono later)
{
	return later.ns > earlier.ns ? later.ns - earlier.ns : 0;
}

/** Whether `a` lies strictly before `b`. */
static inline bool mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

/** Whether deadline `t` is set and has been reached at `now`. */
static inline bool mono_reached(struct mono t, struct mono now)
{
	return t.ns != 0 && t.ns <= now.ns;
}

/** The earlier of two deadlines, where "never" is later than everything. */
static inline struct mono mono_earliest(struct mono a, struct mono b)
{
	if (!a.ns)
		return b;
	if (!b.ns)
		return a;
	return a.ns < b.ns ? a : b;
}
