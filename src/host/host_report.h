/* SPDX-License-Identifier: MIT */
/* Report the host's part of a site for `status`: its bridges with their ports, the MTUs of its
 * interfaces, and how the host differs from the configuration. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/status.h"
#include "host/guard.h"
#include "host/host.h"

/** Add the configured bridges, the present MTUs of all interfaces, as the kernel reports them, and
 * the differences. Call it after the back end's report. Return: 0 or -ENOMEM. */
MUST_CHECK int host_report(struct host *host, struct host_guard *guard, struct status_report *r);
