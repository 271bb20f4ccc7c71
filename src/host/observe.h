/* SPDX-License-Identifier: MIT */
/* A site that runs without a process: kernel objects carry it. */
#pragma once

#include <stdbool.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/status.h"
#include "host/host.h"

/** Whether the site runs in this network namespace without a process. */
bool host_runs_alone(const char *name);

/** Which interfaces in this network namespace have the mark of a site. */
enum host_marks {
	HOST_MARKS_NONE = 0, /* none, or they cannot be listed */
	HOST_MARKS_BRIDGES,  /* bridges alone: its process has ended */
	HOST_MARKS_TUNNEL,   /* the tunnel, which a process holds, or the kernel carries */
};

/** Look for interfaces with the mark of a site. */
enum host_marks host_marks(const char *name);

/** Open a site without a process to read its state, without its lock. Return: 0 and a site for
 * host_observe_close(); -ENOENT if there is none; or another -errno. */
MUST_CHECK int host_observe(const char *name, struct host **ret);

/** The configuration that it runs with, without WireGuard keys. */
const struct conf_site *host_observe_conf(const struct host *host);

/** Add its bridges, ports and differences to a report that has its other parts. Nothing is
 * restored. Return: 0 or -ENOMEM. */
MUST_CHECK int host_observe_report(struct host *host, struct status_report *r);

/** Free it. NULL is allowed. */
void host_observe_close(struct host *host);
