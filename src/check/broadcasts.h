/* SPDX-License-Identifier: MIT */
/* Whether broadcasts of hosts behind a pseudowire arrive here. */
#pragma once

#include "check/segment.h"

/* Theory of operation. All other probes are sent from here: their broadcasts go to the far side,
 * and only unicasts come back. To see a broadcast of a far host, it is asked for an echo from an
 * address that no host has: before it can answer, it has to look for that address by ARP. The
 * request is not answered, and the host forgets it after some seconds. A firewall of the host may
 * let only known addresses ask, so several hosts are asked where there are some. */

/** Ask some hosts behind each session, or the user's target alone. The ports' facts have `caller`
 * and `called` then: whether a broadcast of one of them arrived. */
void broadcasts_ask(struct segment *s);
