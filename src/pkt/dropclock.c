/* SPDX-License-Identifier: MIT */
/* When each drop reason last occurred, found by comparing counters: the data path records no
 * times. */
#include "pkt/dropclock.h"

#include <string.h>

void drop_clock_tick(
	struct drop_clock *clock, const struct drop_counters *counters, struct mono now)
{
	if (!memcmp(&clock->seen, counters, sizeof(*counters)))
		return;
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++)
		if (clock->seen.n[d] != counters->n[d])
			clock->last[d] = now;
	clock->seen = *counters;
}

void drop_clock_ages(const struct drop_clock *clock, struct mono now, struct drop_counters *ret_ms)
{
	for (int d = DROP_NONE; d < DROP_COUNT; d++) {
		uint64_t age = mono_between(clock->last[d], now) / NS_PER_MS;

		ret_ms->n[d] = !mono_is_set(clock->last[d]) ? 0 : age ? age : 1;
	}
}
