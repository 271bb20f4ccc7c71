/* SPDX-License-Identifier: MIT */
/* Counts L2TP packets seen on the WireGuard interface, for counters that the back end does not
 * have. */
#pragma once

#include <stdbool.h>

#include "judge/observations.h"
#include "judge/wire.h"

/* Theory of operation. The engine counts fragments and mismatches itself, and its L2TP packets
 * never pass the WireGuard interface. With the kernel's modules all of them do, in both directions,
 * while the kernel counts little. So a capture there counts what a report lacks, and fills it in:
 * the judgement reads reports only. */

/** Count a captured packet that wire_read_packet() calls WIRE_OTHER. */
void inside_count(struct observations *f, const struct wire_read *r, bool outgoing);

/** Replace absent counters of the sessions and tunnels of a report by those counted so far. The
 * observations have their sessions, and `before`. */
void inside_fill(const struct observations *f, struct status_report *r);
