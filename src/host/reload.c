/* SPDX-License-Identifier: MIT */
/* Apply an edited configuration to a running site as a difference.
 *
 * What to remove is read from the journal; what to add is compared with the journal and the host.
 * So a reload that failed midway can be repeated.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "host/bridge.h"
#include "host/dns.h"
#include "host/host_state.h"
#include "host/members.h"
#include "host/restore.h"
#include "host/routes.h"
#include "host/undo.h"
#include "netlink/query.h"

/** Exchange addresses. New addresses are added twice, because the kernel may remove them together
 * with an older one of the same network. */
static int change_addresses(struct netdev *m, const struct link_info *link,
	const struct conf_prefixes *old, const struct conf_prefixes *new)
{
	bool deleted = false;
	int err = 0;

	for (size_t i = 0; err == 0 && i < new->n; i++)
		if (!conf_prefixes_has(old, &new->v[i].prefix))
			err = netdev_add_address(m, link, &new->v[i].prefix);
	for (size_t i = 0; err == 0 && i < old->n; i++)
		if (!conf_prefixes_has(new, &old->v[i].prefix)) {
			err = netdev_delete_address(m, link, &old->v[i].prefix);
			deleted = true;
		}
	for (size_t i = 0; err == 0 && deleted && i < new->n; i++)
		err = netdev_add_address(m, link, &new->v[i].prefix);
	return err;
}

/** Replace the installed routes by those of `plan`; if that fails, restore them. */
static int exchange_routes(struct host *host, const struct conf_site *conf,
	const struct link_info *link, const struct route_plan *plan, bool new_addresses)
{
	struct netdev *m = &host->netdev;
	struct error error;
	int err = routes_delete(m, link, &host->plan, plan);

	if (err == 0)
		err = routes_add(m, &conf->interface, link, plan, &host->plan, new_addresses);
	if (err == 0 && new_addresses)
		err = routes_renew_filter(m, &conf->interface, plan);
	if (err == 0)
		return 0;
	error = m->error;
	if (routes_delete(m, link, plan, &host->plan) < 0 ||
		routes_add(m, &host->conf->interface, link, &host->plan, plan, true) < 0)
		log_warning(
			"the routes to %s could not be restored: %s", link->name, m->error.problem);
	m->error = error;
	return err;
}

static int change_routes(struct host *host, const struct conf_site *conf,
	const struct link_info *link, bool new_addresses)
{
	struct netdev *m = &host->netdev;
	uint32_t mark = 0;
	struct route_plan plan;
	int err;

	if (route_plan_make(conf, &plan) < 0)
		return netdev_fail(m, -ENOMEM, "Out of memory");
	err = routes_choose_mark(
		m, &conf->interface, &plan, host->mark_chosen ? host->mark : 0, &mark);
	route_plan_set_table(&plan, mark);
	if (err == 0)
		err = exchange_routes(host, conf, link, &plan, new_addresses);
	if (err < 0) {
		route_plan_fini(&plan);
		return err;
	}
	route_plan_fini(&host->plan);
	host->plan = plan;
	host_set_mark(host, conf, mark);
	return 0;
}

static int change_wg(struct host *host, const struct conf_site *conf, uint32_t mtu)
{
	const struct conf_interface *old = &host->conf->interface;
	const struct conf_interface *new = &conf->interface;
	bool new_addresses = !conf_prefixes_equal(&old->addresses, &new->addresses);
	struct netdev *m = &host->netdev;
	struct link_info link;
	size_t noted;
	int err;

	if (strcmp(old->name, new->name) != 0)
		return netdev_fail(m, -EINVAL,
			"The WireGuard interface cannot change its name from %s to %s\n"
			"Stop and start the site: wirespan down, wirespan up.",
			old->name, new->name);
	err = netdev_find(m, new->name, &link);
	if (err == 0)
		err = change_addresses(m, &link, &old->addresses, &new->addresses);
	if (err == 0)
		err = netdev_set_mtu(m, &link, mtu);
	if (err == 0)
		err = change_routes(host, conf, &link, new_addresses);
	if (err < 0 || conf_texts_equal(&old->dns, &new->dns))
		return err;
	noted = journal_find(&m->journal, &(struct journal_entry){ JOURNAL_DNS });
	if (noted != SIZE_MAX)
		err = undo_entry(m, noted);
	return err < 0 ? err : dns_set(m, new);
}

/** Remove the members that the configuration no longer lists under their bridge. */
static int drop_members(struct host *host, const struct conf_site *conf)
{
	struct journal *j = &host->netdev.journal;
	int err = 0;

	for (size_t i = j->n; err == 0 && i-- > 0;) {
		const struct journal_entry *e = &j->v[i];
		const struct conf_bridge *bridge = conf_bridge_find(conf, e->bridge);

		if (e->kind == JOURNAL_MEMBER &&
			(!bridge || !conf_texts_has(&bridge->members, e->name)))
			err = undo_entry(&host->netdev, i);
	}
	return err;
}

static int drop_bridges(struct host *host, const struct conf_site *conf)
{
	struct journal *j = &host->netdev.journal;
	size_t i = j->n;
	int err = 0;

	while (err == 0 && i-- > 0) {
		const struct journal_entry e = j->v[i];

		if ((e.kind != JOURNAL_BRIDGE && e.kind != JOURNAL_ADOPT) ||
			conf_bridge_find(conf, e.name))
			continue;
		err = members_drop_bridge(&host->netdev, e.name);
		i = j->n; /* entries were removed: search again */
	}
	return err;
}

static int change_bridge(
	struct host *host, const struct conf_bridge *old, const struct conf_bridge *new)
{
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = query_link(&m->nl, new->name, &link);

	if (!old || err == -ENODEV) {
		err = members_drop_bridge(m, new->name); /* left by a failed reload, or deleted */
		return err < 0 ? err : members_make_bridge(m, new, NULL);
	}
	if (err < 0) {
		err = netdev_find(m, new->name, &link);
		if (err < 0)
			return err;
	}
	if (old->adopt != new->adopt)
		return netdev_fail(m, -EINVAL,
			"The bridge %s cannot change between ours and adopted while the site is "
			"up\n"
			"Stop and start the site: wirespan down, wirespan up.",
			new->name);
	if (new->adopt)
		return members_make_bridge(m, new, NULL);
	if (!bridge_is_ours(m, &link))
		return netdev_fail(m, -EEXIST,
			"%s is not the bridge that this site made\n"
			"Rename or remove it (ip link del %s), then reload again.",
			new->name, new->name);
	err = change_addresses(m, &link, &old->addresses, &new->addresses);
	if (err == 0 && old->stp != new->stp)
		err = bridge_set_stp(m, &link, new->stp);
	if (err == 0)
		err = bridge_set_snooping(m, &link, new->multicast_snooping);
	for (size_t i = 0; err == 0 && i < new->members.n; i++) {
		err = members_ensure(m, new, &link, new->members.v[i].text);
		if (err == -EBUSY || err == -EINVAL)
			err = 0; /* the guard reports a member that others have taken */
	}
	return err;
}

static int change_session(struct host *host, const struct conf_site *conf,
	const struct conf_session *new, uint32_t mtu)
{
	const struct conf_bridge *to = conf_bridge_find(conf, new->bridge);
	const struct conf_session *old = conf_session_find(host->conf, new->name);
	struct netdev *m = &host->netdev;
	struct link_info link;
	struct link_info bridge;
	struct nl_msg msg;
	int err = netdev_find(m, new->name, &link);

	if (err == 0 && !old)
		err = netdev_refuse_ra(m, new->name);
	if (err < 0)
		return err;
	if (to) {
		err = netdev_find(m, new->bridge, &bridge);
		if (err < 0)
			return err;
		if (link.master != bridge.ifindex || !(link.flags & IFF_UP))
			return host_set_session(host, conf, new, mtu);
		err = bridge_set_session(m, to, new);
		if (err < 0)
			return err;
	} else if (!old) {
		return host_set_session(host, conf, new, mtu);
	} else if (*old->bridge && link.master) {
		err = netdev_change(m, link_encode_master(&msg, link.ifindex, 0),
			"ip link set %s nomaster", new->name);
		if (err < 0)
			return err;
	}
	if (!to && !(link.flags & IFF_UP))
		return host_set_session(host, conf, new, mtu);
	return to && to->adopt ? 0 : netdev_set_mtu(m, &link, mtu);
}

/** Give the interfaces of the site their names and alias back, by which the rest finds them. */
static int restore_names(struct host *host)
{
	struct netdev *m = &host->netdev;
	int err = 0;

	for (size_t i = 0; err == 0 && i < host->known.n; i++) {
		const struct known_link *k = &host->known.links[i];
		struct link_info link;

		if (k->role == WANTED_MEMBER || k->adopted ||
			query_link_index(&m->nl, k->ifindex, &link) < 0)
			continue;
		if (strcmp(link.name, k->name) != 0)
			err = netdev_rename(m, &link, k->name);
		if (err == 0 && k->role != WANTED_SESSION && strcmp(link.alias, m->alias) != 0)
			err = netdev_set_alias(m, &link);
	}
	return err;
}

/** Check that the engine's interfaces exist, so that none of another program with the same name is
 * changed. */
static int check_interfaces(struct host *host, const struct conf_site *conf)
{
	struct netdev *m = &host->netdev;

	for (size_t i = 0; host->known.by_ifindex && i < host->known.n; i++) {
		const struct known_link *k = &host->known.links[i];
		struct link_info link;

		if (k->role == WANTED_MEMBER || k->role == WANTED_BRIDGE || !k->ifindex ||
			(k->role == WANTED_SESSION && !conf_session_find(conf, k->name)))
			continue;
		if (query_link_index(&m->nl, k->ifindex, &link) == -ENODEV)
			return netdev_fail(m, -ENODEV,
				"The interface %s of this site is gone\n"
				"It is made again when no other interface has its name: rename or "
				"remove that, and reload again.",
				k->name);
	}
	return 0;
}

static int reload(struct host *host, const struct conf_site *conf, const struct host_mtus *mtus)
{
	struct conf_session_walk walk = { .conf = conf };
	const struct conf_session *session;
	int err;

	err = journal_check_room(&host->netdev.journal);
	if (err < 0)
		return netdev_journal_failed(&host->netdev, err);
	err = check_interfaces(host, conf);
	if (err == 0)
		err = restore_names(host);
	if (err == 0)
		err = drop_members(host, conf);
	if (err == 0)
		err = restore_wg(host, mtus->wg);
	if (err == 0)
		err = change_wg(host, conf, mtus->wg);
	if (err == 0)
		err = host_make_sessions(host, conf);
	for (size_t i = 0; err == 0 && i < conf->n_bridges; i++)
		err = change_bridge(host, conf_bridge_find(host->conf, conf->bridges[i].name),
			&conf->bridges[i]);
	while (err == 0 && (session = conf_next_session(&walk)))
		err = change_session(host, conf, session, mtus->sessions[walk.i - 1]);
	if (err == 0 && known_set_mtus(&host->known, conf, mtus->wg, mtus->sessions) < 0)
		err = netdev_fail(&host->netdev, -ENOMEM, "Out of memory");
	if (err == 0)
		err = drop_bridges(host, conf);
	return err;
}

int host_reload(struct host *host, const struct conf_site *conf, const struct host_mtus *mtus,
	struct error *ret_error)
{
	const struct conf_site *old = host->conf;
	int err = reload(host, conf, mtus);

	if (err == 0) {
		host->conf = conf;
		err = host_note_hooks(host, JOURNAL_POST_DOWN);
	}
	if (err == 0)
		err = host_note_hooks(host, JOURNAL_PRE_DOWN);
	if (err < 0) {
		host->conf = old;
		*ret_error = host->netdev.error;
	}
	return err;
}

int host_take_over(struct host *host, const struct host_mtus *mtus, struct error *ret_error)
{
	const struct conf_site *conf = host->conf;
	uint32_t mark = host_resumed_mark(host);
	int err;

	if (route_plan_make(host->resumed, &host->plan) < 0)
		return error_set(ret_error, -ENOMEM, "Out of memory");
	route_plan_set_table(&host->plan, mark);
	host->conf = host->resumed;
	host_set_mark(host, host->conf, mark);
	err = host_reload(host, conf, mtus, ret_error);
	host->conf = conf;
	return err;
}
