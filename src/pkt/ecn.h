/* SPDX-License-Identifier: MIT */
/* ECN of an inner IP packet and of its outer header. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pkt/drop.h"
#include "pkt/ip.h"

/** The outer ECN field for an inner TOS byte: copied. Source: RFC 6040 §4.1, normal mode. */
static inline uint8_t ecn_out(uint8_t inner_tos)
{
	return inner_tos & 3;
}

/**
 * Apply the outer header's ECN to the inner packet and update the IPv4 checksum. Return: DROP_NONE,
 * or DROP_INNER_ECN: the outer header signals congestion, but the inner packet is not ECN-capable.
 * Source: RFC 6040 §4.2.
 */
enum drop ecn_in(uint8_t *packet, const struct ip_header *inner, uint8_t outer_tos);

/**
 * Mark a packet, whose whole IP header is at `packet`, as one that met congestion, and update the
 * IPv4 checksum. Return: false, with nothing done, if it is not ECN-capable. Source: RFC 3168 §5.
 */
bool ecn_mark(uint8_t *packet);
