/* SPDX-License-Identifier: MIT */
/* A plan's routes laid and taken up, with the rules, sysctl and filter that a default route
 * needs. */
#ifndef HOST_ROUTES_H
#define HOST_ROUTES_H

#include "host/netdev.h"
#include "host/route_plan.h"

/**
 * The firewall mark of a site with this plan, which for a default route by rules is its table, too:
 * FwMark if there is one; else `current` if that is not 0; else, if there is a default route, the
 * first number from 51820 on whose table is empty; else 0.
 * Return: 0, or -errno with the machine's error filled.
 */
int routes_choose_mark(struct netdev *m, const struct conf_interface *wg,
	const struct route_plan *plan, uint32_t current, uint32_t *ret_mark);

/**
 * Lay the routes of `plan` that `old` does not have; with `again` also those it has, in case they
 * went with an address. Rules and what else outlives the interface is noted; routes go with it.
 * Return: 0, or -errno with the machine's error filled.
 */
int routes_add(struct netdev *m, const struct conf_interface *wg, const struct link_info *link,
	const struct route_plan *plan, const struct route_plan *old, bool again);

/** Make the filter of the plan's default routes anew, for other addresses. Return: 0 or -errno. */
int routes_renew_filter(
	struct netdev *m, const struct conf_interface *wg, const struct route_plan *plan);

/** Take up the routes of `old` that `plan` does not have, with their rules. Return: 0 or -errno. */
int routes_delete(struct netdev *m, const struct link_info *link, const struct route_plan *old,
	const struct route_plan *plan);

/** Undo the journal's line "rule …". */
void routes_undo_rule(struct netdev *m, const char *args);

/** Undo the journal's line "sysctl …". */
void routes_undo_sysctl(struct netdev *m, const char *args);

/** Undo the journal's line "nft …". */
void routes_undo_filter(struct netdev *m, const char *args);

#endif
