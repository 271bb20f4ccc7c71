/* SPDX-License-Identifier: MIT */
/* Which routes a configuration asks for, as wg-quick(8) would lay them; decided without looking. */
#ifndef HOST_ROUTE_PLAN_H
#define HOST_ROUTE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/model.h"

/** A route to the WireGuard interface. */
struct planned_route {
	struct ip_prefix dst; /* host bits cleared */
	uint32_t table;
	bool by_rule; /* a default route in a table of its own, which rules lead to */
};

/** The routes of a site, the most specific first. */
struct route_plan {
	struct planned_route *v;
	size_t n;
};

/**
 * Plan the routes to all AllowedIPs. Table = off: none; a number: all of them in that table; auto:
 * in the main table those that no address of the interface already brings along, and a default
 * route by rules, its table still 0.
 * Return: 0 and a plan to free with route_plan_fini(), or -ENOMEM.
 */
int route_plan_make(const struct conf_site *conf, struct route_plan *ret);

/** Free a plan; zeroed is fine. */
void route_plan_fini(struct route_plan *plan);

/** Whether there is a default route by rules. */
bool route_plan_has_default(const struct route_plan *plan);

/** Give the default routes by rules their table. */
void route_plan_set_table(struct route_plan *plan, uint32_t table);

/** Whether the plan has this very route. */
bool route_plan_has(const struct route_plan *plan, const struct planned_route *route);

#endif
