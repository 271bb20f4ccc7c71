/* SPDX-License-Identifier: MIT */
/* Probes the gateway at the far end of a pseudowire, below its bridge. */
#pragma once

#include "check/prober.h"

/* Theory of operation. A bridge port that the spanning tree blocks drops the frames that it
 * receives, except frames to the link-local group addresses (IEEE 802.1Q, table 8-1): these never
 * pass a bridge, and Linux delivers them to its own network stack as received on the port itself.
 * The stack then treats them by their contents:
 *
 * IPv4: an ARP request for the tunnel's Remote is answered on the same port, by its MAC address.
 * Its sender address is 0.0.0.0, which no neighbour cache stores (RFC 5227, section 2.1.1). Padding
 * makes the request as large as needed. The reply proves both directions; sizes are those of our
 * direction.
 *
 * IPv6: an echo request to Remote from the tunnel's Local is answered, too, but the reply takes the
 * route to Local and arrives through WireGuard. It proves our direction.
 *
 * The frames have the port's own MAC address as source, so that no bridge learns a wrong address.
 * Limits: a far end that is not Linux, or that restricts ARP (arp_ignore), does not answer. */
struct far_end;

/** Prepare to probe the far end of session number `i` of the facts, whose interface is `link`.
 * Return: 0 or -errno, and then nothing is open. */
int far_end_open(struct prober *p, size_t i, const struct link_info *link, struct far_end **ret);

/** Send a frame with `size` bytes after its Ethernet header, at least 84. */
void far_end_ask(struct far_end *e, unsigned size);

/** Whether the reply to the last frame has come. */
bool far_end_has_answered(const struct far_end *e);

/** Round-trip time of the last reply, in microseconds. */
uint64_t far_end_round_trip(const struct far_end *e);

/** The MAC address of the far end's port; NULL if it is not known. */
const uint8_t *far_end_mac(const struct far_end *e);

/** Stop probing. NULL is allowed. */
void far_end_close(struct far_end *e);
