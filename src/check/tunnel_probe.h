/* SPDX-License-Identifier: MIT */
/* Inside the tunnel: echo requests to each peer's tunnel address, and what arrives on the WireGuard
 * interface that should not. */
#ifndef CHECK_TUNNEL_PROBE_H
#define CHECK_TUNNEL_PROBE_H

#include "check/prober.h"

struct tunnel_probe;

/** Listen on the WireGuard interface. Return: 0, or -errno; to be closed by
 * tunnel_probe_close(). */
int tunnel_probe_open(struct prober *p, struct tunnel_probe **ret);

/** Ask every peer, waking the sessions that sleep; then with packets as large as the tunnel's
 * MTU. */
void tunnel_probe_ask_peers(struct tunnel_probe *in);

/** Stop listening. NULL is allowed. */
void tunnel_probe_close(struct tunnel_probe *in);

#endif
