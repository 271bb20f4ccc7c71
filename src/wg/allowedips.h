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

struct wg_allowed_node;
struct wg_allowed_links;

/** The prefixes of both families, in memory of the caller's. Read `count`; the rest is private. */
struct wg_allowedips {
	struct wg_allowed_node *nodes;
	struct wg_allowed_links *links; /* of each node */
	uint32_t *buckets;		/* of a hash that leads to the nodes */
	uint32_t bucket_mask;		/* their number, a power of two, minus 1 */
	uint32_t cap;			/* nodes there is room for */
	uint32_t used;			/* nodes that have ever been in use */
	uint32_t taken;			/* nodes in use */
	uint32_t free;			/* first of those given back, or WG_NO_NODE */
	uint32_t root[2];		/* IPv4, IPv6 */
	uint32_t count;			/* prefixes */
};

/** Bytes of memory for `prefixes` prefixes, whatever they are: 120 to 136 for each. */
size_t wg_allowedips_memory(size_t prefixes);

/** Start with no prefixes, in `memory` for `prefixes` of them, aligned as malloc(3) does. */
void wg_allowedips_init(struct wg_allowedips *t, void *memory, size_t prefixes);

/** Move to other memory, for at least as many prefixes as now. The old is the caller's again. */
void wg_allowedips_move(struct wg_allowedips *t, void *memory, size_t prefixes);

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

/**
 * List a peer's prefixes: start with `cursor` = WG_NO_NODE, call until it returns false. No prefix
 * may be inserted or removed meanwhile.
 */
bool wg_allowedips_next(const struct wg_allowedips *t, const struct wg_peer *peer, uint32_t *cursor,
	struct ip_prefix *ret);

#endif
