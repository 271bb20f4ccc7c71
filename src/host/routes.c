/* SPDX-License-Identifier: MIT */
/* Install and remove a plan's routes, with the policy rules, sysctl and filter that a default
 * route needs.
 *
 * Theory of operation. A default route through the tunnel must not match the tunnel's own packets.
 * As in wg-quick, it is in its own table, and the engine's sockets set a firewall mark. The rule
 * "not fwmark MARK table MARK" sends all other packets there. The rule "table main
 * suppress_prefixlength 0", which is evaluated before it, lets every more specific route of the
 * main table win. src_valid_mark makes strict reverse-path filters use the mark. The nft table
 * keeps hosts on the underlay from sending to the interface's addresses, and marks replies from
 * the underlay with the mark of the packets they answer.
 */
#include "host/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "host/spawn.h"
#include "host/sysctl.h"
#include "netlink/query.h"

#define FIRST_TABLE    51820
#define SRC_VALID_MARK "net/ipv4/conf/all/src_valid_mark"

static char family_letter(uint16_t family)
{
	return family == AF_INET6 ? '6' : '4';
}

/** Whether the table has a route of either family. */
static int table_is_used(struct nl_socket *nl, uint32_t table, bool *ret)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	bool used = false;

	for (size_t f = 0; f < sizeof(families); f++) {
		struct route_list list;
		int err = query_routes(nl, families[f], &list);

		if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT)
			continue; /* the kernel has no IPv6 */
		if (err < 0)
			return err;
		for (size_t i = 0; i < list.n; i++)
			used = used || list.v[i].table == table;
		free(list.v);
	}
	*ret = used;
	return 0;
}

int routes_choose_mark(struct netdev *m, const struct conf_interface *wg,
	const struct route_plan *plan, uint32_t current, uint32_t *ret_mark)
{
	uint32_t table = FIRST_TABLE;
	bool used = true;

	if (wg->fwmark || !route_plan_has_default(plan)) {
		*ret_mark = wg->fwmark;
		return 0;
	}
	while (!current) {
		int err = table_is_used(&m->nl, table, &used);

		if (err < 0)
			return netdev_fail(m, err, "Cannot list the routes: %s", strerror(-err));
		if (!used)
			current = table;
		table++;
	}
	*ret_mark = current;
	return 0;
}

static struct rule_info not_marked(uint16_t family, uint32_t mark)
{
	return (struct rule_info){ .family = (uint8_t)family,
		.table = mark,
		.mark = mark,
		.has_mark = true,
		.invert = true,
		.suppress_length = RULE_NO_SUPPRESS };
}

static struct rule_info main_but_default(uint16_t family)
{
	return (struct rule_info){
		.family = (uint8_t)family, .table = RT_TABLE_MAIN, .suppress_length = 0
	};
}

static int add_rules(struct netdev *m, uint16_t family, uint32_t mark)
{
	struct rule_info outer = not_marked(family, mark);
	struct rule_info inner = main_but_default(family);
	struct journal_entry e = {
		.kind = JOURNAL_RULE_MARK, .six = family == AF_INET6, .mark = mark
	};
	char letter = family_letter(family);
	struct nl_msg msg;
	int err = netdev_journal(m, &e);

	if (err == 0)
		err = netdev_change(m, rule_encode_add(&msg, &outer),
			"ip -%c rule add not fwmark %" PRIu32 " table %" PRIu32, letter, mark,
			mark);
	e = (struct journal_entry){ .kind = JOURNAL_RULE_MAIN, .six = family == AF_INET6 };
	if (err == 0)
		err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_change(m, rule_encode_add(&msg, &inner),
			"ip -%c rule add table main suppress_prefixlength 0", letter);
	return err;
}

static int set_src_valid_mark(struct netdev *m)
{
	struct journal_entry e = { .kind = JOURNAL_SYSCTL, .name = SRC_VALID_MARK, .ours = "1" };
	int err = sysctl_read(SRC_VALID_MARK, e.was, sizeof(e.was));

	if (err == 0 && !strcmp(e.was, "1"))
		return 0;
	if (err == 0)
		err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "sysctl %s=1", SRC_VALID_MARK);
	if (err < 0)
		return err;
	err = sysctl_write(SRC_VALID_MARK, "1");
	return err < 0 ? netdev_fail(m, err, "Cannot set %s:\n", SRC_VALID_MARK) : 0;
}

/** Return: the nft script of the filter, to be freed. The interface has its own tables. */
static char *filter_text(const struct conf_interface *wg, uint16_t family, uint32_t mark)
{
	const char *pf = family == AF_INET6 ? "ip6" : "ip";
	const char *name = wg->name;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "table %s wirespan-%s {\n", pf, name);
	fprintf(f, "chain preraw { type filter hook prerouting priority -300;\n");
	for (size_t i = 0; i < wg->addresses.n; i++) {
		const struct ip_addr *a = &wg->addresses.v[i].prefix.addr;
		char addr[IP_ADDR_TEXT_LEN];

		if (a->family == family)
			fprintf(f, "iifname != \"%s\" %s daddr %s fib saddr type != local drop\n",
				name, pf, ip_addr_text(a, addr));
	}
	fprintf(f,
		"}\nchain premangle { type filter hook prerouting priority -150;\n"
		"meta l4proto udp meta mark set ct mark\n"
		"}\nchain postmangle { type filter hook postrouting priority -150;\n"
		"meta l4proto udp mark %" PRIu32 " ct mark set mark\n}\n}\n",
		mark);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/** Add the filter. It is an additional protection: without nft, or if the kernel lacks support, log
 * a warning and continue. */
static int add_filter(
	struct netdev *m, const struct conf_interface *wg, uint16_t family, uint32_t mark)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	const char *pf = family == AF_INET6 ? "ip6" : "ip";
	struct journal_entry e = { .kind = JOURNAL_NFT, .six = family == AF_INET6 };
	char *text;
	int err;

	snprintf(e.name, sizeof(e.name), "wirespan-%s", wg->name);
	err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "nft add table %s %s", pf, e.name);
	if (err < 0)
		return err;
	text = filter_text(wg, family, mark);
	err = text ? spawn(argv, text) : -ENOMEM;
	free(text);
	if (err == 0)
		return 0;
	journal_remove(&m->journal, m->journal.n - 1);
	log_warning("%s: hosts on the underlay can send to the addresses of %s; "
		    "with AllowedIPs = %s install nftables",
		err == -ENOENT ? "there is no nft" : "nft failed", wg->name,
		family == AF_INET6 ? "::/0" : "0.0.0.0/0");
	return 0;
}

/** Whether exactly this route to our interface exists already. */
static bool route_lies(
	struct netdev *m, const struct link_info *link, const struct planned_route *route)
{
	struct route_list list;
	bool found = false;

	if (query_routes(&m->nl, (uint8_t)route->dst.addr.family, &list) < 0)
		return false;
	for (size_t i = 0; i < list.n; i++) {
		struct ip_addr dst = list.v[i].dst.addr;

		dst.family = route->dst.addr.family;
		found = found ||
			(list.v[i].table == route->table && list.v[i].ifindex == link->ifindex &&
				list.v[i].dst.len == route->dst.len &&
				ip_addr_equal(&dst, &route->dst.addr));
	}
	free(list.v);
	return found;
}

static int add_route(
	struct netdev *m, const struct link_info *link, const struct planned_route *route)
{
	char text[IP_PREFIX_TEXT_LEN];
	char in_table[24] = "";
	struct nl_msg msg;
	int err;

	if (route->table != RT_TABLE_MAIN)
		snprintf(in_table, sizeof(in_table), " table %" PRIu32, route->table);
	err = netdev_change(m, route_encode_add(&msg, &route->dst, link->ifindex, route->table),
		"ip route add %s dev %s%s", ip_prefix_text(&route->dst, text), link->name,
		in_table);
	if (err == -EEXIST && route_lies(m, link, route))
		return 0; /* installed by a reload that failed later */
	if (err == -EEXIST)
		return netdev_fail(m, err,
			"There is a route to %s%s already, so none can go to %s\n"
			"Remove it or narrow AllowedIPs; Table = off leaves routes alone.",
			text, in_table, link->name);
	return err;
}

/** Undo the newest journal entry that matches, if there is one. */
static void undo_noted(struct netdev *m, struct journal_entry like,
	int (*undo)(struct netdev *m, const struct journal_entry *e))
{
	size_t i = journal_find(&m->journal, &like);

	if (i == SIZE_MAX)
		return;
	(void)undo(m, &m->journal.v[i]);
	journal_remove(&m->journal, i);
}

static void delete_rules(struct netdev *m, uint16_t family, uint32_t mark)
{
	undo_noted(m, (struct journal_entry){ JOURNAL_NFT, .six = family == AF_INET6 },
		routes_undo_filter);
	if (family == AF_INET)
		undo_noted(m, (struct journal_entry){ JOURNAL_SYSCTL }, routes_undo_sysctl);
	undo_noted(m, (struct journal_entry){ JOURNAL_RULE_MAIN, .six = family == AF_INET6 },
		routes_undo_rule);
	undo_noted(m,
		(struct journal_entry){
			JOURNAL_RULE_MARK, .six = family == AF_INET6, .mark = mark },
		routes_undo_rule);
}

int routes_add(struct netdev *m, const struct conf_interface *wg, const struct link_info *link,
	const struct route_plan *plan, const struct route_plan *old, bool again)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < plan->n; i++) {
		const struct planned_route *route = &plan->v[i];
		uint16_t family = route->dst.addr.family;
		bool had = route_plan_has(old, route);

		if (had && !again)
			continue;
		err = add_route(m, link, route);
		if (err < 0 || had || !route->by_rule)
			continue;
		delete_rules(m, family, route->table); /* left by a failed reload */
		err = add_rules(m, family, route->table);
		if (err == 0 && family == AF_INET)
			err = set_src_valid_mark(m);
		if (err == 0)
			err = add_filter(m, wg, family, route->table);
	}
	return err;
}

int routes_renew_filter(
	struct netdev *m, const struct conf_interface *wg, const struct route_plan *plan)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < plan->n; i++) {
		uint16_t family = plan->v[i].dst.addr.family;

		if (!plan->v[i].by_rule)
			continue;
		undo_noted(m, (struct journal_entry){ JOURNAL_NFT, .six = family == AF_INET6 },
			routes_undo_filter);
		err = add_filter(m, wg, family, plan->v[i].table);
	}
	return err;
}

int routes_delete(struct netdev *m, const struct link_info *link, const struct route_plan *old,
	const struct route_plan *plan)
{
	for (size_t i = 0; i < old->n; i++) {
		const struct planned_route *route = &old->v[i];
		char text[IP_PREFIX_TEXT_LEN];
		struct nl_msg msg;
		int err;

		if (route_plan_has(plan, route))
			continue;
		if (route->by_rule)
			delete_rules(m, route->dst.addr.family, route->table);
		err = netdev_change(m,
			route_encode_delete(&msg, &route->dst, link->ifindex, route->table),
			"ip route del %s dev %s table %" PRIu32, ip_prefix_text(&route->dst, text),
			link->name, route->table);
		if (err < 0 && err != -ESRCH)
			return err;
	}
	return 0;
}

static bool rule_is(const struct rule_info *a, const struct rule_info *b)
{
	return a->family == b->family && a->table == b->table && a->has_mark == b->has_mark &&
	       a->mark == b->mark && a->invert == b->invert &&
	       a->suppress_length == b->suppress_length;
}

/** Delete one rule by its priority: only with a priority does the kernel compare all attributes. */
static int delete_rule(struct netdev *m, const struct rule_info *rule)
{
	struct rule_list list;
	struct nl_msg msg;
	int err = query_rules(&m->nl, rule->family, &list);

	if (err < 0)
		return err;
	for (size_t i = 0; i < list.n; i++) {
		if (!rule_is(&list.v[i], rule))
			continue;
		err = nl_request(&m->nl, rule_encode_delete(&msg, &list.v[i]));
		break;
	}
	free(list.v);
	return err;
}

int routes_undo_rule(struct netdev *m, const struct journal_entry *e)
{
	uint16_t family = e->six ? AF_INET6 : AF_INET;
	struct rule_info rule = e->kind == JOURNAL_RULE_MARK ? not_marked(family, e->mark)
							     : main_but_default(family);
	int err = delete_rule(m, &rule);

	return err == -ENOENT ? 0 : err;
}

int routes_undo_sysctl(struct netdev *m, const struct journal_entry *e)
{
	char is[JOURNAL_VALUE_LEN];
	int err = sysctl_read(e->name, is, sizeof(is));

	if (err == -ENOENT || (err == 0 && strcmp(is, e->ours) != 0))
		return 0; /* changed by another process since */
	return err < 0 ? err : sysctl_write(e->name, e->was);
}

int routes_undo_filter(struct netdev *m, const struct journal_entry *e)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	const char *pf = e->six ? "ip6" : "ip";
	char text[2 * JOURNAL_NAME_LEN + 64];

	/* Adding the table first makes the deletion succeed even if it was never created. */
	snprintf(text, sizeof(text), "add table %s %s\ndelete table %s %s\n", pf, e->name, pf,
		e->name);
	return spawn(argv, text);
}
