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

#define ROUND_TRIPS_MAX 64

/** Round trips of small echo requests to one peer. */
struct round_trips {
	size_t peer; /* number of the peer */
	unsigned sent;
	unsigned received;
	uint64_t us[ROUND_TRIPS_MAX]; /* of those received */
};

/** Stop capturing on the WireGuard interface. Echo requests are still possible. */
void tunnel_probe_stop_capture(struct tunnel_probe *in);

/** Collect replies in `trips` from now on, nowhere else; NULL: where they belong. */
void tunnel_probe_collect(struct tunnel_probe *in, struct round_trips *trips);

/** Send one more echo request to the peer whose replies are collected, unless there is no room for
 * its reply. */
void tunnel_probe_ask_again(struct tunnel_probe *in);

/** Stop everything. NULL is allowed. */
void tunnel_probe_close(struct tunnel_probe *in);
