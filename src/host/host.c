/* SPDX-License-Identifier: MIT */
/* Configure the host around the engine, and undo it: addresses, routes, bridges, hooks. */
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/host_state.h"
#include "host/members.h"
#include "host/orphan.h"
#include "host/routes.h"
#include "host/running_conf.h"
#include "host/undo.h"
#include "netlink/query.h"

/* Groups of interfaces that exist only while they are deleted. */
#define GROUP_FIRST 0x57000000u
#define GROUP_MASK  0x00ffffffu

/** Free a site whose changes were undone, and release its lock. */
void host_free(struct host *host)
{
	route_plan_fini(&host->plan);
	known_fini(&host->known);
	netdev_close(&host->netdev);
	lockfile_release(&host->lock);
	conf_site_fini(host->resumed);
	free(host->resumed);
	free(host);
}

bool host_is_resumed(const struct host *host)
{
	return host->resuming;
}

struct netdev *host_netdev(struct host *host)
{
	return &host->netdev;
}

void host_make_sessions_by(struct host *host, host_make_fn *make, void *ctx)
{
	host->make = make;
	host->known.marked = make;
	host->make_ctx = ctx;
}

/* Give a session's interface that was made again the Ethernet address of the one before, which
 * other hosts and the bridge know. */
static void keep_mac(struct host *host, const struct link_info *link)
{
	const struct known_link *known = known_find(&host->known, WANTED_SESSION, link->name);

	if (!known || !known->has_mac || known->ifindex == link->ifindex)
		return;
	if (bridge_set_mac(&host->netdev, link, known->mac) < 0)
		log_warning("%s has another Ethernet address than before: %s", link->name,
			host->netdev.error.problem);
}

/* Remember the interfaces of the sessions, some of which may have been made just now. */
static void learn_sessions(struct host *host, const struct conf_site *conf)
{
	struct conf_session_walk walk = { .conf = conf };
	const struct conf_session *session;
	struct link_info link;

	while ((session = conf_next_session(&walk))) {
		if (query_link(&host->netdev.nl, session->name, &link) < 0 ||
			strcmp(link.alias, host->netdev.alias) != 0)
			continue;
		keep_mac(host, &link);
		known_made_again(&host->known, WANTED_SESSION, session->name, link.ifindex);
	}
}

int host_make_sessions(struct host *host, const struct conf_site *conf)
{
	int err = host->make ? host->make(host->make_ctx, conf, &host->netdev.error) : 0;

	if (host->make)
		learn_sessions(host, conf);
	return err;
}

uint32_t host_resumed_mark(const struct host *host)
{
	const struct journal *j = &host->netdev.journal;
	size_t i = journal_find(j, &(struct journal_entry){ JOURNAL_RULE_MARK });

	if (i == SIZE_MAX)
		i = journal_find(j, &(struct journal_entry){ JOURNAL_RULE_MARK, .six = true });
	return i == SIZE_MAX ? host->resumed->interface.fwmark : j->v[i].mark;
}

void host_leave(struct host *host)
{
	route_plan_fini(&host->plan);
	host_free(host);
}

int host_store_running(struct host *host, const struct conf_site *conf, struct error *ret_error)
{
	int err = running_conf_store(conf);

	host->stored = err == 0;
	return err < 0 ? error_set(ret_error, err,
				 "Cannot write the configuration of %s to the run folder:\n"
				 "If its process is killed, the next `up` makes the site again "
				 "instead of resuming it.",
				 conf->name)
		       : 0;
}

void host_set_mark(struct host *host, const struct conf_site *conf, uint32_t mark)
{
	host->mark = mark;
	host->mark_chosen = mark && !conf->interface.fwmark;
}

int host_set_wg(struct host *host, uint32_t mtu, struct link_info *ret)
{
	const struct conf_interface *wg = &host->conf->interface;
	struct netdev *m = &host->netdev;
	int err = netdev_find(m, wg->name, ret);

	if (err == 0)
		err = netdev_no_autoconf(m, ret);
	if (err == 0)
		err = netdev_refuse_ra(m, wg->name);
	if (err == 0)
		err = netdev_set_alias(m, ret);
	for (size_t i = 0; err == 0 && i < wg->addresses.n; i++)
		err = netdev_add_address(m, ret, &wg->addresses.v[i].prefix);
	if (err == 0)
		err = netdev_set_mtu(m, ret, mtu);
	return err < 0 ? err : netdev_set_up(m, ret);
}

static int set_up_wg(struct host *host, uint32_t mtu)
{
	const struct conf_interface *wg = &host->conf->interface;
	struct netdev *m = &host->netdev;
	struct link_info link;
	struct route_plan none = { 0 };
	uint32_t mark = 0;
	int err = host_set_wg(host, mtu, &link);

	if (err == 0)
		err = dns_set(m, wg);
	if (err == 0 && route_plan_make(host->conf, &host->plan) < 0)
		err = netdev_fail(m, -ENOMEM, "Out of memory");
	if (err == 0)
		err = routes_choose_mark(m, wg, &host->plan, 0, &mark);
	route_plan_set_table(&host->plan, mark);
	host_set_mark(host, host->conf, mark);
	return err ? err : routes_add(m, wg, &link, &host->plan, &none, false);
}

int host_set_session(struct host *host, const struct conf_site *conf,
	const struct conf_session *session, uint32_t mtu)
{
	const struct conf_bridge *bridge = conf_bridge_find(conf, session->bridge);
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = netdev_find(m, session->name, &link);

	if (err == 0 && (!bridge || !bridge->adopt))
		err = netdev_set_mtu(m, &link, mtu);
	if (err == 0 && bridge) {
		err = netdev_no_autoconf(m, &link);
		if (err == 0)
			err = bridge_add_session(m, bridge, session);
	}
	return err ? err : netdev_set_up(m, &link);
}

static int set_up(struct host *host, const struct host_mtus *mtus)
{
	struct conf_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;
	int err = set_up_wg(host, mtus->wg);

	if (err == 0)
		err = host_make_sessions(host, host->conf);
	if (err == 0 && known_set_mtus(&host->known, host->conf, mtus->wg, mtus->sessions) < 0)
		err = netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	for (size_t i = 0; err == 0 && i < host->conf->n_bridges; i++)
		err = members_make_bridge(&host->netdev, &host->conf->bridges[i], NULL);
	while (err == 0 && (session = conf_next_session(&walk))) {
		err = netdev_refuse_ra(&host->netdev, session->name);
		if (err == 0)
			err = host_set_session(
				host, host->conf, session, mtus->sessions[walk.i - 1]);
	}
	return err;
}

int host_up(struct host *host, const struct host_mtus *mtus, struct error *ret_error)
{
	int err = set_up(host, mtus);

	if (err < 0) {
		*ret_error = host->netdev.error;
		host_down(host);
	}
	return err;
}

uint32_t host_fwmark(const struct host *host)
{
	return host->mark;
}

/** Whether an interface with the name of one of the engine's is that one. */
static bool is_ours(const struct host *host, enum wanted_role role, const struct link_info *link)
{
	const struct known_link *known = known_find(&host->known, role, link->name);

	return !host->known.by_ifindex || !known || !known->ifindex ||
	       known->ifindex == link->ifindex;
}

/** Set the MTU of an interface of the engine. The guard reports one that does not exist. */
static int set_mtu(struct host *host, enum wanted_role role, const char *name, uint32_t mtu)
{
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = netdev_find(m, name, &link);

	if (err == -ENODEV || (err == 0 && !is_ours(host, role, &link)))
		return 0;
	return err < 0 ? err : netdev_set_mtu(m, &link, mtu);
}

int host_set_mtus(struct host *host, const struct host_mtus *mtus, struct error *ret_error)
{
	struct conf_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;
	int err;

	if (known_set_mtus(&host->known, host->conf, mtus->wg, mtus->sessions) < 0)
		return error_set(ret_error, -ENOMEM, "Out of memory");
	err = set_mtu(host, WANTED_WG, host->conf->interface.name, mtus->wg);
	while (err == 0 && (session = conf_next_session(&walk))) {
		const struct conf_bridge *b = conf_bridge_find(host->conf, session->bridge);

		if (b && b->adopt)
			continue; /* the MTU of the bridge, see bridge_add_session() */
		err = set_mtu(host, WANTED_SESSION, session->name, mtus->sessions[walk.i - 1]);
	}
	if (err < 0)
		*ret_error = host->netdev.error;
	return err;
}

/* A group that no interface is in, or 0 if that cannot be determined. */
static uint32_t free_group(struct netdev *m)
{
	struct rng rng = random_system();
	uint32_t group = GROUP_FIRST | (rng_u32(&rng) & GROUP_MASK);
	struct link_list list;
	bool used = false;

	if (query_links(&m->nl, &list) < 0)
		return 0;
	for (size_t i = 0; i < list.n; i++)
		used |= list.v[i].group == group;
	free(list.v);
	return used ? 0 : group;
}

/* Delete the interfaces of the sessions together. The engine would delete them one by one when it
 * closes its descriptors, and the kernel waits for other CPUs at each: 10 s for 500. What is not
 * deleted here is deleted then. */
static void delete_sessions(struct host *host)
{
	struct conf_session_walk walk = { .conf = host->conf };
	struct netdev *m = &host->netdev;
	uint32_t group = free_group(m);
	const struct conf_session *session;
	struct link_info link;
	struct nl_msg msg;
	size_t n = 0;
	int err;

	while (group && (session = conf_next_session(&walk)))
		if (query_link(&m->nl, session->name, &link) == 0 && !strcmp(link.kind, "tun") &&
			is_ours(host, WANTED_SESSION, &link) &&
			nl_request(&m->nl, link_encode_group(&msg, link.ifindex, group)) == 0)
			n++;
	err = n ? nl_request(&m->nl, link_encode_delete_group(&msg, group)) : 0;
	if (err < 0)
		log_info(
			"the sessions' interfaces cannot be deleted together: %s; they are deleted "
			"one by one",
			strerror(-err));
}

/** Remove the sessions from adopted bridges: the undo of the entry of such a bridge expects only
 * ports of other programs. */
static void leave_adopted(struct host *host)
{
	struct conf_session_walk walk = { .conf = host->conf };
	const struct conf_session *session;

	while ((session = conf_next_session(&walk))) {
		const struct conf_bridge *b = conf_bridge_find(host->conf, session->bridge);

		if (b && b->adopt)
			bridge_drop_session(&host->netdev, session->name);
	}
}

void host_down(struct host *host)
{
	running_conf_discard(host->conf->name);
	host->forgets = true;
	leave_adopted(host);
	(void)undo_journal(&host->netdev, UNDO_HOST); /* host_close() tries again, and reports */
	route_plan_fini(&host->plan);
	delete_sessions(host);
}

int host_close(struct host *host)
{
	int err;

	if (!host)
		return 0;
	if (host->forgets)
		orphan_forget(host->conf->name);
	err = undo_journal(&host->netdev, UNDO_ALL);
	if (err < 0)
		log_error("%s %s", host->netdev.error.problem, host->netdev.error.hint);
	host_free(host);
	return err;
}
