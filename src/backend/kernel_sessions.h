/* SPDX-License-Identifier: MIT */
/* The kernel's L2TP tunnels and sessions as the configuration wants them, changed by their
 * difference only. */
#pragma once

#include "backend/kernel_netlink.h"
#include "conf/model.h"
#include "host/netdev.h"

/**
 * Delete the site's tunnels and sessions that are not configured or differ, and create those that
 * are missing, each journalled first. The kernel's tunnels need their Local address and a route to
 * Remote. Interfaces are left down, without MTU and bridge.
 * Return: 0, or -errno with `ret_error` filled; then a repeated call converges.
 */
MUST_CHECK int kernel_sessions_make(struct kernel_netlink *k, struct netdev *m,
	const struct conf_site *conf, struct error *ret_error);

/** Whether the kernel sends a tunnel's packets with a UDP checksum: always, because it
 * protects packets that are fragmented inside the tunnel, unless the file has UDPChecksum = no and
 * the tunnel is one over IPv4. */
bool kernel_sessions_checksum(const struct conf_tunnel *tunnel);
