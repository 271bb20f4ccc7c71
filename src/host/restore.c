/* SPDX-License-Identifier: MIT */
/* Restore what differs from the configuration. */
#include "host/restore.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/bridge.h"
#include "host/dns.h"
#include "host/members.h"
#include "host/routes.h"
#include "netlink/query.h"

/** The interface of a difference as it should be; it is in the list that was compared. */
static const struct wanted_link *find_wanted(
	const struct wanted *wanted, enum wanted_role role, const char *name)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (wanted->v[i].role == role && !strcmp(wanted->v[i].name, name))
			return &wanted->v[i];
	return NULL;
}

static int restore_addresses(
	struct netdev *m, const struct wanted_link *wanted, const struct link_info *link)
{
	int err = 0;

	for (size_t i = 0; err == 0 && wanted->addresses && i < wanted->addresses->n; i++)
		err = netdev_add_address(m, link, &wanted->addresses->v[i].prefix);
	return err;
}

/** Add missing routes. Rules, sysctl and filter do not depend on the interface's state. */
static int restore_routes(
	struct netdev *m, const struct route_plan *plan, const struct link_info *link)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < plan->n; i++)
		err = routes_restore_route(m, link, &plan->v[i]);
	return err;
}

/** Set an interface up, with what the kernel removed when it went down. */
static int restore_up(
	struct host *host, const struct wanted_link *wanted, const struct link_info *link)
{
	struct netdev *m = &host->netdev;
	int err = netdev_set_up(m, link);

	if (err == 0)
		err = restore_addresses(m, wanted, link);
	if (err == 0 && wanted->role == WANTED_WG)
		err = restore_routes(m, &host->plan, link);
	return err;
}

static int add_session(struct host *host, const struct conf_bridge *bridge, const char *name)
{
	const struct conf_session *session = conf_session_find(host->conf, name);
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = netdev_find(m, name, &link);

	if (err == 0 && session)
		err = bridge_add_session(m, bridge, session);
	return err ? err : netdev_set_up(m, &link);
}

/** Create a bridge again, with the Ethernet address it had, and all its ports. */
static int restore_bridge(
	struct host *host, const struct wanted *wanted, const struct wanted_link *bridge)
{
	const struct conf_bridge *conf = conf_bridge_find(host->conf, bridge->name);
	struct netdev *m = &host->netdev;
	int err;

	err = members_drop_bridge(m, bridge->name);
	if (err == 0)
		err = members_make_bridge(m, conf, bridge->has_mac ? bridge->mac : NULL);
	for (size_t i = 0; err == 0 && i < wanted->n; i++)
		if (wanted->v[i].role == WANTED_SESSION &&
			!strcmp(wanted->v[i].bridge, bridge->name))
			err = add_session(host, conf, wanted->v[i].name);
	return err;
}

/** Give a session's interface the Ethernet address of the one that was deleted. */
static int restore_mac(struct host *host, const char *name)
{
	const struct known_link *known = known_find(&host->known, WANTED_SESSION, name);
	struct link_info link;
	int err = netdev_find(&host->netdev, name, &link);

	return err < 0 || !known || !known->has_mac
		       ? err
		       : bridge_set_mac(&host->netdev, &link, known->mac);
}

int restore_wg(struct host *host, uint32_t mtu)
{
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = netdev_find(m, host->conf->interface.name, &link);

	if (err < 0 || link.flags & IFF_UP)
		return err;
	err = host_set_wg(host, mtu, &link);
	return err < 0 ? err : restore_routes(m, &host->plan, &link);
}

/** Make an interface of the engine again, with its addresses, routes and bridge. */
static int make_again(struct host *host, const struct wanted_link *w)
{
	const struct conf_session *session = conf_session_find(host->conf, w->name);
	struct netdev *m = &host->netdev;
	struct link_info link;
	int err = host->interfaces->make_again(host->interfaces->ctx, w->name, &m->error);

	if (err == 0)
		err = netdev_find(m, w->name, &link);
	if (err < 0)
		return err;
	known_made_again(&host->known, w->role, w->name, link.ifindex);
	if (w->role == WANTED_WG)
		return restore_wg(host, w->mtu);
	err = netdev_refuse_ra(m, w->name);
	if (err == 0)
		err = restore_mac(host, w->name);
	return err < 0 || !session ? err : host_set_session(host, host->conf, session, w->mtu);
}

static int restore_port(struct host *host, const struct wanted *wanted,
	const struct host_view *view, const struct wanted_link *port)
{
	const struct conf_bridge *conf = conf_bridge_find(host->conf, port->bridge);
	const struct wanted_link *bridge = find_wanted(wanted, WANTED_BRIDGE, port->bridge);
	const struct link_info *link = bridge ? difference_find(bridge, view) : NULL;

	if (!link || !conf)
		return netdev_fail(&host->netdev, -ENODEV,
			"The bridge %s does not exist\nIt is created again first.", port->bridge);
	if (port->role == WANTED_MEMBER)
		return members_ensure(&host->netdev, conf, link, port->name);
	return add_session(host, conf, port->name);
}

static int restore_port_settings(
	struct host *host, const struct wanted_link *w, const struct link_info *link)
{
	const struct conf_bridge *bridge = conf_bridge_find(host->conf, w->bridge);
	const struct conf_session *session = conf_session_find(host->conf, w->name);

	if (w->role == WANTED_BRIDGE)
		return bridge_forward_none(&host->netdev, link);
	if (!bridge || w->role == WANTED_MEMBER)
		return bridge ? bridge_set_member(&host->netdev, bridge, w->name) : 0;
	return session ? bridge_set_session(&host->netdev, bridge, session) : 0;
}

static int restore_route(
	struct host *host, const struct difference *d, const struct link_info *link)
{
	for (size_t i = 0; i < host->plan.n; i++) {
		const struct planned_route *route = &host->plan.v[i];

		if (route->table == d->table && route->dst.len == d->prefix.len &&
			ip_addr_equal(&route->dst.addr, &d->prefix.addr))
			return routes_restore_route(&host->netdev, link, route);
	}
	return 0;
}

/** Restore a route that the kernel had added with an address of the interface. */
static int restore_connected(struct netdev *m, const struct ip_prefix *address,
	const struct difference *d, const struct link_info *link)
{
	struct ip_prefix network = ip_prefix_masked(address);

	if (d->table == RT_TABLE_MAIN && ip_prefix_equal(&network, &d->prefix))
		return routes_restore_connected(m, link, address);
	if (d->table != RT_TABLE_LOCAL || !ip_addr_equal(&address->addr, &d->prefix.addr))
		return -ENOENT;
	/* not by adding the address again: with it, the kernel deletes what others have added */
	return routes_restore_local(m, link, &address->addr);
}

static int restore_a_route(struct host *host, const struct wanted_link *w,
	const struct difference *d, const struct link_info *link)
{
	int err = -ENOENT;

	for (size_t i = 0; w->addresses && i < w->addresses->n && err == -ENOENT; i++)
		err = restore_connected(&host->netdev, &w->addresses->v[i].prefix, d, link);
	if (err == -ENOENT && w->link_local.addr.family)
		err = restore_connected(&host->netdev, &w->link_local, d, link);
	return err == -ENOENT ? restore_route(host, d, link) : err;
}

static bool is_configured(const struct wanted_link *w, const struct ip_prefix *address)
{
	for (size_t i = 0; w->addresses && i < w->addresses->n; i++)
		if (ip_addr_equal(&w->addresses->v[i].prefix.addr, &address->addr))
			return true;
	return false;
}

/** Whether the kernel has made an address by itself; no if that is unclear. */
static bool is_made_by_kernel(const struct ifaddr_info *address, const struct link_info *link)
{
	struct ip_addr made = ip_addr_link_local(link->mac);

	if (!difference_is_link_local(address))
		return false;
	if (address->proto)
		return address->proto == IFAPROT_KERNEL_LL;
	return link->has_mac && ip_addr_equal(&address->prefix.addr, &made); /* before Linux 5.18 */
}

/** Disable the IPv6 link-local address of an interface again, and remove what the kernel made. */
static int restore_no_autoconf(struct netdev *m, const struct wanted_link *w)
{
	struct ifaddr_list list;
	struct link_info link;
	int err = netdev_find(m, w->name, &link);

	if (err == 0)
		err = netdev_no_autoconf(m, &link);
	if (err < 0 || query_addresses(&m->nl, AF_INET6, &list) < 0)
		return err;
	for (size_t i = 0; i < list.n && err == 0; i++)
		if (list.v[i].ifindex == link.ifindex && is_made_by_kernel(&list.v[i], &link) &&
			!is_configured(w, &list.v[i].prefix))
			err = netdev_delete_address(m, &link, &list.v[i].prefix);
	free(list.v);
	return err;
}

/** Whether restoring a difference changes an interface that exists. */
static bool needs_link(enum difference_kind kind)
{
	return kind != DIFFERENCE_ABSENT && kind < DIFFERENCE_RULE;
}

int restore_difference(struct host *host, const struct wanted *wanted, const struct host_view *view,
	const struct difference *d)
{
	const struct wanted_link *w = find_wanted(wanted, d->role, d->name);
	const struct link_info *link = view_link_index(view, d->ifindex);
	struct netdev *m = &host->netdev;

	if (!w || (!link && needs_link(d->kind)))
		return netdev_fail(m, -ENODEV, "There is no interface %s\n", d->name);
	switch (d->kind) {
	case DIFFERENCE_ABSENT:
		return w->role == WANTED_BRIDGE ? restore_bridge(host, wanted, w)
						: make_again(host, w);
	case DIFFERENCE_NAME:
		return netdev_rename(m, link, d->name);
	case DIFFERENCE_ALIAS:
		return netdev_set_alias(m, link);
	case DIFFERENCE_DOWN:
		return restore_up(host, w, link);
	case DIFFERENCE_PORT:
		return restore_port(host, wanted, view, w);
	case DIFFERENCE_MTU:
		return netdev_set_mtu(m, link, d->mtu);
	case DIFFERENCE_MAC:
		return bridge_set_mac(m, link, w->mac);
	case DIFFERENCE_FORWARD_DELAY:
	case DIFFERENCE_STP:
		return bridge_set_stp(m, link, w->stp);
	case DIFFERENCE_FDB_MAX:
		return bridge_limit_learning(m, link);
	case DIFFERENCE_SNOOPING:
		return bridge_set_snooping(m, link, w->multicast_snooping);
	case DIFFERENCE_ISOLATED:
	case DIFFERENCE_ROUTER_PORT:
	case DIFFERENCE_FORWARDS:
		return restore_port_settings(host, w, link);
	case DIFFERENCE_ADDRESS:
		return netdev_add_address(m, link, &d->prefix);
	case DIFFERENCE_ROUTE:
		return restore_a_route(host, w, d, link);
	case DIFFERENCE_LIFETIME:
		return netdev_renew_address(m, link, &d->prefix);
	case DIFFERENCE_RULE:
		return routes_restore_rules(
			m, &host->conf->interface, d->prefix.addr.family, d->table);
	case DIFFERENCE_VALID_MARK:
		return routes_restore_valid_mark(m);
	case DIFFERENCE_ACCEPT_RA:
		return netdev_refuse_ra(m, d->name);
	case DIFFERENCE_AUTOCONF:
		return restore_no_autoconf(m, w);
	case DIFFERENCE_FILTER:
		return routes_renew_filter(m, &host->conf->interface, &host->plan);
	case DIFFERENCE_DNS:
		return dns_set(m, &host->conf->interface);
	case DIFFERENCE_COUNT:
		break;
	}
	return 0;
}
