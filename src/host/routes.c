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
#include "host/host_lock.h"
#include "host/rundir.h"
#include "host/sysctl.h"
#include "netlink/nft_filter.h"
#include "netlink/nft_table.h"
#include "netlink/query.h"

#define FIRST_TABLE   51820
#define LAST_PRIORITY 32766 /* of the kernel's rule for the main table */

static char family_letter(uint16_t family)
{
	return family == AF_INET6 ? '6' : '4';
}

int routes_table_is_used(struct netdev *m, uint32_t table, bool *ret)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	bool used = false;

	for (size_t f = 0; f < sizeof(families); f++) {
		struct route_list list;
		int err = query_routes(&m->nl, families[f], &list);

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
		int err = routes_table_is_used(m, table, &used);

		if (err < 0)
			return netdev_fail(m, err, "Cannot list the routes: %s", strerror(-err));
		if (!used)
			current = table;
		table++;
	}
	*ret_mark = current;
	return 0;
}

struct rule_info routes_rule_marked(uint16_t family, uint32_t mark)
{
	return (struct rule_info){ .family = (uint8_t)family,
		.table = mark,
		.mark = mark,
		.has_mark = true,
		.invert = true,
		.suppress_length = RULE_NO_SUPPRESS };
}

struct rule_info routes_rule_main(uint16_t family)
{
	return (struct rule_info){
		.family = (uint8_t)family, .table = RT_TABLE_MAIN, .suppress_length = 0
	};
}

bool routes_rules_equal(const struct rule_info *a, const struct rule_info *b)
{
	return a->family == b->family && a->table == b->table && a->has_mark == b->has_mark &&
	       a->mark == b->mark && a->invert == b->invert &&
	       a->suppress_length == b->suppress_length;
}

/** Find the priority below those of all rules, so that a new one precedes them. */
static int find_priority(struct netdev *m, uint8_t family, uint32_t *ret)
{
	struct rule_list list;
	uint32_t lowest = LAST_PRIORITY;
	int err = query_rules(&m->nl, family, &list);

	if (err < 0)
		return netdev_fail(m, err, "Cannot list the policy rules: %s", strerror(-err));
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].priority && list.v[i].priority < lowest)
			lowest = list.v[i].priority;
	free(list.v);
	if (lowest == 1)
		return netdev_fail(m, -ENOSPC,
			"There is a policy rule of priority 1, so none can precede it\n"
			"Give it another priority, or set Table and add rules yourself.");
	*ret = lowest - 1;
	return 0;
}

/**
 * Add a rule of our own with a priority of its own, before all others. An equal rule of another
 * site or of wg-quick has another priority, so that each can be deleted without the others.
 */
static int add_rule(struct netdev *m, struct rule_info rule, enum journal_kind kind)
{
	struct journal_entry e = {
		.kind = kind, .six = rule.family == AF_INET6, .mark = rule.mark
	};
	char letter = family_letter(rule.family);
	struct nl_msg msg;
	int err = find_priority(m, rule.family, &e.priority);

	if (err == 0)
		err = netdev_journal(m, &e);
	rule.priority = e.priority;
	rule.protocol = ROUTES_RULE_PROTOCOL;
	if (err == 0 && kind == JOURNAL_RULE_MARK)
		return netdev_change(m, rule_encode_add(&msg, &rule),
			"ip -%c rule add priority %" PRIu32 " not fwmark %" PRIu32
			" table %" PRIu32,
			letter, e.priority, rule.mark, rule.table);
	if (err == 0)
		err = netdev_change(m, rule_encode_add(&msg, &rule),
			"ip -%c rule add priority %" PRIu32 " table main suppress_prefixlength 0",
			letter, e.priority);
	return err;
}

static int add_rules(struct netdev *m, uint16_t family, uint32_t mark)
{
	int err = add_rule(m, routes_rule_marked(family, mark), JOURNAL_RULE_MARK);

	return err < 0 ? err : add_rule(m, routes_rule_main(family), JOURNAL_RULE_MAIN);
}

/* Whether the reverse-path filter is strict: only then packets depend on src_valid_mark. */
static bool is_filtering_strictly(void)
{
	char all[16] = "";
	char new[16] = "";

	return (sysctl_read("net/ipv4/conf/all/rp_filter", all, sizeof(all)) == 0 &&
		       !strcmp(all, "1")) ||
	       (sysctl_read("net/ipv4/conf/default/rp_filter", new, sizeof(new)) == 0 &&
		       !strcmp(new, "1"));
}

/* src_valid_mark could not be set: forget its journal entry, the last one. Return: 0 if packets do
 * not depend on it, else `err` with the error filled in. */
static int go_without(struct netdev *m, int err)
{
	journal_remove(&m->journal, m->journal.n - 1);
	if (is_filtering_strictly())
		return netdev_fail(m, err,
			"Cannot set net.ipv4.conf.all.src_valid_mark to 1:\n"
			"Set it before, for instance with --sysctl of the container's engine: with "
			"rp_filter = 1 the peers' packets would be dropped.");
	log_warning("cannot set net.ipv4.conf.all.src_valid_mark to 1: %s. Not needed while "
		    "rp_filter is not 1.",
		strerror(-err));
	return 0;
}

/** Set src_valid_mark, and note its value from before any site has set it. */
static int set_src_valid_mark(struct netdev *m)
{
	struct journal_entry e = { .kind = JOURNAL_SYSCTL, .name = ROUTES_VALID_MARK, .ours = "1" };
	struct journal_entry found;
	struct lockfile lock;
	int err = host_lock_take_shared(&lock, &m->error);

	if (err < 0)
		return err;
	err = journal_find_elsewhere(&m->journal, &e, &found);
	if (err == 0)
		e = found;
	if (err == -ENOENT || err == -EBADMSG)
		err = sysctl_read(ROUTES_VALID_MARK, e.was, sizeof(e.was));
	if (err < 0)
		netdev_fail(m, err, "Cannot determine the value of %s: %s", ROUTES_VALID_MARK,
			strerror(-err));
	if (err == 0)
		err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "sysctl -w %s=1", ROUTES_VALID_MARK);
	if (err == 0) {
		err = sysctl_ensure(ROUTES_VALID_MARK, "1");
		if (err < 0)
			err = go_without(m, err);
	}
	lockfile_release(&lock);
	return err;
}

int routes_restore_valid_mark(struct netdev *m)
{
	int err = netdev_log(m, "sysctl -w %s=1", ROUTES_VALID_MARK);

	if (err == 0)
		err = sysctl_ensure(ROUTES_VALID_MARK, "1");
	return err < 0 ? netdev_fail(m, err, "Cannot set %s to 1: %s", ROUTES_VALID_MARK,
				 strerror(-err))
		       : 0;
}

/** Whether the journal has an entry that src_valid_mark was 0. */
static bool was_zero(const struct journal *j)
{
	const struct journal_entry like = {
		.kind = JOURNAL_SYSCTL, .name = ROUTES_VALID_MARK, .ours = "1"
	};
	size_t i = journal_find(j, &like);

	return i != SIZE_MAX && !strcmp(j->v[i].was, "0");
}

/** The tunnel's addresses of a family, to be freed. Return: NULL if out of memory. */
static struct ip_addr *addresses_of(const struct conf_interface *wg, uint16_t family, size_t *ret_n)
{
	struct ip_addr *v = calloc(wg->addresses.n + 1, sizeof(*v));

	*ret_n = 0;
	for (size_t i = 0; v && i < wg->addresses.n; i++)
		if (wg->addresses.v[i].prefix.addr.family == family)
			v[(*ret_n)++] = wg->addresses.v[i].prefix.addr;
	return v;
}

/** Make the filter in the kernel. Return: 0 or -errno, `ret_error` filled. */
static int set_filter(const struct nft_filter *filter, struct error *ret_error)
{
	size_t n = nft_filter_count(filter);
	struct nl_msg *v = calloc(n, sizeof(*v));
	int err;

	if (!v)
		return error_set(ret_error, -ENOMEM, "There is no memory for a filter:\n");
	nft_filter_encode(filter, v);
	err = nft_table_apply(v, n, ret_error);
	free(v);
	return err;
}

/** Whether the kernel has not what the filter needs, or does not allow it here: it is an additional
 * protection, and the site runs without. Any other error is one of this attempt. */
static bool lacks_filters(int err)
{
	return err == -EOPNOTSUPP || err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT ||
	       err == -ENOENT /* an expression or its module */ || err == -EPERM;
}

/** The filter could not be made. Return: 0 if the kernel lacks it: then its journal entry, the last
 * one, is forgotten, unless the filter may be there; else `err` with the error filled in. */
static int go_unfiltered(struct netdev *m, const struct conf_interface *wg, uint16_t family,
	int err, const struct error *why)
{
	const struct journal_entry *e = &m->journal.v[m->journal.n - 1];

	if (!lacks_filters(err))
		return netdev_fail(m, err, "%s\n%s", why->problem, why->hint);
	err = nft_table_delete(family, e->name);
	if (err == 0 || err == -EPERM) /* what must not be deleted could not be made either */
		journal_remove(&m->journal, m->journal.n - 1);
	log_warning("%s Hosts on the underlay can send to the addresses of %s, as AllowedIPs has "
		    "%s. Load nf_tables, nft_fib_%s and nft_ct.",
		why->problem, wg->name, family == AF_INET6 ? "::/0" : "0.0.0.0/0",
		family == AF_INET6 ? "ipv6" : "ipv4");
	return 0;
}

/** Add the filter, or replace one of the same name. If the kernel lacks support, log a warning and
 * continue. */
static int add_filter(
	struct netdev *m, const struct conf_interface *wg, uint16_t family, uint32_t mark)
{
	struct journal_entry e = { .kind = JOURNAL_NFT, .six = family == AF_INET6 };
	struct nft_filter filter = { .table = e.name,
		.family = family,
		.ifname = wg->name,
		.mark = mark,
		.note_chain = !e.six && was_zero(&m->journal) ? ROUTES_WAS_CHAIN : NULL };
	struct ip_addr *addrs = addresses_of(wg, family, &filter.n_addrs);
	struct error why;
	int err;

	if (!addrs)
		return netdev_fail(m, -ENOMEM, "Out of memory");
	filter.addrs = addrs;
	snprintf(e.name, sizeof(e.name), ROUTES_TABLE_PREFIX "%s", wg->name);
	err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "nft add table %s %s", e.six ? "ip6" : "ip", e.name);
	if (err == 0) {
		err = set_filter(&filter, &why);
		if (err < 0)
			err = go_unfiltered(m, wg, family, err, &why);
		else /* without the mark, only its existence is compared */
			(void)nft_table_learn(family, e.name, &m->filters[e.six]);
	}
	free(addrs);
	return err;
}

bool routes_match(
	const struct route_info *info, uint32_t ifindex, const struct planned_route *route)
{
	struct ip_addr dst = info->dst.addr;

	dst.family = route->dst.addr.family;
	return info->table == route->table && info->ifindex == ifindex &&
	       info->dst.len == route->dst.len && ip_addr_equal(&dst, &route->dst.addr);
}

/** Whether exactly this route to our interface exists already. */
static bool route_lies(
	struct netdev *m, const struct link_info *link, const struct planned_route *route)
{
	struct route_list list;
	bool found = false;

	if (query_routes(&m->nl, (uint8_t)route->dst.addr.family, &list) < 0)
		return false;
	for (size_t i = 0; i < list.n; i++)
		found = found || routes_match(&list.v[i], link->ifindex, route);
	free(list.v);
	return found;
}

int routes_restore_route(
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

/** Whether each route to a network in the main table is the kernel's own, of an address. */
static bool only_connected(struct netdev *m, const struct ip_prefix *network)
{
	struct route_list list;
	bool only = true;

	if (query_routes(&m->nl, (uint8_t)network->addr.family, &list) < 0)
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].table == RT_TABLE_MAIN && ip_prefix_equal(&list.v[i].dst, network))
			only = only && list.v[i].protocol == RTPROT_KERNEL;
	free(list.v);
	return only;
}

/** Request such a route; `verb`: of ip-route(8). */
static int add_connected(struct netdev *m, const struct link_info *link,
	const struct ip_prefix *address, const char *verb, bool beside)
{
	struct ip_prefix network = ip_prefix_masked(address);
	char text[IP_PREFIX_TEXT_LEN];
	struct nl_msg msg;

	return netdev_change(m, route_encode_connected(&msg, address, link->ifindex, beside),
		"ip route %s %s dev %s proto kernel", verb, ip_prefix_text(&network, text),
		link->name);
}

int routes_restore_connected(
	struct netdev *m, const struct link_info *link, const struct ip_prefix *address)
{
	struct ip_prefix network = ip_prefix_masked(address);
	char text[IP_PREFIX_TEXT_LEN];
	int err = add_connected(m, link, address, "add", false);

	/* beside that of another interface in the same network, where the kernel had it, too */
	if (err == -EEXIST && only_connected(m, &network)) {
		err = add_connected(m, link, address, "append", true);
		return err == -EEXIST ? 0 : err; /* restored meanwhile */
	}
	if (err == -EEXIST)
		return netdev_fail(m, err,
			"There is a route to %s already, so none can go to %s\n"
			"Remove it, or give %s an Address in another network.",
			ip_prefix_text(&network, text), link->name, link->name);
	return err;
}

int routes_restore_local(struct netdev *m, const struct link_info *link, const struct ip_addr *addr)
{
	char text[IP_ADDR_TEXT_LEN];
	struct nl_msg msg;
	int err = netdev_change(m, route_encode_local(&msg, addr, link->ifindex),
		"ip route append local %s dev %s table local proto kernel",
		ip_addr_text(addr, text), link->name);

	return err == -EEXIST ? 0 : err; /* restored meanwhile */
}

/** Undo the newest journal entry that matches, if there is one. Return: 0 or -errno. */
static int undo_noted(struct netdev *m, struct journal_entry like,
	int (*undo)(struct netdev *m, const struct journal_entry *e))
{
	size_t i = journal_find(&m->journal, &like);
	int err = i == SIZE_MAX ? 0 : undo(m, &m->journal.v[i]);

	if (err < 0)
		return netdev_fail(
			m, err, "Cannot undo the rules of a default route: %s", strerror(-err));
	if (i != SIZE_MAX)
		journal_remove(&m->journal, i);
	return 0;
}

static int delete_rules(struct netdev *m, uint16_t family, uint32_t mark)
{
	bool six = family == AF_INET6;
	int err = undo_noted(m, (struct journal_entry){ JOURNAL_NFT, six }, routes_undo_filter);

	if (err == 0 && !six)
		err = undo_noted(m, (struct journal_entry){ JOURNAL_SYSCTL }, routes_undo_sysctl);
	if (err == 0)
		err = undo_noted(
			m, (struct journal_entry){ JOURNAL_RULE_MAIN, six }, routes_undo_rule);
	if (err == 0)
		err = undo_noted(m, (struct journal_entry){ JOURNAL_RULE_MARK, six, .mark = mark },
			routes_undo_rule);
	return err;
}

int routes_restore_rules(
	struct netdev *m, const struct conf_interface *wg, uint16_t family, uint32_t mark)
{
	int err = delete_rules(m, family, mark); /* also those left by a failed reload */

	if (err == 0)
		err = add_rules(m, family, mark);
	if (err == 0 && family == AF_INET)
		err = set_src_valid_mark(m);
	return err ? err : add_filter(m, wg, family, mark);
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
		err = routes_restore_route(m, link, route);
		if (err < 0 || had || !route->by_rule)
			continue;
		err = routes_restore_rules(m, wg, family, route->table);
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
		err = undo_noted(m,
			(struct journal_entry){ JOURNAL_NFT, .six = family == AF_INET6 },
			routes_undo_filter);
		if (err == 0)
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
		int err = 0;

		if (route_plan_has(plan, route))
			continue;
		if (route->by_rule)
			err = delete_rules(m, route->dst.addr.family, route->table);
		if (err < 0)
			return err;
		err = netdev_change(m,
			route_encode_delete(&msg, &route->dst, link->ifindex, route->table),
			"ip route del %s dev %s table %" PRIu32, ip_prefix_text(&route->dst, text),
			link->name, route->table);
		if (err < 0 && err != -ESRCH)
			return err;
	}
	return 0;
}

int routes_undo_rule(struct netdev *m, const struct journal_entry *e)
{
	uint16_t family = e->six ? AF_INET6 : AF_INET;
	struct rule_info rule = e->kind == JOURNAL_RULE_MARK ? routes_rule_marked(family, e->mark)
							     : routes_rule_main(family);
	struct rule_list list;
	struct nl_msg msg;
	int err = query_rules(&m->nl, rule.family, &list);

	if (err < 0)
		return err;
	for (size_t i = 0; i < list.n; i++) {
		const struct rule_info *is = &list.v[i];

		if (!routes_rules_equal(is, &rule))
			continue;
		if (e->priority &&
			(is->priority != e->priority || is->protocol != ROUTES_RULE_PROTOCOL))
			continue;
		/* Only with a priority does the kernel compare all attributes. */
		err = nl_request(&m->nl, rule_encode_delete(&msg, is));
		break;
	}
	free(list.v);
	return err == -ENOENT ? 0 : err;
}

/** Whether another rule than the site's own sends packets by their mark: one of wg-quick, which
 * needs src_valid_mark, too. */
static int is_mark_used(struct netdev *m, bool *ret)
{
	struct rule_list list;
	int err = query_rules(&m->nl, AF_INET, &list);

	if (err < 0)
		return err;
	*ret = false;
	for (size_t i = 0; i < list.n; i++) {
		const struct rule_info *is = &list.v[i];
		const struct journal_entry ours = { JOURNAL_RULE_MARK, .mark = is->mark };

		*ret |= is->has_mark && is->invert && journal_find(&m->journal, &ours) == SIZE_MAX;
	}
	free(list.v);
	return 0;
}

/** Restore a sysctl that no other site and no wg-quick uses. */
static int restore_sysctl(struct netdev *m, const struct journal_entry *e)
{
	char is[JOURNAL_VALUE_LEN];
	struct journal_entry other;
	bool used = false;
	int err = journal_find_elsewhere(&m->journal, e, &other);

	if (err == -EBADMSG) {
		log_warning(
			"%s stays %s: %s/%s is damaged or others can write it, and its site may "
			"need it. When that has ended: sysctl -w %s=%s",
			e->name, e->ours, rundir_path(), other.name, e->name, e->was);
		return 0;
	}
	if (err != -ENOENT)
		return err; /* the other site restores it */
	err = sysctl_read(e->name, is, sizeof(is));
	if (err == -ENOENT || (err == 0 && strcmp(is, e->ours) != 0))
		return 0; /* changed by another process since */
	if (err == 0)
		err = is_mark_used(m, &used);
	if (err == 0 && used && strcmp(e->was, e->ours) != 0)
		log_info("%s stays %s: another tunnel uses it", e->name, e->ours);
	return err < 0 || used ? err : sysctl_ensure(e->name, e->was);
}

int routes_undo_sysctl(struct netdev *m, const struct journal_entry *e)
{
	struct lockfile lock;
	int err = host_lock_take_shared(&lock, &m->error);

	if (err < 0)
		return err;
	err = restore_sysctl(m, e);
	lockfile_release(&lock);
	return err;
}

int routes_undo_filter(struct netdev *m, const struct journal_entry *e)
{
	return nft_table_delete(e->six ? AF_INET6 : AF_INET, e->name);
}
