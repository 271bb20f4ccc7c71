/* SPDX-License-Identifier: MIT */
/* Cached route lookups: how much of a sticky source can be used towards an endpoint. */
#include "underlay/route_cache.h"

#include "base/bytes.h"

bool route_entry_is_of(const struct route_entry *r, const struct endpoint *e)
{
	return r->use != SOURCE_UNKNOWN && r->local_ifindex == e->local_ifindex &&
	       ip_addr_equal(&r->to, &e->addr) && ip_addr_equal(&r->local, &e->local);
}

struct route_entry *route_cache_find(struct route_cache *c, const struct endpoint *e)
{
	uint32_t hash = e->local_ifindex;
	struct route_entry *set;
	struct route_entry *spare;

	for (size_t i = 0; i < sizeof(e->addr.bytes); i += 4)
		hash = (hash ^ load_le32(e->addr.bytes + i)) * 0x9e3779b1U;
	set = &c->entries[((hash >> 16) & (ROUTE_CACHE_SETS - 1)) * ROUTE_CACHE_PER_SET];
	spare = &set[c->next++ % ROUTE_CACHE_PER_SET];
	for (size_t i = 0; i < ROUTE_CACHE_PER_SET; i++) {
		if (route_entry_is_of(&set[i], e))
			return &set[i];
		if (set[i].use == SOURCE_UNKNOWN)
			spare = &set[i];
	}
	return spare;
}

void route_cache_clear(struct route_cache *c)
{
	for (size_t i = 0; i < ROUTE_CACHE_ENTRIES; i++)
		if (c->entries[i].use != SOURCE_UNKNOWN) /* unused entries stay untouched memory */
			c->entries[i].use = SOURCE_UNKNOWN;
}

void route_cache_clear_some(struct route_cache *c, const struct changes *d)
{
	if (changes_is_empty(d))
		return;
	for (size_t i = 0; i < ROUTE_CACHE_ENTRIES; i++) {
		struct route_entry *r = &c->entries[i];

		if (r->use != SOURCE_UNKNOWN &&
			(changes_concerns(d, &r->to) || changes_concerns(d, &r->local) ||
				changes_has_stopped(d, r->local_ifindex)))
			r->use = SOURCE_UNKNOWN;
	}
}
