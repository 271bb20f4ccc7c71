/* SPDX-License-Identifier: MIT */
/* Report the engine's state for `status`. */
#pragma once

#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"

/**
 * Add the state of the engine and its configuration to an empty report: peers, tunnels, sessions,
 * drops, counters. The caller adds the data of the process (name, pid, uptime), of the host
 * (bridge) and of the underlay (names of peers, MTUs). Return: 0 or -ENOMEM.
 */
int report_engine(const struct driver *d, const struct conf_site *conf, struct status_report *r);
