/* SPDX-License-Identifier: MIT */
/* Compute the routes that a configuration needs, as wg-quick(8) would install them. Pure. */
#include "host/route_plan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/** Whether adding the address also creates a route to `dst`, the connected route of its network. An
 * IPv4 address with a full-length prefix creates none. */
static bool brings_route(const struct ip_prefix *address, const struct ip_prefix *dst)
{
	if (address->addr.family == AF_INET && address->len == 32)
		return false;
	return address->len <= dst->len && ip_prefix_contains(address, &dst->addr);
}

static bool is_covered(const struct conf_interface *wg, const struct ip_prefix *dst)
{
	for (size_t i = 0; i < wg->addresses.n; i++)
		if (brings_route(&wg->addresses.v[i].prefix, dst))
			return true;
	return false;
}

/** Order: most specific first, then fixed, so that duplicates are adjacent. */
static int compare(const void *a, const void *b)
{
	const struct planned_route *x = a;
	const struct planned_route *y = b;

	if (x->dst.len != y->dst.len)
		return x->dst.len > y->dst.len ? -1 : 1;
	if (x->dst.addr.family != y->dst.addr.family)
		return x->dst.addr.family < y->dst.addr.family ? -1 : 1;
	return memcmp(x->dst.addr.bytes, y->dst.addr.bytes, sizeof(x->dst.addr.bytes));
}

static void drop_doubles(struct route_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (n == 0 || compare(&plan->v[n - 1], &plan->v[i]) != 0)
			plan->v[n++] = plan->v[i];
	plan->n = n;
}

static void plan_one(
	const struct conf_interface *wg, const struct ip_prefix *dst, struct route_plan *plan)
{
	struct planned_route route = { .dst = ip_prefix_masked(dst), .table = RT_TABLE_MAIN };

	switch (wg->table) {
	case CONF_TABLE_OFF:
		return;
	case CONF_TABLE_NUMBER:
		route.table = wg->table_number;
		break;
	case CONF_TABLE_AUTO:
		if (dst->len == 0) {
			route.by_rule = true;
			route.table = 0;
		} else if (is_covered(wg, &route.dst)) {
			return;
		}
		break;
	}
	plan->v[plan->n++] = route;
}

int route_plan_make(const struct conf_site *conf, struct route_plan *ret)
{
	struct route_plan plan = { 0 };
	size_t room = 1;

	for (size_t i = 0; i < conf->n_peers; i++)
		room += conf->peers[i].allowed_ips.n;
	plan.v = calloc(room, sizeof(*plan.v));
	if (!plan.v)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_peers; i++)
		for (size_t k = 0; k < conf->peers[i].allowed_ips.n; k++)
			plan_one(&conf->interface, &conf->peers[i].allowed_ips.v[k].prefix, &plan);
	qsort(plan.v, plan.n, sizeof(*plan.v), compare);
	drop_doubles(&plan);
	*ret = plan;
	return 0;
}

void route_plan_fini(struct route_plan *plan)
{
	free(plan->v);
	*plan = (struct route_plan){ 0 };
}

bool route_plan_has_default(const struct route_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].by_rule)
			return true;
	return false;
}

void route_plan_set_table(struct route_plan *plan, uint32_t table)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->v[i].by_rule)
			plan->v[i].table = table;
}

bool route_plan_has(const struct route_plan *plan, const struct planned_route *route)
{
	const struct planned_route *found = NULL;

	if (plan->n)
		found = bsearch(route, plan->v, plan->n, sizeof(*plan->v), compare);
	return found && found->table == route->table && found->by_rule == route->by_rule;
}
