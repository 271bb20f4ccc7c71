/* SPDX-License-Identifier: MIT */
/* Probes through a session: finds hosts on the far side of the segment, and sends them echo
 * requests of every size, and at full rate. */
#ifndef CHECK_SESSION_PROBE_H
#define CHECK_SESSION_PROBE_H

#include "check/prober.h"

struct session_probe;

/** Prepare to send frames into session number `i` of the facts, with its bridge's addresses as
 * source. Return: 0 or -errno, and then nothing is open. */
int session_probe_open(struct prober *p, size_t i, struct session_probe **ret);

/** Find a host on the far side, the user's target if it is there, and measure loss and latency.
 * Return: whether any host answers an echo request. Not for a port that our own bridge blocks. */
bool session_probe_find(struct session_probe *s);

/** Probe the gateway at the far end, below its bridge: see far_end.h. `i` is the session's number.
 * Return: whether it answers. From then on sizes are measured with these probes. */
bool session_probe_ask_far_end(struct session_probe *s, size_t i);

/** Find out, through our bridge, whether any path of the segment leads to the far gateway, whose
 * address in the tunnel is `remote`. */
void session_probe_ask_path(
	struct session_probe *s, const struct ip_addr *remote, const char *bridge);

/** Find the largest packet that passes at all, and the largest that passes without fragments. */
void session_probe_measure_sizes(struct session_probe *s);

/** Send echo requests as fast as replies come, for at most `ms` milliseconds. */
void session_probe_flood(struct session_probe *s, unsigned ms);

/** Stop probing. NULL is allowed. */
void session_probe_close(struct session_probe *s);

#endif
