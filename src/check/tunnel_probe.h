/* SPDX-License-Identifier: MIT */
/* Inside the tunnel: echo requests to each peer's tunnel address, and what arrives on the WireGuard
 * interface that should not. */
#ifndef CHECK_TUNNEL_PROBE_H
#define CHECK_TUNNEL_PROBE_H

#include "check/prober.h"

struct inside;

/** Listen on the WireGuard interface. Return: 0, or -errno; to be closed by inside_close(). */
int inside_open(struct prober *p, struct inside **ret);

/** Ask every peer, waking the sessions that sleep; then with packets as large as the tunnel's
 * MTU. */
void inside_ask_peers(struct inside *in);

/** Stop listening. NULL is allowed. */
void inside_close(struct inside *in);

#endif
