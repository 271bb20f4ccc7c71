/* SPDX-License-Identifier: MIT */
/* A wall clock that is set: by an administrator, or by NTP after a start without the time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/** How far the clocks may differ: NTP makes the wall clock slower or faster by up to 500 ppm. */
static inline uint64_t wall_slack(uint64_t ns)
{
	return NS_PER_S + ns / 1000;
}

static inline uint64_t wall_to_ns(struct wall w)
{
	return w.sec * NS_PER_S + w.nsec;
}

static inline struct wall wall_from_ns(uint64_t ns)
{
	return (struct wall){ .sec = ns / NS_PER_S, .nsec = (uint32_t)(ns % NS_PER_S) };
}

/** The time that the wall clock, which shows `wall` at `now`, would have shown at the earlier
 * instant `at`: at least one second after 1970, as 0 means "never". */
static inline struct wall wall_at(struct mono at, struct mono now, struct wall wall)
{
	uint64_t age = mono_between(at, now);
	uint64_t ns = wall_to_ns(wall);

	return wall_from_ns(ns > age + NS_PER_S ? ns - age : NS_PER_S);
}

/** Whether the wall clock was set between two instants, at which it showed `before` and `wall`. */
static inline bool wall_was_set(
	struct mono at, struct wall before, struct mono now, struct wall wall)
{
	uint64_t expected = wall_to_ns(before) + mono_between(at, now);
	uint64_t ns = wall_to_ns(wall);

	return (ns > expected ? ns - expected : expected - ns) > wall_slack(mono_between(at, now));
}

/** The wall clock as it would be if it had never been set back. All zero: nothing is known yet. */
struct steady_wall {
	struct mono at;
	struct wall wall;
};

/** The steady time at `now`, at which the clock shows `wall`: the latest that it can have shown so
 * far, if it was read by this function at least before each time that it was set back. */
static inline struct wall steady_wall_read(struct steady_wall *s, struct mono now, struct wall wall)
{
	uint64_t steady = wall_to_ns(s->wall) + mono_between(s->at, now);

	if (mono_is_set(s->at) && steady > wall_to_ns(wall))
		return wall_from_ns(steady);
	*s = (struct steady_wall){ now, wall };
	return wall;
}
