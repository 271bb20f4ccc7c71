/* SPDX-License-Identifier: MIT */
/* The engine's state as a status report. */
#ifndef DRIVER_REPORT_H
#define DRIVER_REPORT_H

#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"

/**
 * Add to an empty report what the engine and its configuration know: peers, tunnels, sessions,
 * drops, counters. What belongs to the process (name, pid, uptime), to the host (bridge) and to the
 * underlay (names of peers, MTUs) is the caller's. Return: 0 or -ENOMEM.
 */
int report_engine(const struct driver *d, const struct conf_site *conf, struct status_report *r);

/** Add the bridges of the configuration and the MTUs of all interfaces, as the kernel has them now;
 * call it after report_engine(). Return: 0 or -ENOMEM. */
int report_interfaces(const struct conf_site *conf, struct status_report *r);

#endif
