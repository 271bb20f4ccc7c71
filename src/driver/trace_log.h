/* SPDX-License-Identifier: MIT */
/* Log the engine's events and drops at level debug. */
#pragma once

#include "base/mono.h"
#include "path/engine.h"

/** What was logged so far. Zeroed: nothing. */
struct trace_log {
	struct drop_counters drops; /* logged */
	struct mono next;	    /* drops are logged again from then on */
	bool more;		    /* drops were counted that are not logged yet */
};

/** Collect events from now on, if the log shows level debug. */
void trace_log_start(struct trace_log *l, struct engine *e);

/** Log the events since the last call and, once a second at most, the drops by reason. Without
 * level debug it does nothing. */
void trace_log_run(struct trace_log *l, struct engine *e);

/** When trace_log_run() has drops to log, or MONO_NEVER. */
struct mono trace_log_deadline(const struct trace_log *l);
