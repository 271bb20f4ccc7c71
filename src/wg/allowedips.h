/* SPDX-License-Identifier: MIT */
/* Cryptokey routing: which peer a prefix belongs to, longest prefix first. */
#ifndef WG_ALLOWEDIPS_H
#define WG_ALLOWEDIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct wg_peer;

#define WG_NO_NODE UINT32_MAX

/** A node of a path-compressed binary trie; or, without a peer, a fork; or a free node. */
struct wg_allowed_node {
	uint64_t bits[2]; /* the prefix, most significant bit first, host order; IPv4 in the top 32
			   */
	uint32_t child[2];
	uint32_t parent;
	uint32_t peer_next; /* the peer's other prefixes; free list, if the node is free */
	uint32_t peer_prev;
	uint8_t len;
	uint8_t is_v6;
	struct wg_peer *peer; /* NULL: a fork */
};

/** Both tries, in nodes of the caller's memory. */
struct wg_allowedips {
	struct wg_allowed_node *nodes;
	uint32_t cap;
	uint32_t used;	  /* nodes that have ever been in use */
	uint32_t taken;	  /* nodes in use */
	uint32_t free;	  /* first of those given back, or WG_NO_NODE */
	uint32_t root[2]; /* IPv4, IPv6 */
	uint32_t count;	  /* prefixes */
	uint32_t changes; /* counted, for the caches */
};

#define WG_ALLOWED_CACHE_SETS 256
#define WG_ALLOWED_CACHE_WAYS 2

/** An address looked up of late, and its peer. */
struct wg_allowed_hit {
	uint64_t bits[2];
	struct wg_peer *peer; /* NULL: free */
	uint8_t is_v6;
};

/**
 * What makes a look-up cost the same however many prefixes there are, as long as the traffic keeps
 * to some hundreds of addresses. All zero is an empty cache. One for each direction, so that two
 * threads could do. In a set, the newest comes first.
 */
struct wg_allowed_cache {
	struct wg_allowed_hit sets[WG_ALLOWED_CACHE_SETS][WG_ALLOWED_CACHE_WAYS];
	uint32_t changes; /* of the tries, when this was right */
};

/** Nodes that `prefixes` prefixes can take at most: one each and one fork between any two. */
static inline size_t wg_allowedips_nodes(size_t prefixes)
{
	return 2 * prefixes;
}

/** Start with no prefixes, in `nodes[cap]`. */
void wg_allowedips_init(struct wg_allowedips *t, struct wg_allowed_node *nodes, uint32_t cap);

/** Move to larger memory: `nodes[cap]`, with `cap` at least the present one. The old is free then.
 */
void wg_allowedips_move(struct wg_allowedips *t, struct wg_allowed_node *nodes, uint32_t cap);

/**
 * Give a prefix to a peer, taking it from whoever had it. Host bits are ignored.
 * Return: 0; -EINVAL for a prefix that cannot be; -ENOSPC if nodes are short (nothing changes).
 */
int wg_allowedips_insert(
	struct wg_allowedips *t, const struct ip_prefix *prefix, struct wg_peer *peer);

/** Take a prefix from a peer. Return: 0; -ENOENT if the peer has no such prefix. */
int wg_allowedips_remove(
	struct wg_allowedips *t, const struct ip_prefix *prefix, const struct wg_peer *peer);

/** Take all prefixes from a peer. */
void wg_allowedips_remove_peer(struct wg_allowedips *t, struct wg_peer *peer);

/** Return: the peer with the longest prefix that contains the address of 4 bytes, or NULL. */
struct wg_peer *wg_allowedips_lookup4(const struct wg_allowedips *t, const uint8_t addr[static 4]);

/** Return: the peer with the longest prefix that contains the address of 16 bytes, or NULL. */
struct wg_peer *wg_allowedips_lookup6(const struct wg_allowedips *t, const uint8_t addr[static 16]);

/** Return: the peer with the longest prefix that contains `addr`, or NULL. */
struct wg_peer *wg_allowedips_lookup(const struct wg_allowedips *t, const struct ip_addr *addr);

/** As wg_allowedips_lookup4() and 6(), by the family and by way of a cache. */
struct wg_peer *wg_allowedips_lookup_cached(const struct wg_allowedips *t,
	struct wg_allowed_cache *cache, uint16_t family, const uint8_t *addr);

/**
 * List a peer's prefixes: start with `cursor` = WG_NO_NODE, call until it returns false. No prefix
 * may be inserted or removed meanwhile.
 */
bool wg_allowedips_next(const struct wg_allowedips *t, const struct wg_peer *peer, uint32_t *cursor,
	struct ip_prefix *ret);

#endif
