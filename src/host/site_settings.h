/* SPDX-License-Identifier: MIT */
/* Settings of a site on the host that are no interfaces, addresses, routes or rules: sysctls, the
 * filter of a default route, name servers.
 *
 * The kernel sends no events about them, so they are read from time to time. A setting is compared
 * only after it was once as wanted: what this host does not have (IPv6, nftables, a writable
 * /proc/sys, a resolv.conf with our servers), and what PostUp has changed, is no difference.
 */
#pragma once

#include "base/must_check.h"
#include "conf/model.h"
#include "host/difference.h"
#include "netlink/nft_table.h"

/** List the settings of a site with these routes. Return: 0 and a list to free, or -ENOMEM. */
MUST_CHECK int site_settings_make(const struct conf_site *conf, const struct route_plan *plan,
	struct wanted_setting **ret, size_t *ret_n);

/** Read the present state of each. One that cannot be determined becomes SETTING_UNKNOWN.
 * `filters`: the tables of default routes as they were made, IPv4 and IPv6; each may be zero. */
void site_settings_read(
	struct wanted_setting *v, size_t n, struct nft_table_mark filters[static 2]);

/** The entry of the same setting in another list, or NULL. */
const struct wanted_setting *site_settings_find(
	const struct wanted_setting *v, size_t n, const struct wanted_setting *like);
