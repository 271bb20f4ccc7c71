/* SPDX-License-Identifier: MIT */
/* MTU overhead of WireGuard's data messages. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "wg/messages.h"

/** Overhead of an inner packet on an underlay of this family, in bytes: IP and UDP header, data
 * message. */
static inline unsigned wg_overhead(uint16_t outer_family)
{
	return (outer_family == AF_INET6 ? 40 : 20) + 8 + WG_DATA_OVERHEAD;
}

/** The wg MTU for an underlay MTU (1500, AF_INET: 1440); 0 if nothing is left. */
static inline unsigned wg_mtu_of(unsigned underlay, uint16_t outer_family)
{
	unsigned overhead = wg_overhead(outer_family);

	return underlay > overhead ? underlay - overhead : 0;
}

/** The underlay MTU that a wg MTU needs: the inverse. */
static inline unsigned wg_underlay_of(unsigned wg_mtu, uint16_t outer_family)
{
	return wg_mtu + wg_overhead(outer_family);
}
