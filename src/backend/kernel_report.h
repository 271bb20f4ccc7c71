/* SPDX-License-Identifier: MIT */
/* The status of a site that kernel objects carry, from the kernel's counters. */
#pragma once

#include "backend/backend.h"
#include "backend/kernel_clock.h"
#include "backend/kernel_names.h"
#include "backend/kernel_netlink.h"
#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/status.h"
#include "underlay/mtu_budget.h"

/** What is reported of. */
struct kernel_report_input {
	struct kernel_netlink *k;
	const struct conf_site *conf;
	const struct mtu_budget *budget;
	const struct kernel_names *names;
	const struct kernel_clock *clock;
	bool clamped;	       /* the kernel has the table of segment sizes */
	uint16_t pending_port; /* of the file, which cannot be opened yet; or 0 */
};

/** List the peers, as `peers` of struct backend. Return: 0 or -errno. */
MUST_CHECK int kernel_report_peers(
	const struct kernel_report_input *in, struct backend_peer **ret, size_t *ret_n);

/** Add the interface, peers, tunnels, sessions and MTUs to an empty report. What the kernel does
 * not count is absent, and so is, with a warning, what cannot be queried. Return: 0 or -ENOMEM. */
MUST_CHECK int kernel_report(const struct kernel_report_input *in, struct status_report *r);
