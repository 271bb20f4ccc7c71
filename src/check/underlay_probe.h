/* SPDX-License-Identifier: MIT */
/* What leaves and enters on the underlay while the probes run: it should be WireGuard, whole, and
 * nothing in clear. */
#ifndef CHECK_UNDERLAY_PROBE_H
#define CHECK_UNDERLAY_PROBE_H

#include "check/prober.h"

struct underlay_probe_probe;

/** Find the way to every peer and listen on each interface that is on it. What cannot be listened
 * to is noted in the facts. Return: NULL without memory; to be closed by underlay_probe_close(). */
struct underlay_probe_probe *underlay_probe_open(struct prober *p);

/** Read what has come, count what was missed, and stop listening. NULL is allowed. */
void underlay_probe_close(struct underlay_probe_probe *u);

#endif
