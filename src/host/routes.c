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
#include "host/journal_entry.h"
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
	char letter = family_letter(family);
	struct nl_msg msg;
	int err;

	err = netdev_journal(m, "rule %c mark %" PRIu32, letter, mark);
	if (err == 0)
		err = netdev_change(m, rule_encode_add(&msg, &outer),
			"ip -%c rule add not fwmark %" PRIu32 " table %" PRIu32, letter, mark,
			mark);
	if (err == 0)
		err = netdev_journal(m, "rule %c main", letter);
	if (err == 0)
		err = netdev_change(m, rule_encode_add(&msg, &inner),
			"ip -%c rule add table main suppress_prefixlength 0", letter);
	return err;
}

static int set_src_valid_mark(struct netdev *m)
{
	char was[16];
	int err = sysctl_read(SRC_VALID_MARK, was, sizeof(was));

	if (err == 0 && !strcmp(was, "1"))
		return 0;
	if (err == 0)
		err = netdev_journal(m, "sysctl " SRC_VALID_MARK " 1 %s", was);
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
	char *text;
	int err = netdev_journal(m, "nft %s wirespan-%s", pf, wg->name);

	if (err == 0)
		err = netdev_log(m, "nft add table %s wirespan-%s", pf, wg->name);
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

/** Undo the newest journal line that starts with `kind`, if there is one. */
static void undo_noted(struct netdev *m, const char *kind, const char *args,
	void (*undo)(struct netdev *m, const char *args))
{
	char start[64];
	size_t i;

	snprintf(start, sizeof(start), "%s %s", kind, args);
	i = journal_find(&m->journal, start);
	if (i == SIZE_MAX)
		return;
	undo(m, m->journal.lines[i] + strlen(kind) + 1);
	journal_remove(&m->journal, i);
}

static void delete_rules(struct netdev *m, uint16_t family, uint32_t mark)
{
	char args[32];

	undo_noted(m, "nft", family == AF_INET6 ? "ip6 " : "ip ", routes_undo_filter);
	if (family == AF_INET)
		undo_noted(m, "sysctl", SRC_VALID_MARK " ", routes_undo_sysctl);
	snprintf(args, sizeof(args), "%c main", family_letter(family));
	undo_noted(m, "rule", args, routes_undo_rule);
	snprintf(args, sizeof(args), "%c mark %" PRIu32, family_letter(family), mark);
	undo_noted(m, "rule", args, routes_undo_rule);
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
		undo_noted(m, "nft", family == AF_INET6 ? "ip6 " : "ip ", routes_undo_filter);
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

/** Parse the journal entry "rule 4 mark 51820" or "rule 4 main". */
static bool read_rule(const char *args, struct rule_info *ret)
{
	struct journal_entry w;
	uint32_t mark;
	uint16_t family = *args == '6' ? AF_INET6 : AF_INET;

	if (journal_entry_split(args, 3, &w) && !strcmp(w.v[1], "mark") &&
		journal_entry_u32(w.v[2], &mark))
		*ret = not_marked(family, mark);
	else if (journal_entry_split(args, 2, &w) && !strcmp(w.v[1], "main"))
		*ret = main_but_default(family);
	else
		return false;
	return true;
}

void routes_undo_rule(struct netdev *m, const char *args)
{
	struct rule_info rule;
	int err;

	if (!read_rule(args, &rule)) {
		log_warning("cannot read \"rule %s\" in the journal; left alone", args);
		return;
	}
	(void)netdev_log(m, "ip -%c rule del %s", *args, args + 2);
	err = delete_rule(m, &rule);
	if (err < 0 && err != -ENOENT)
		log_warning("cannot delete the rule \"%s\": %s; see ip -%c rule", args,
			strerror(-err), *args);
}

void routes_undo_sysctl(struct netdev *m, const char *args)
{
	struct journal_entry w = { .n = 0 };
	const char *path = w.v[0];
	const char *ours = w.v[1];
	const char *was = w.v[2];
	char is[16];
	int err;

	if (!journal_entry_split(args, 3, &w)) {
		log_warning("cannot read \"sysctl %s\" in the journal; left alone", args);
		return;
	}
	if (sysctl_read(path, is, sizeof(is)) < 0 || strcmp(is, ours) != 0)
		return; /* changed by another process since */
	(void)netdev_log(m, "sysctl %s=%s", path, was);
	err = sysctl_write(path, was);
	if (err < 0)
		log_warning("cannot set %s back to %s: %s", path, was, strerror(-err));
}

void routes_undo_filter(struct netdev *m, const char *args)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };
	char text[160];

	(void)netdev_log(m, "nft delete table %s", args);
	/* Adding the table first makes the deletion succeed even if it was never created. */
	snprintf(text, sizeof(text), "add table %s\ndelete table %s\n", args, args);
	if (spawn(argv, text) < 0)
		log_warning("cannot remove nft's table; do it by hand: nft delete table %s", args);
}
