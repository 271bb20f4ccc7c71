/* SPDX-License-Identifier: MIT */
/* Asks the gateway at the far end of a pseudowire, below its bridge. */
#ifndef CHECK_FAR_END_H
#define CHECK_FAR_END_H

#include "check/prober.h"

/*
 * Theory of operation. A bridge port that the spanning tree blocks drops what it receives, with the
 * exception of frames to the link-local group addresses (IEEE 802.1Q, table 8-1): these never pass
 * a bridge, and Linux hands them to its own network stack as received on the port itself. The stack
 * then treats them by their contents:
 *
 * IPv4: an ARP request for the tunnel's Remote is answered on the same port, by its MAC address.
 * The sender's address in it is 0.0.0.0, which no neighbour cache takes (RFC 5227, section 2.1.1).
 * Bytes behind it make it as large as wanted. The answer proves both directions; sizes are those of
 * our direction.
 *
 * IPv6: an echo request to Remote from the tunnel's Local is answered, too, but the answer takes
 * the route to Local and comes through WireGuard. It proves our direction.
 *
 * The frames come from the port's own MAC address, so that no bridge learns anything wrong. What
 * this does not do: a far end that is not Linux, or that restricts ARP (arp_ignore), is silent.
 */
struct far_end;

/** Prepare to ask the far end of session number `i` of the facts, whose interface is `link`.
 * Return: 0 or -errno, and then nothing is open. */
int far_end_open(struct prober *p, size_t i, const struct link_info *link, struct far_end **ret);

/** Send a frame of `size` bytes behind its Ethernet header, at least 84, and wait for the answer
 * for at most `ms` milliseconds. Return: whether it came. */
bool far_end_ask(struct far_end *e, unsigned size, unsigned ms);

/** Microseconds that the last answer took. */
uint64_t far_end_round_trip(const struct far_end *e);

/** The MAC address of the far end's port; NULL if it has not told one. */
const uint8_t *far_end_mac(const struct far_end *e);

/** Stop. NULL is allowed. */
void far_end_close(struct far_end *e);

#endif
