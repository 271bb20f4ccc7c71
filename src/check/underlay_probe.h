/* SPDX-License-Identifier: MIT */
/* Captures the underlay while the probes run: all packets should be WireGuard, unfragmented, and
 * none in clear text. */
#pragma once

#include "check/prober.h"

struct underlay_probe;

/** Look up the route to every peer and capture on each interface that one uses. The facts record
 * failed captures. Return: NULL without memory; to be closed by underlay_probe_close(). */
struct underlay_probe *underlay_probe_open(struct prober *p);

/** Read the remaining packets, count lost ones, and stop capturing. NULL is allowed. */
void underlay_probe_close(struct underlay_probe *u);
