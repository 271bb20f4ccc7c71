/* SPDX-License-Identifier: MIT */
/* CoDel: whether a queue's delay has been too long for too long. Source: RFC 8289. */
#include "queue/codel.h"

/* Beyond so many drops without a pause their frequency does not rise: a number of Newton steps
 * that is constant is enough. */
#define COUNT_MAX (1u << 20)

/* The square root of `n`, below 2^52, rounded down. */
static uint64_t square_root(uint64_t n)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ULL << 26; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

bool codel_is_above(struct codel *c, uint64_t waited_ns, size_t backlog, struct mono now)
{
	if (waited_ns < CODEL_TARGET_NS || backlog <= CODEL_MTU) {
		c->first_above = MONO_NEVER;
		return false;
	}
	if (!mono_is_set(c->first_above)) {
		c->first_above = mono_add(now, CODEL_INTERVAL_NS);
		return false;
	}
	return mono_reached(c->first_above, now);
}

struct mono codel_next_drop(struct mono t, uint32_t count)
{
	uint64_t n = count < 1 ? 1 : count > COUNT_MAX ? COUNT_MAX : count;

	return mono_add(t, (CODEL_INTERVAL_NS << 16) / square_root(n << 32));
}

void codel_start(struct codel *c, struct mono now)
{
	uint32_t since = c->count - c->last_count;
	bool recent = now.ns < c->drop_next.ns ||
		      mono_between(c->drop_next, now) < 16 * CODEL_INTERVAL_NS;

	c->dropping = true;
	c->count = since > 1 && recent ? since : 1;
	c->last_count = c->count;
	c->drop_next = codel_next_drop(now, c->count);
}
