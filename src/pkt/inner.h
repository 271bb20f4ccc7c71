/* SPDX-License-Identifier: MIT */
/* Basic fields of an inner IP packet: addresses, length without padding, ECN. */
#ifndef PKT_INNER_H
#define PKT_INNER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/drop.h"

/** Basic fields of an inner packet. `src` and `dst` point into the packet: 4 or 16 bytes. */
struct inner_packet {
	uint16_t family; /* AF_INET or AF_INET6 */
	uint8_t tos;	 /* DSCP and ECN */
	size_t len;	 /* from the IP header: without padding */
	const uint8_t *src;
	const uint8_t *dst;
};

/** Read the fields from the packet's header. Return: DROP_NONE, or DROP_INNER_MALFORMED. */
enum drop inner_parse(const uint8_t *packet, size_t len, struct inner_packet *ret);

/** The outer ECN field for an inner TOS byte: copied. Source: RFC 6040 §4.1, normal mode. */
static inline uint8_t inner_ecn_out(uint8_t inner_tos)
{
	return inner_tos & 3;
}

/**
 * Apply the outer header's ECN to the inner packet and update the IPv4 checksum. Return: DROP_NONE,
 * or DROP_INNER_ECN: the outer header signals congestion, but the inner packet is not ECN-capable.
 * Source: RFC 6040 §4.2.
 */
enum drop inner_ecn_in(uint8_t *packet, const struct inner_packet *inner, uint8_t outer_tos);

#endif
