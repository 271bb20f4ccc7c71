/* SPDX-License-Identifier: MIT */
/* Install and remove a plan's routes, with the policy rules, sysctl and filter that a default
 * route needs. */
#pragma once

#include "host/netdev.h"
#include "host/route_plan.h"
#include "netlink/route.h"
#include "netlink/rule.h"

/* Protocol of the rules that wirespan adds; iproute2's rt_protos does not have it. */
#define RULE_PROTOCOL 87

/** Protocol number of our policy rules; iproute2's rt_protos has no name for it. */
#define ROUTES_RULE_PROTOCOL 87

/** A chain without rules in the IPv4 table of a site: src_valid_mark was 0 before any site set it.
 * It is there for the case that the journal is lost. */
#define ROUTES_WAS_CHAIN "src_valid_mark_was_0"

/** Start of the names of our nft tables; the interface's name follows. */
#define ROUTES_TABLE_PREFIX "wirespan-"

/** The sysctl that a default route sets to 1, below /proc/sys. */
#define ROUTES_VALID_MARK "net/ipv4/conf/all/src_valid_mark"

/** Whether a routing table has a route of either family. Return: 0 or -errno. */
MUST_CHECK int routes_table_is_used(struct netdev *m, uint32_t table, bool *ret);

/**
 * Choose the firewall mark of a site with this plan, which is also the table of a default route by
 * policy rules: FwMark if set; else `current` if it is not 0; else, if there is a default route,
 * the first number from 51820 whose table is empty; else 0.
 * Return: 0, or -errno with the netdev's error filled.
 */
int routes_choose_mark(struct netdev *m, const struct conf_interface *wg,
	const struct route_plan *plan, uint32_t current, uint32_t *ret_mark);

/**
 * Install the routes of `plan` that `old` does not have; with `again` also those that it has, in
 * case they were removed together with an address. Rules, sysctl and filter outlive the interface
 * and are journalled; routes are deleted with the interface.
 * Return: 0, or -errno with the netdev's error filled.
 */
int routes_add(struct netdev *m, const struct conf_interface *wg, const struct link_info *link,
	const struct route_plan *plan, const struct route_plan *old, bool again);

/** Install one route; if exactly this one exists, that is no error. Return: 0 or -errno, as
 * above. */
int routes_restore_route(
	struct netdev *m, const struct link_info *link, const struct planned_route *route);

/** Install the route that the kernel adds with an address of an interface, and which another
 * program has deleted. Return: 0 or -errno, as above. */
int routes_restore_connected(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address);

/** Likewise the route of the local table, which delivers packets to the address. */
int routes_restore_local(
	struct netdev *m, const struct link_info *link, const struct ip_addr *addr);

/** Install the rules, sysctl and filter of a default route, in place of what is left of them.
 * Return: 0 or -errno, as above. */
int routes_restore_rules(
	struct netdev *m, const struct conf_interface *wg, uint16_t family, uint32_t mark);

/** Set the sysctl of a default route again. Return: 0 or -errno, as above. */
int routes_restore_valid_mark(struct netdev *m);

/** Whether a route of the kernel is this planned one, to the interface `ifindex`. */
bool routes_match(
	const struct route_info *info, uint32_t ifindex, const struct planned_route *route);

/** The rule that sends packets without the mark to the table of that number. */
struct rule_info routes_rule_marked(uint16_t family, uint32_t mark);

/** The rule that lets the main table's routes win, except a default route. */
struct rule_info routes_rule_main(uint16_t family);

/** Whether two rules are equal, except for their priority and protocol. */
bool routes_rules_equal(const struct rule_info *a, const struct rule_info *b);

/** Rebuild the filter of the plan's default routes after the addresses changed. Return: 0 or
 * -errno. */
int routes_renew_filter(
	struct netdev *m, const struct conf_interface *wg, const struct route_plan *plan);

/** Remove the routes of `old` that `plan` does not have, with their rules. Return: 0 or -errno. */
int routes_delete(struct netdev *m, const struct link_info *link, const struct route_plan *old,
	const struct route_plan *plan);

/** Undo a JOURNAL_RULE_MARK or JOURNAL_RULE_MAIN. Return: 0 or -errno. */
int routes_undo_rule(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_SYSCTL, unless it was changed since. Return: 0 or -errno. */
int routes_undo_sysctl(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_NFT. Return: 0 or -errno. */
int routes_undo_filter(struct netdev *m, const struct journal_entry *e);
