/* SPDX-License-Identifier: MIT */
/* Whether handshakes arrive faster than we care to answer them unproven. */
#include "wg/load.h"

#define COST (NS_PER_S / WG_LOAD_PER_S)
#define FULL (WG_LOAD_BURST * COST)

bool wg_load_note(struct wg_load *l, unsigned n, struct mono now)
{
	uint64_t drained = mono_between(l->updated, now);

	l->level_ns = l->level_ns > drained ? l->level_ns - drained : 0;
	l->updated = now;
	l->level_ns += n * COST;
	if (l->level_ns > FULL) {
		l->level_ns = FULL; /* what is refused is not work */
		l->until = mono_add(now, WG_LOAD_HYSTERESIS);
	}
	return mono_before(now, l->until);
}
