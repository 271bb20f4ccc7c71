/* SPDX-License-Identifier: MIT */
/* Probes inside the tunnel: echo requests to each peer's tunnel address, and unexpected packets on
 * the WireGuard interface. */
#pragma once

#include "check/prober.h"

struct tunnel_probe;

/** Capture on the WireGuard interface. Return: 0, or -errno; to be closed by
 * tunnel_probe_close(). */
int tunnel_probe_open(struct prober *p, struct tunnel_probe **ret);

/** Send echo requests to every peer, which starts missing sessions; then requests as large as the
 * tunnel's MTU. */
void tunnel_probe_ask_peers(struct tunnel_probe *in);

/** Stop capturing. NULL is allowed. */
void tunnel_probe_close(struct tunnel_probe *in);
