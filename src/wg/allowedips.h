/* SPDX-License-Identifier: MIT */
/* Cryptokey routing: maps prefixes to peers, with longest-prefix match. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct wg_peer;

#define WG_NO_NODE UINT32_MAX

struct wg_allowed_host;
struct wg_allowed_node;
struct wg_allowed_links;

/** The prefixes of both families, in memory provided by the caller. Read `count`; the rest is
 * private. */
struct wg_allowedips {
	struct wg_allowed_host *hosts; /* IPv4 host routes, hashed by address */
	unsigned host_shift;	       /* of a hash of 32 bits, to their number, a power of two */
	struct wg_allowed_node *nodes;
	struct wg_allowed_links *links; /* of each node */
	uint32_t *buckets;		/* hash buckets that lead to the nodes */
	uint32_t bucket_mask;		/* their number, a power of two, minus 1 */
	uint32_t cap;			/* capacity in nodes */
	uint32_t used;			/* nodes ever used */
	uint32_t taken;			/* nodes in use */
	uint32_t free;			/* first free node, or WG_NO_NODE */
	uint32_t root[2];		/* IPv4, IPv6 */
	uint32_t count;			/* prefixes */
};

/** Bytes of memory for any `prefixes` prefixes: 144 to 184 bytes each. */
size_t wg_allowedips_memory(size_t prefixes);

/** Initialise without prefixes, in `memory` for `prefixes` of them, aligned as by malloc(3). */
void wg_allowedips_init(struct wg_allowedips *t, void *memory, size_t prefixes);

/** Move to other memory, for at least as many prefixes as now. The caller owns the old memory
 * again. */
void wg_allowedips_move(struct wg_allowedips *t, void *memory, size_t prefixes);

/**
 * Assign a prefix to a peer; any previous owner loses it. Host bits are ignored. Return: 0; -EINVAL
 * for an invalid prefix; -ENOSPC if nodes are short (nothing changes).
 */
int wg_allowedips_insert(
	struct wg_allowedips *t, const struct ip_prefix *prefix, struct wg_peer *peer);

/** Remove a prefix from a peer. Return: 0; -ENOENT if the peer has no such prefix. */
int wg_allowedips_remove(
	struct wg_allowedips *t, const struct ip_prefix *prefix, const struct wg_peer *peer);

/** Remove all prefixes from a peer. */
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
