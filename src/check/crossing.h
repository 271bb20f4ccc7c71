/* SPDX-License-Identifier: MIT */
/* Sends frames through the bridges as members do, and follows them and their answers. */
#pragma once

#include "check/segment.h"

/* Theory of operation. For a port to members and a pseudowire of the same bridge, one host on the
 * side of each is known (segment.h). A frame enters the one port as if that port's host had sent it
 * (inject.h): with its addresses, so that no bridge learns a new one and every rule of a filter
 * that is about hosts applies. The other host answers. Both ports are captured: the capture shows
 * what leaves after all filters of the host, and what enters before them. So a frame that is lost
 * is lost in this host in one direction or the other, or beyond it. The host in whose name it was
 * sent ignores the answer to a request that it has not made.
 *
 * Frames from a member port without a known host have a new Ethernet address. Their ARP requests
 * have no IPv4 source (RFC 5227), their echo requests have the bridge's. */

struct crossings;

/** Prepare crossings between the ports of each bridge. Return: NULL without memory; to be
 * closed. */
struct crossings *crossings_open(struct segment *segment);

/** Send small frames of each kind, then large ones. The facts record whether none can be sent. */
void crossings_ask(struct crossings *c);

/** Stop following, and release. NULL is allowed. */
void crossings_close(struct crossings *c);
