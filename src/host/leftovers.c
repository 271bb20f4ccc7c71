/* SPDX-License-Identifier: MIT */
/* Remove what a site has left whose journal is lost, recognised by our marks.
 *
 * Theory of operation. Bridges, the WireGuard interface, and the interfaces of the kernel's L2TP
 * have the alias "wirespan NAME". A TUN exists only as long as a process holds it: if only engines
 * of the site do, their monitor was killed, and they are ended; else the site runs. The kernel's
 * own objects are left over. Rules have our protocol number, but no name: one is left over if no
 * journal contains it and its table has no route, because the route of a running site is added
 * before the rule. The rule for the main table has no table of its own: it is removed when every
 * other rule of ours is accounted for. nft tables are named after an interface that does not exist
 * any more. Such a table also shows that src_valid_mark was 0 before. A journal of another site
 * that cannot be used may have anything: rules and tables then stay.
 */
#include "host/leftovers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "host/bridge.h"
#include "host/kernel_undo.h"
#include "host/routes.h"
#include "host/rundir.h"
#include "host/tun_holders.h"
#include "netlink/nft_table.h"
#include "netlink/query.h"

static int site_runs(struct netdev *m, const char *interface, pid_t pid)
{
	char process[32] = "";

	if (pid)
		snprintf(process, sizeof(process), " (%d)", (int)pid);
	return netdev_fail(m, -EBUSY,
		"The interface %s of this site exists, so its process%s is running, although its "
		"lock file is gone\n"
		"End that process first: find it with \"ps ax | grep wirespan\". An engine that "
		"has "
		"lost its monitor ends by itself within three minutes.",
		interface, process);
}

/** End the engines that go on without their monitor, whose note is lost, too: the TUN and the TAPs
 * disappear with them. */
static int end_engines(struct netdev *m, bool *ret_found)
{
	const char *site = m->alias + strlen(NETDEV_ALIAS);
	struct link_list list;
	int err = query_links(&m->nl, &list);

	if (err < 0)
		return netdev_fail(m, err, "Cannot list the interfaces: %s", strerror(-err));
	for (size_t i = 0; i < list.n; i++) {
		const struct link_info *link = &list.v[i];
		pid_t pid;

		if (strcmp(link->alias, m->alias) != 0 || strcmp(link->kind, "tun") != 0)
			continue;
		err = tun_holders_end(site, link->name, &pid);
		*ret_found |= !err;
		err = err < 0 ? site_runs(m, link->name, pid) : 0;
		break; /* they hold the others, too */
	}
	free(list.v);
	return err;
}

static int remove_links(struct netdev *m, bool *ret_found)
{
	struct link_list list;
	int err = query_links(&m->nl, &list);

	if (err < 0)
		return netdev_fail(m, err, "Cannot list the interfaces: %s", strerror(-err));
	for (size_t i = 0; err == 0 && i < list.n; i++) {
		const struct link_info *link = &list.v[i];
		struct nl_msg msg;
		int removed;

		if (strcmp(link->alias, m->alias) != 0)
			continue;
		removed = kernel_remove_leftover(m, link);
		if (removed < 0)
			err = netdev_fail(m, removed,
				"Cannot remove %s, which is left from before:", link->name);
		*ret_found |= removed > 0;
		if (removed)
			continue;
		if (!bridge_is_ours(m, link)) {
			err = site_runs(m, link->name, 0);
			continue;
		}
		*ret_found = true;
		err = netdev_change(
			m, link_encode_delete(&msg, link->ifindex), "ip link del %s", link->name);
	}
	free(list.v);
	return err;
}

/** Whether a rule of ours is in the journal of a site. Return: 1, 0 or -errno. */
static int is_journalled(struct netdev *m, const struct rule_info *rule)
{
	struct journal_entry ignored;
	const struct journal_entry like = {
		.kind = rule->has_mark ? JOURNAL_RULE_MARK : JOURNAL_RULE_MAIN,
		.six = rule->family == AF_INET6,
		.mark = rule->mark,
		.priority = rule->priority,
	};
	int err = journal_find_elsewhere(&m->journal, &like, &ignored);

	if (err == -ENOENT)
		return 0;
	if (err == -EBADMSG) {
		log_warning(
			"the rule of priority %u stays: %s/%s is damaged or others can write it, "
			"and it may be its site's. See what is left of that site, then remove the "
			"file",
			rule->priority, rundir_path(), ignored.name);
		return 1;
	}
	return err < 0 ? netdev_fail(m, err, "Cannot read the journals of the other sites: %s",
				 strerror(-err))
		       : 1;
}

/** Remove the rules of one kind that are left over. `ret_used`: whether one is used by a site
 * without a journal. */
static int remove_rules_of(struct netdev *m, const struct rule_list *list, bool with_mark,
	bool *ret_used, bool *ret_found)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < list->n; i++) {
		const struct rule_info *rule = &list->v[i];
		struct nl_msg msg;
		bool used = *ret_used;

		if (rule->protocol != ROUTES_RULE_PROTOCOL || rule->has_mark != with_mark)
			continue;
		err = is_journalled(m, rule);
		if (err == 0 && with_mark) {
			err = routes_table_is_used(m, rule->table, &used);
			if (err < 0)
				netdev_fail(m, err, "Cannot list the routes: %s", strerror(-err));
			*ret_used |= used;
		}
		if (err != 0 || used) {
			err = err < 0 ? err : 0;
			continue;
		}
		*ret_found = true;
		err = netdev_change(m, rule_encode_delete(&msg, rule),
			"ip -%c rule del priority %u", rule->family == AF_INET6 ? '6' : '4',
			rule->priority);
		err = err == -ENOENT ? 0 : err;
	}
	return err;
}

static int remove_rules(struct netdev *m, bool *ret_found)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (size_t f = 0; err == 0 && f < sizeof(families); f++) {
		struct rule_list list;
		bool used = false;

		err = query_rules(&m->nl, families[f], &list);
		if (err == -EOPNOTSUPP || err == -EAFNOSUPPORT) {
			err = 0;
			continue; /* the kernel has no IPv6 */
		}
		if (err < 0)
			return netdev_fail(m, err, "Cannot list the rules: %s", strerror(-err));
		err = remove_rules_of(m, &list, true, &used, ret_found);
		if (err == 0)
			err = remove_rules_of(m, &list, false, &used, ret_found);
		free(list.v);
	}
	return err;
}

/** Remove a table of one of our names, if it is left over. */
static int remove_table(struct netdev *m, const char *name, bool six, bool *ret_was_zero)
{
	struct journal_entry e = { .kind = JOURNAL_NFT, .six = six };
	struct journal_entry ignored;
	struct link_info link;
	int err;

	if (query_link(&m->nl, name + strlen(ROUTES_TABLE_PREFIX), &link) != -ENODEV)
		return 0;
	snprintf(e.name, sizeof(e.name), "%s", name);
	err = journal_find_elsewhere(&m->journal, &e, &ignored);
	if (err == -EBADMSG)
		return 0; /* a warning about the rules has been logged */
	if (err != -ENOENT)
		return err;
	*ret_was_zero |= nft_table_has_chain(six ? AF_INET6 : AF_INET, name, ROUTES_WAS_CHAIN) > 0;
	err = netdev_log(m, "nft delete table %s %s", six ? "ip6" : "ip", name);
	return err < 0 ? err : routes_undo_filter(m, &e);
}

static int remove_tables(struct netdev *m, bool *ret_was_zero)
{
	int err = 0;

	for (int six = 0; err == 0 && six <= 1; six++) {
		struct nft_table_names list = { 0 };

		err = nft_table_list(six ? AF_INET6 : AF_INET, ROUTES_TABLE_PREFIX, &list);
		for (size_t i = 0; err == 0 && i < list.n; i++)
			err = remove_table(m, list.v[i].name, six, ret_was_zero);
		free(list.v);
	}
	return err < 0 ? netdev_fail(m, err, "Cannot remove the tables of nf_tables: %s",
				 strerror(-err))
		       : 0;
}

int leftovers_remove(struct netdev *m, bool *ret_found)
{
	const struct journal_entry sysctl = {
		.kind = JOURNAL_SYSCTL, .name = ROUTES_VALID_MARK, .ours = "1", .was = "0"
	};
	bool was_zero = false;
	bool rules = false;
	int err = end_engines(m, ret_found);

	if (err == 0)
		err = remove_links(m, ret_found);
	if (err == 0)
		err = remove_rules(m, &rules);
	*ret_found |= rules;
	if (err == 0 && rules)
		err = remove_tables(m, &was_zero);
	if (err == 0 && was_zero) {
		err = routes_undo_sysctl(m, &sysctl);
		if (err < 0)
			netdev_fail(m, err, "Cannot restore %s:", ROUTES_VALID_MARK);
	} else if (err == 0 && rules) {
		log_info("net.ipv4.conf.all.src_valid_mark stays as it is: its value from before "
			 "the site is not known, as the journal is lost");
	}
	return err;
}
