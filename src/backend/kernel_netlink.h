/* SPDX-License-Identifier: MIT */
/* The sockets and ids by which a site configures the kernel's own WireGuard and L2TP. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "netlink/exchange.h"

/** Generic netlink, with the ids of both families. Zeroed it is closed. */
struct kernel_netlink {
	struct nl_socket nl;
	uint16_t wireguard;
	uint16_t l2tp; /* 0: not asked for */
};

/** Open it; `with_l2tp`: look up the family of L2TP, too. Return: 0, or -errno with `ret_error`
 * filled (-ENOENT: the module is missing). */
MUST_CHECK int kernel_netlink_open(
	struct kernel_netlink *k, bool with_l2tp, struct error *ret_error);

/** Look up the family of L2TP, unless that is done. Return: 0 or -errno, as above. */
MUST_CHECK int kernel_netlink_need_l2tp(struct kernel_netlink *k, struct error *ret_error);

/** Look up the ids again: a module that was unloaded and loaded again has another one. Requests to
 * a family that is not found fail with -ENOENT. Return: 0; or -errno, as above, if the one that is
 * needed is not found: L2TP's, else WireGuard's. */
MUST_CHECK int kernel_netlink_renew(
	struct kernel_netlink *k, bool need_l2tp, struct error *ret_error);

/** Close it. A zeroed or closed one is allowed. */
void kernel_netlink_close(struct kernel_netlink *k);
