/* SPDX-License-Identifier: MIT */
/* Report the engine's state for `status`. */
#pragma once

#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"

/**
 * Add the state of the engine and its configuration to an empty report: tunnels, sessions, drops,
 * counters; peers by report_engine_peer(). The caller adds the data of the process (name, pid,
 * uptime), of the host (bridge) and of the underlay (names of peers, MTUs). Return: 0 or -ENOMEM.
 */
int report_engine(const struct driver *d, const struct conf_site *conf, struct status_report *r);

/** Add a peer to a report. Return: 0 or -ENOMEM. */
int report_engine_peer(
	const struct driver *d, const struct driver_peer *p, struct status_report *r);

/** Fill in what the configuration gives of the WireGuard interface: name, addresses. Return: 0 or
 * -ENOMEM. */
int report_conf_interface(const struct conf_interface *c, struct status_report *r);

/** Add a tunnel with what the configuration gives; its checksum and counters are left to the
 * caller. Return: the tunnel, until the next one is added, or NULL if memory is short. */
struct status_tunnel *report_conf_tunnel(const struct conf_tunnel *c, struct status_report *r);

/** The same for a session of the tunnel `t`. */
struct status_session *report_conf_session(
	const struct conf_tunnel *t, const struct conf_session *c, struct status_report *r);
