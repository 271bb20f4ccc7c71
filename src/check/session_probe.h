/* SPDX-License-Identifier: MIT */
/* Probes through all sessions at once: echo requests, packets of every size, and at full rate. */
#pragma once

#include "check/segment.h"
#include "check/tunnel_probe.h"

struct session_probes;

/** Prepare to probe the sessions whose peers are there, through the ports of the segment. Return:
 * NULL without memory; to be closed. */
struct session_probes *session_probes_open(struct segment *segment);

/** Measure loss and latency to a host behind each session. If no host answers, probe the far
 * gateway below its bridge (far_end.h), and search for another path to it. */
void session_probes_ask(struct session_probes *s);

/** Measure the largest packet that passes, and the largest that passes without fragments. Sessions
 * with high loss are skipped. */
void session_probes_measure_sizes(struct session_probes *s);

/** Send echo requests as fast as replies come, for at most `ms` milliseconds on each session. */
void session_probes_flood(struct session_probes *s, unsigned ms);

/** Measure round trips to each peer beside a load through its first session that can be loaded. */
void session_probes_load(struct session_probes *s, struct tunnel_probe *inside);

/** Stop probing. NULL is allowed. */
void session_probes_close(struct session_probes *s);
