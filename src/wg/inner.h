/* SPDX-License-Identifier: MIT */
/* What WireGuard needs to know of the IP packets it carries: addresses, true length, ECN. */
#ifndef WG_INNER_H
#define WG_INNER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/drop.h"

/** An inner packet's essentials. `src` and `dst` point into the packet: 4 or 16
 * bytes. */
struct wg_inner {
	uint16_t family; /* AF_INET or AF_INET6 */
	uint8_t tos;	 /* DSCP and ECN */
	size_t len;	 /* as the IP header says: without padding */
	const uint8_t *src;
	const uint8_t *dst;
};

/** Read the essentials. Return: DROP_NONE, or DROP_INNER_MALFORMED. */
enum drop wg_inner_parse(const uint8_t *packet, size_t len, struct wg_inner *ret);

/** The outer ECN field for an inner TOS byte: copied. Source: RFC 6040 §4.1, normal mode. */
static inline uint8_t wg_inner_ecn_out(uint8_t inner_tos)
{
	return inner_tos & 3;
}

/**
 * Carry the outer header's ECN into the inner packet (IPv4 checksum kept right).
 * Return: DROP_NONE, or DROP_INNER_ECN: congestion was signalled on a packet that cannot say so.
 * Source: RFC 6040 §4.2.
 */
enum drop wg_inner_ecn_in(uint8_t *packet, const struct wg_inner *inner, uint8_t outer_tos);

#endif
