/* SPDX-License-Identifier: MIT */
/* The userspace back end: joins the engine's driver and its underlay (routing and DNS). */
#ifndef BACKEND_USERSPACE_H
#define BACKEND_USERSPACE_H

#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** The driver and the underlay, joined. Zeroed means closed. Must not move while it is open. */
struct userspace {
	struct driver *driver;
	struct underlay underlay;
};

/** Open driver and underlay, without descriptors. Return: 0, or the errors of driver_open(). */
int userspace_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, struct userspace *ret);

/** Close both. A closed back end is allowed. */
void userspace_close(struct userspace *u);

/**
 * Add the state of the engine, its underlay and its configuration to an empty report: everything of
 * report_engine(), the names of peers and the routes to them, and MTUs according to `budget`.
 * Return: 0 or -ENOMEM.
 */
int userspace_report(struct userspace *u, const struct conf_site *conf,
	const struct mtu_budget *budget, struct status_report *r);

#endif
