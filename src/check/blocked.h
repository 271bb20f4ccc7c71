/* SPDX-License-Identifier: MIT */
/* Finds switches whose spanning tree blocks their port toward a bridge of ours. */
#pragma once

#include "check/segment.h"

/* Theory of operation. A switch whose port is blocked takes no frame there, but those of its own
 * protocol: they are sent to a group address that no bridge with a spanning tree forwards, and that
 * one without does. A Linux bridge passes any frame to that address to its host, and the host
 * answers ARP for its own addresses on the port itself. So each address of the segment is asked for
 * in such a frame, on a port behind which no host is found otherwise. The one that answers is asked
 * for as usual then, on all ports of the bridge: by one of them it is reached on another path, or
 * by none. Switches that are not Linux do not answer.
 *
 * Such frames are sent only where frames of a spanning tree go already: a switch may turn off a
 * port on which it does not expect any. */

/** Look for such switches behind ports without hosts. The ports' facts have `blocked` and `detour`
 * then. */
void blocked_find(struct segment *s);
