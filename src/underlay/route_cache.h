/* SPDX-License-Identifier: MIT */
/* Cached route lookups: how much of a sticky source can be used towards an endpoint. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "netlink/changes.h"
#include "underlay/selfroute.h"

/** Entries: more than there are peers on most hosts. SETS is a power of two. */
#define ROUTE_CACHE_SETS    512
#define ROUTE_CACHE_PER_SET 8
#define ROUTE_CACHE_ENTRIES (ROUTE_CACHE_SETS * ROUTE_CACHE_PER_SET)

/** How much of a sticky source can be used. */
enum source_use {
	SOURCE_UNKNOWN = 0,
	SOURCE_ALL,
	SOURCE_ADDRESS, /* the address, not the interface */
	SOURCE_NOTHING,
	SOURCE_OTHER, /* another interface: packets sent by the routes return to us */
	SOURCE_LOOP,  /* every packet sent there returns to us: drop it */
};

/** Cached lookup: from one of our addresses and interfaces to a peer. */
struct route_entry {
	struct ip_addr to;
	struct ip_addr local;
	uint32_t local_ifindex;
	enum source_use use;
	enum leads leads; /* where the routes lead */
	uint32_t route;	  /* ifindex of the route's interface */
	uint32_t other;	  /* for SOURCE_OTHER: the interface used instead; else 0 */
	struct mono asked;
	struct mono unresolved; /* since when the next hop has not been resolved */
	struct mono until;	/* when to look up again; MONO_NEVER: when the routing changes */
};

/** The cache. Zeroed means empty. */
struct route_cache {
	unsigned next; /* index of the entry of a set to overwrite next */
	struct route_entry entries[ROUTE_CACHE_ENTRIES];
};

/** Whether the entry is valid and belongs to this endpoint. */
bool route_entry_is_of(const struct route_entry *r, const struct endpoint *e);

/** Return: the endpoint's entry; or the one to overwrite for it: a free one of its set, else the
 * next in turn. */
struct route_entry *route_cache_find(struct route_cache *c, const struct endpoint *e);

/** Invalidate all entries. */
void route_cache_clear(struct route_cache *c);

/** Invalidate the entries that the changes affect. */
void route_cache_clear_some(struct route_cache *c, const struct changes *d);
