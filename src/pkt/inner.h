/* SPDX-License-Identifier: MIT */
/* An inner IP packet at a glance: addresses, true length, ECN. */
#ifndef PKT_INNER_H
#define PKT_INNER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt/drop.h"

/** An inner packet's essentials. `src` and `dst` point into the packet: 4 or 16
 * bytes. */
struct inner_packet {
	uint16_t family; /* AF_INET or AF_INET6 */
	uint8_t tos;	 /* DSCP and ECN */
	size_t len;	 /* as the IP header says: without padding */
	const uint8_t *src;
	const uint8_t *dst;
};

/** Read the essentials. Return: DROP_NONE, or DROP_INNER_MALFORMED. */
enum drop inner_parse(const uint8_t *packet, size_t len, struct inner_packet *ret);

/** The outer ECN field for an inner TOS byte: copied. Source: RFC 6040 §4.1, normal mode. */
static inline uint8_t inner_ecn_out(uint8_t inner_tos)
{
	return inner_tos & 3;
}

/**
 * Carry the outer header's ECN into the inner packet (IPv4 checksum kept right).
 * Return: DROP_NONE, or DROP_INNER_ECN: congestion was signalled on a packet that cannot say so.
 * Source: RFC 6040 §4.2.
 */
enum drop inner_ecn_in(uint8_t *packet, const struct inner_packet *inner, uint8_t outer_tos);

#endif
