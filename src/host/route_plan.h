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
struct plan_route {
	struct ip_prefix dst; /* host bits cleared */
	uint32_t table;
	bool by_rule; /* a default route in a table of its own, which rules lead to */
};

/** The routes of a site, the most specific first. */
struct plan {
	struct plan_route *v;
	size_t n;
};

/**
 * Plan the routes to all AllowedIPs. Table = off: none; a number: all of them in that table; auto:
 * in the main table those that no address of the interface already brings along, and a default
 * route by rules, its table still 0.
 * Return: 0 and a plan to free with plan_fini(), or -ENOMEM.
 */
int plan_make(const struct conf_site *conf, struct plan *ret);

/** Free a plan; zeroed is fine. */
void plan_fini(struct plan *plan);

/** Whether there is a default route by rules. */
bool plan_has_default(const struct plan *plan);

/** Give the default routes by rules their table. */
void plan_set_table(struct plan *plan, uint32_t table);

/** Whether the plan has this very route. */
bool plan_has(const struct plan *plan, const struct plan_route *route);

#endif
