/* SPDX-License-Identifier: MIT */
/* Restore what differs from the configuration. */
#pragma once

#include "base/must_check.h"
#include "host/difference.h"
#include "host/host_state.h"

/**
 * Make the change to the host that removes a difference, and what depends on it: a new bridge gets
 * its addresses and ports, an interface that is set up gets its addresses and routes.
 * `wanted` and `view` are those of the comparison.
 * Return: 0, or -errno with the netdev's error filled.
 */
MUST_CHECK int restore_difference(struct host *host, const struct wanted *wanted,
	const struct host_view *view, const struct difference *difference);

/** Configure the WireGuard interface if it is down, as one that was made again: all that the
 * running configuration wants of it, with its routes. `mtu`: bytes; 0: unchanged. Return: 0, or
 * -errno with the netdev's error filled. */
MUST_CHECK int restore_wg(struct host *host, uint32_t mtu);
