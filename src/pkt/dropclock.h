/* SPDX-License-Identifier: MIT */
/* When each reason for a drop last occurred, found by comparing counters: the data path keeps no
 * times. */
#ifndef PKT_DROPCLOCK_H
#define PKT_DROPCLOCK_H

#include "base/mono.h"
#include "pkt/drop.h"

/** The counters as they were last looked at, and when each of them was first seen risen. Zero is
 * the start. */
struct drop_clock {
	struct drop_counters seen;
	struct mono last[DROP_COUNT];
};

/** Look at the counters once a wake-up: those that have risen since the last look did so at
 * `now`. */
void drop_clock_tick(
	struct drop_clock *clock, const struct drop_counters *counters, struct mono now);

/** How long ago, in milliseconds and at least 1, each reason last occurred; 0: never. */
void drop_clock_ages(const struct drop_clock *clock, struct mono now, struct drop_counters *ret_ms);

#endif
