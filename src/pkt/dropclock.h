/* SPDX-License-Identifier: MIT */
/* When each drop reason last occurred, found by comparing counters: the data path records no
 * times. */
#pragma once

#include "base/mono.h"
#include "pkt/drop.h"

/** The counters at the last tick, and when each was last seen to increase. Zero-initialised at
 * start. */
struct drop_clock {
	struct drop_counters seen;
	struct mono last[DROP_COUNT];
};

/** Compare the counters once per wake-up: those that increased since the last tick are dated
 * `now`. */
void drop_clock_tick(
	struct drop_clock *clock, const struct drop_counters *counters, struct mono now);

/** Milliseconds since each reason last occurred, at least 1; 0: never. */
void drop_clock_ages(const struct drop_clock *clock, struct mono now, struct drop_counters *ret_ms);
