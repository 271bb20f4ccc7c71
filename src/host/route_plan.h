/* SPDX-License-Identifier: MIT */
/* Compute the routes that a configuration needs, as wg-quick(8) would install them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "conf/model.h"

/** A route to the WireGuard interface. */
struct planned_route {
	struct ip_prefix dst; /* host bits cleared */
	uint32_t table;
	bool by_rule; /* a default route in its own table, selected by policy rules */
};

/** The routes of a site, the most specific first. */
struct route_plan {
	struct planned_route *v;
	size_t n;
};

/**
 * Plan the routes to all AllowedIPs. Table = off: none; a number: all of them in that table; auto:
 * those that no address of the interface covers with its connected route in the main table, and
 * default routes by policy rules, with table 0 until route_plan_set_table().
 * Return: 0 and a plan to free with route_plan_fini(), or -ENOMEM.
 */
int route_plan_make(const struct conf_site *conf, struct route_plan *ret);

/** Free a plan. A zeroed plan is allowed. */
void route_plan_fini(struct route_plan *plan);

/** Whether the plan has a default route by policy rules. */
bool route_plan_has_default(const struct route_plan *plan);

/** Set the table of the default routes by policy rules. */
void route_plan_set_table(struct route_plan *plan, uint32_t table);

/** Whether the plan has exactly this route. */
bool route_plan_has(const struct route_plan *plan, const struct planned_route *route);
