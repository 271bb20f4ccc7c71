/* SPDX-License-Identifier: MIT */
/* The userspace back end: the engine's driver, and its underlay: routing and DNS. */
#ifndef BACKEND_USERSPACE_H
#define BACKEND_USERSPACE_H

#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** Both halves, joined. Zero is closed. It must not move while it is open. */
struct userspace {
	struct driver *driver;
	struct underlay underlay;
};

/** Open both, without descriptors. Return: 0, or the errors of driver_open(). */
int userspace_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, struct userspace *ret);

/** Close both; closed already is fine. */
void userspace_close(struct userspace *u);

/**
 * Add to an empty report what the engine, its underlay and its configuration know: what
 * report_engine() does, names of peers and routes to them, MTUs by `budget`. Return: 0 or -ENOMEM.
 */
int userspace_report(struct userspace *u, const struct conf_site *conf,
	const struct mtu_budget *budget, struct status_report *r);

#endif
