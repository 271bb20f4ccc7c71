/* SPDX-License-Identifier: MIT */
/* The MTUs of a site that kernel objects carry, and the segment sizes that follow. */
#pragma once

#include <stdbool.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "host/netdev.h"
#include "netlink/nft_table.h"
#include "netlink/wireguard_nl.h"
#include "underlay/mtu_budget.h"

/** The budget, and the MTUs of the interfaces. Zeroed it is empty; free it with
 * kernel_mtus_fini(). */
struct kernel_mtus {
	struct mtu_budget budget;
	uint32_t wg;		     /* MTU of the WireGuard interface */
	uint32_t *sessions;	     /* those of the sessions, in the order of the file */
	struct nft_table_mark clamp; /* the table of segment sizes that was made */
	bool clamp_failed;	     /* the segment sizes could not be set: reported once */
};

/** Free it, and make it empty. */
void kernel_mtus_fini(struct kernel_mtus *mtus);

/**
 * Compute the MTUs from the MTU of [Interface], or from the routes to the endpoints and with the
 * firewall mark that `device` has now. Return: 0; 1 if an interface's MTU differs from before; or
 * -ENOMEM, and nothing has changed.
 */
MUST_CHECK int kernel_mtus_compute(struct kernel_mtus *mtus, const struct conf_site *conf,
	const struct wgnl_device *device, struct nl_socket *nl);

/**
 * Lower the segment sizes of TCP connections through the sessions to what fits, according to
 * ClampMSS: an nft table of family bridge, journalled first. Where nftables are missing, packets
 * are fragmented instead: a warning is logged.
 */
void kernel_mtus_clamp(struct kernel_mtus *mtus, struct netdev *m, const struct conf_site *conf);

/** Whether the kernel has the site's table of segment sizes, unchanged if this process made it. */
bool kernel_mtus_is_clamped(const struct kernel_mtus *mtus, const struct conf_site *conf);

/** Make the table again if another program has deleted it, as `nft flush ruleset` does, or has
 * changed it. */
void kernel_mtus_keep_clamp(
	struct kernel_mtus *mtus, struct netdev *m, const struct conf_site *conf);
