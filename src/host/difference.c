/* SPDX-License-Identifier: MIT */
/* Compare the host with the configuration. */
#include "host/difference.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "host/bridge.h"
#include "host/routes.h"

static const char *const kind_names[] = { "absent", "name", "alias", "down", "port", "mtu", "mac",
	"stp", "forward_delay", "fdb_max_learned", "multicast_snooping", "isolated",
	"multicast_router", "forward_control", "address", "address_lifetime", "route", "rule",
	"src_valid_mark", "accept_ra", "addr_gen_mode", "filter", "dns" };
_Static_assert(ARRAY_LEN(kind_names) == DIFFERENCE_COUNT, "every kind has a name");

/** A comparison in progress. */
struct comparison {
	const struct wanted *wanted;
	const struct host_view *view;
	struct differences *list;
	struct difference spare; /* filled instead, if there is no memory */
	bool no_memory;
};

const char *difference_kind_name(enum difference_kind kind)
{
	return kind_names[kind];
}

bool difference_equal(const struct difference *a, const struct difference *b)
{
	return a->kind == b->kind && a->role == b->role && !strcmp(a->name, b->name) &&
	       a->ifindex == b->ifindex && ip_prefix_equal(&a->prefix, &b->prefix) &&
	       a->table == b->table;
}

const struct link_info *difference_find(
	const struct wanted_link *wanted, const struct host_view *view)
{
	const struct link_info *known = view_link_index(view, wanted->ifindex);
	const struct link_info *named = view_link(view, wanted->name);

	switch (wanted->role) {
	case WANTED_MEMBER:
		return named ? named : known;
	case WANTED_BRIDGE:
		if (known || !named)
			return known;
		if (wanted->adopted)
			return strcmp(named->kind, "bridge") != 0 ? NULL : named;
		return bridge_has_alias(named, wanted->alias) ? named : NULL;
	case WANTED_WG:
	case WANTED_SESSION:
		return known || (wanted->by_ifindex && wanted->ifindex) ? known : named;
	}
	return NULL;
}

/** Add a difference to the list. Return: it, or the spare one if there is no memory. */
static __attribute__((format(printf, 5, 6))) struct difference *add(struct comparison *c,
	const struct wanted_link *wanted, const struct link_info *link, enum difference_kind kind,
	const char *format, ...)
{
	struct difference *d = array_grow(&c->list->v, &c->list->n, sizeof(*d));
	va_list args;

	c->no_memory |= !d;
	if (!d)
		d = &c->spare;
	*d = (struct difference){
		.kind = kind, .role = wanted->role, .ifindex = link ? link->ifindex : 0
	};
	snprintf(d->name, sizeof(d->name), "%s", wanted->name);
	va_start(args, format);
	vsnprintf(d->text, sizeof(d->text), format, args);
	va_end(args);
	return d;
}

static void compare_absent(struct comparison *c, const struct wanted_link *wanted)
{
	const struct link_info *named;
	struct difference *d;

	switch (wanted->role) {
	case WANTED_MEMBER:
		d = add(c, wanted, NULL, DIFFERENCE_ABSENT,
			"There is no interface %s, a member of %s", wanted->name, wanted->bridge);
		d->remedy = DIFFERENCE_WAIT;
		return;
	case WANTED_BRIDGE:
		if (wanted->adopted) {
			d = add(c, wanted, NULL, DIFFERENCE_ABSENT, "There is no bridge %s to join",
				wanted->name);
			d->remedy = DIFFERENCE_WAIT;
			return;
		}
		if (!view_link(c->view, wanted->name)) {
			add(c, wanted, NULL, DIFFERENCE_ABSENT, "There is no bridge %s",
				wanted->name);
			return;
		}
		d = add(c, wanted, NULL, DIFFERENCE_ABSENT,
			"The bridge %s is gone, and another interface has its name", wanted->name);
		d->remedy = DIFFERENCE_LEAVE;
		return;
	case WANTED_WG:
	case WANTED_SESSION:
		named = view_link(c->view, wanted->name);
		d = add(c, wanted, NULL, DIFFERENCE_ABSENT,
			named		? "The interface %s is gone, and another one has its name"
			: wanted->moved ? "The interface %s is in another network namespace"
					: "There is no interface %s",
			wanted->name);
		d->moved = wanted->moved && !named;
		if (named || !wanted->deleted)
			d->remedy = DIFFERENCE_LEAVE;
		return;
	}
}

static void compare_name(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	struct difference *d;

	if (!strcmp(link->name, wanted->name))
		return;
	d = add(c, wanted, link, DIFFERENCE_NAME, "%s has been renamed to %s%s", wanted->name,
		link->name,
		view_link(c->view, wanted->name) ? ", and another interface has its name" : "");
	memcpy(d->found, link->name, sizeof(d->found));
	if (wanted->role == WANTED_MEMBER || view_link(c->view, wanted->name))
		d->remedy = DIFFERENCE_LEAVE;
}

static const struct wanted_link *find_bridge(const struct comparison *c, const char *name)
{
	for (size_t i = 0; i < c->wanted->n; i++)
		if (c->wanted->v[i].role == WANTED_BRIDGE && !strcmp(c->wanted->v[i].name, name))
			return &c->wanted->v[i];
	return NULL;
}

/** Compare the bridge that an interface is a port of. A member that is a port of another interface
 * is left there, because the kernel would move it silently. Return: whether it is where it should
 * be. */
static bool compare_port(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	const struct wanted_link *wanted_bridge = find_bridge(c, wanted->bridge);
	const struct link_info *bridge =
		wanted_bridge ? difference_find(wanted_bridge, c->view) : NULL;
	const struct link_info *master = view_link_index(c->view, link->master);
	struct difference *d;

	if (!bridge || link->master == bridge->ifindex)
		return bridge; /* a missing bridge is a separate difference */
	if (wanted->role == WANTED_MEMBER && !bridge_can_hold(link)) {
		d = add(c, wanted, link, DIFFERENCE_PORT,
			"%s is no Ethernet interface, or a bridge, and cannot be a port of %s",
			wanted->name, wanted->bridge);
		d->remedy = DIFFERENCE_LEAVE;
		return false;
	}
	if (!link->master) {
		add(c, wanted, link, DIFFERENCE_PORT, "%s is not a port of %s", wanted->name,
			wanted->bridge)
			->later = wanted_bridge->adopted;
		return false;
	}
	d = add(c, wanted, link, DIFFERENCE_PORT, "%s is a port of %s instead of %s", wanted->name,
		master ? master->name : "another interface", wanted->bridge);
	if (master)
		memcpy(d->found, master->name, sizeof(d->found));
	if (wanted->role == WANTED_MEMBER)
		d->remedy = DIFFERENCE_LEAVE;
	return false;
}

/** Compare the settings of a port of its bridge. */
static void compare_port_settings(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	const struct link_port *want = &wanted->port;
	const struct link_port *have = &link->port;

	if (have->forward_control != want->forward_control)
		add(c, wanted, link, DIFFERENCE_FORWARDS,
			"The group_fwd_mask of %s is 0x%x instead of 0x%x, as ForwardControl wants "
			"it",
			wanted->name, have->forward_control, want->forward_control);
	if (wanted->role == WANTED_MEMBER)
		return;
	if (have->isolated != want->isolated)
		add(c, wanted, link, DIFFERENCE_ISOLATED,
			want->isolated ? "%s is not isolated from other sessions, although "
					 "SplitHorizon = yes"
				       : "%s is isolated, but SplitHorizon is not yes",
			wanted->name);
	if (link->has_multicast && have->multicast_router != want->multicast_router)
		add(c, wanted, link, DIFFERENCE_ROUTER_PORT,
			"The multicast_router setting of %s is %u instead of %u", wanted->name,
			have->multicast_router, want->multicast_router);
}

/** The smallest MTU of a bridge's ports, or 0 without ports. */
static uint32_t ports_mtu(const struct host_view *view, uint32_t bridge)
{
	uint32_t mtu = 0;

	for (size_t i = 0; i < view->links.n; i++)
		if (view->links.v[i].master == bridge && (!mtu || view->links.v[i].mtu < mtu))
			mtu = view->links.v[i].mtu;
	return mtu;
}

/** The wanted MTU of a bridge; 0, not compared, while a session's MTU differs from the wanted one,
 * because the bridge follows its ports. */
static uint32_t bridge_mtu(
	const struct comparison *c, const struct wanted_link *bridge, const struct link_info *link)
{
	for (size_t i = 0; i < c->wanted->n; i++) {
		const struct wanted_link *w = &c->wanted->v[i];
		const struct link_info *port;

		if (w->role != WANTED_SESSION || strcmp(w->bridge, bridge->name) != 0)
			continue;
		port = difference_find(w, c->view);
		if (port && w->mtu && port->mtu != w->mtu)
			return 0;
	}
	return ports_mtu(c->view, link->ifindex);
}

static void compare_mtu(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	uint32_t mtu = wanted->role == WANTED_BRIDGE ? bridge_mtu(c, wanted, link) : wanted->mtu;
	struct difference *d;

	if (!mtu || link->mtu == mtu)
		return;
	d = add(c, wanted, link, DIFFERENCE_MTU, "The MTU of %s is %" PRIu32 " instead of %" PRIu32,
		wanted->name, link->mtu, mtu);
	d->mtu = mtu;
}

static void compare_bridge(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	if (link->has_stp && (link->stp_state != 0) != wanted->stp)
		add(c, wanted, link, DIFFERENCE_STP,
			wanted->stp ? "%s runs no spanning tree, although [Bridge] sets STP = yes"
				    : "%s runs the spanning tree protocol, but [Bridge] does not "
				      "set STP = yes",
			wanted->name);
	else if (!wanted->stp && link->forward_delay)
		add(c, wanted, link, DIFFERENCE_FORWARD_DELAY,
			"The forward_delay of %s is %.2f s instead of 0, so that a new port waits",
			wanted->name, (double)link->forward_delay / 100);
	if (wanted->fdb_max && link->has_fdb_max && link->fdb_max != wanted->fdb_max)
		add(c, wanted, link, DIFFERENCE_FDB_MAX,
			"The fdb_max_learned of %s is %" PRIu32 " instead of %" PRIu32,
			wanted->name, link->fdb_max, wanted->fdb_max);
	if (link->has_multicast && (link->multicast_snooping != 0) != wanted->multicast_snooping)
		add(c, wanted, link, DIFFERENCE_SNOOPING,
			wanted->multicast_snooping
				? "%s does not snoop multicast, although [Bridge] sets "
				  "MulticastSnooping = yes"
				: "%s snoops multicast, but [Bridge] does not set "
				  "MulticastSnooping = yes",
			wanted->name);
	if (link->forward_control)
		add(c, wanted, link, DIFFERENCE_FORWARDS,
			"The group_fwd_mask of %s is 0x%x instead of 0, so that all its ports "
			"forward these control frames",
			wanted->name, link->forward_control);
	if (wanted->has_mac && link->has_mac && memcmp(wanted->mac, link->mac, LINK_MAC_LEN) != 0)
		add(c, wanted, link, DIFFERENCE_MAC, "The Ethernet address of %s has changed",
			wanted->name);
}

/** The address of an interface, or NULL. */
static const struct ifaddr_info *find_address(
	const struct host_view *view, uint32_t ifindex, const struct ip_prefix *address)
{
	for (size_t i = 0; i < view->addresses.n; i++) {
		const struct ifaddr_info *a = &view->addresses.v[i];

		if (a->ifindex == ifindex && ip_prefix_equal(&a->prefix, address))
			return a;
	}
	return NULL;
}

bool difference_is_link_local(const struct ifaddr_info *address)
{
	return address->prefix.addr.family == AF_INET6 && address->scope == RT_SCOPE_LINK;
}

static bool has_link_local(const struct host_view *view, uint32_t ifindex)
{
	for (size_t i = 0; i < view->addresses.n; i++)
		if (view->addresses.v[i].ifindex == ifindex &&
			difference_is_link_local(&view->addresses.v[i]))
			return true;
	return false;
}

static void add_address(struct comparison *c, const struct wanted_link *wanted,
	const struct link_info *link, const struct ip_prefix *address)
{
	char text[IP_PREFIX_TEXT_LEN];

	add(c, wanted, link, DIFFERENCE_ADDRESS, "%s does not have the address %s", wanted->name,
		ip_prefix_text(address, text))
		->prefix = *address;
}

static void compare_addresses(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	for (size_t i = 0; wanted->addresses && i < wanted->addresses->n; i++) {
		const struct ip_prefix *address = &wanted->addresses->v[i].prefix;
		const struct ifaddr_info *is = find_address(c->view, link->ifindex, address);
		char text[IP_PREFIX_TEXT_LEN];

		if (!is)
			add_address(c, wanted, link, address);
		else if (!(is->flags & IFA_F_PERMANENT) || is->flags & IFA_F_DEPRECATED)
			add(c, wanted, link, DIFFERENCE_LIFETIME, "The address %s of %s %s",
				ip_prefix_text(address, text), wanted->name,
				is->flags & IFA_F_PERMANENT ? "is deprecated" : "will expire")
				->prefix = *address;
	}
	if (wanted->link_local.addr.family && !has_link_local(c->view, link->ifindex))
		add_address(c, wanted, link, &wanted->link_local);
}

static size_t family_index(uint16_t family)
{
	return family == AF_INET6;
}

static bool has_route(
	const struct host_view *view, uint32_t ifindex, const struct planned_route *route)
{
	const struct route_list *list = &view->routes[family_index(route->dst.addr.family)];

	for (size_t i = 0; i < list->n; i++)
		if (routes_match(&list->v[i], ifindex, route))
			return true;
	return false;
}

/** Whether the interface has the route of the local table that delivers packets to an address. */
static bool has_local(const struct host_view *view, uint32_t ifindex, const struct ip_addr *addr)
{
	const struct route_list *list = &view->routes[family_index(addr->family)];

	for (size_t i = 0; i < list->n; i++) {
		const struct route_info *route = &list->v[i];

		if (route->type == RTN_LOCAL && route->ifindex == ifindex &&
			ip_addr_equal(&route->dst.addr, addr))
			return true;
	}
	return false;
}

static void add_route(struct comparison *c, const struct wanted_link *wanted,
	const struct link_info *link, const struct ip_prefix *dst, uint32_t table)
{
	char text[IP_PREFIX_TEXT_LEN];
	struct difference *d = add(c, wanted, link, DIFFERENCE_ROUTE,
		table == RT_TABLE_LOCAL ? "There is no local route to %s by %s"
					: "There is no route to %s by %s",
		ip_prefix_text(dst, text), wanted->name);

	d->prefix = *dst;
	d->table = table;
}

/** Compare the routes that the kernel has added with an address: to its network, and to itself. */
static void compare_connected(struct comparison *c, const struct wanted_link *wanted,
	const struct link_info *link, const struct ip_prefix *address)
{
	const struct ifaddr_info *is = find_address(c->view, link->ifindex, address);
	bool six = address->addr.family == AF_INET6;
	struct planned_route route = { ip_prefix_masked(address), RT_TABLE_MAIN, false };
	struct ip_prefix host = { address->addr, (uint8_t)ip_addr_bits(&address->addr) };

	if (!is || is->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
		return;
	if ((!six || wanted->local6) && !has_local(c->view, link->ifindex, &address->addr))
		add_route(c, wanted, link, &host, RT_TABLE_LOCAL);
	if (address->len == host.len || has_route(c->view, link->ifindex, &route) ||
		(c->wanted->plan && route_plan_has(c->wanted->plan, &route)))
		return;
	for (size_t i = 0; i < c->list->n; i++) { /* of another address in the same network */
		const struct difference *d = &c->list->v[i];

		if (d->kind == DIFFERENCE_ROUTE && d->ifindex == link->ifindex &&
			d->table == RT_TABLE_MAIN && ip_prefix_equal(&d->prefix, &route.dst))
			return;
	}
	add_route(c, wanted, link, &route.dst, RT_TABLE_MAIN);
}

/** Compare the kernel's routes of all addresses. An interface in a VRF has them in its table. */
static void compare_kernel_routes(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	if (link->master)
		return;
	for (size_t i = 0; wanted->addresses && i < wanted->addresses->n; i++)
		compare_connected(c, wanted, link, &wanted->addresses->v[i].prefix);
	if (wanted->link_local.addr.family)
		compare_connected(c, wanted, link, &wanted->link_local);
}

static bool has_rule(const struct host_view *view, const struct rule_info *rule)
{
	const struct rule_list *list = &view->rules[rule->family == AF_INET6];

	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].protocol == RULE_PROTOCOL && routes_rules_equal(&list->v[i], rule))
			return true;
	return false;
}

/** Compare the two policy rules of a default route. They are restored together, because their order
 * matters. */
static void compare_rules(
	struct comparison *c, const struct wanted_link *wanted, const struct planned_route *route)
{
	struct rule_info outer = routes_rule_marked(route->dst.addr.family, route->table);
	struct rule_info inner = routes_rule_main(route->dst.addr.family);
	struct difference *d;

	if (has_rule(c->view, &outer) && has_rule(c->view, &inner))
		return;
	d = add(c, wanted, NULL, DIFFERENCE_RULE,
		"A policy rule of the default route (table %" PRIu32 ", IPv%d) is missing",
		route->table, route->dst.addr.family == AF_INET6 ? 6 : 4);
	d->prefix = route->dst;
	d->table = route->table;
}

static void compare_routes(
	struct comparison *c, const struct wanted_link *wanted, const struct link_info *link)
{
	const struct route_plan *plan = c->wanted->plan;

	for (size_t i = 0; plan && i < plan->n; i++) {
		const struct planned_route *route = &plan->v[i];

		if (!has_route(c->view, link->ifindex, route))
			add_route(c, wanted, link, &route->dst, route->table);
		if (route->by_rule)
			compare_rules(c, wanted, route);
	}
}

static void compare_link(struct comparison *c, const struct wanted_link *wanted)
{
	const struct link_info *link = difference_find(wanted, c->view);
	bool is_port;

	if (!link) {
		compare_absent(c, wanted);
		return;
	}
	if (wanted->adopted)
		return;
	compare_name(c, wanted, link);
	if (wanted->alias && strcmp(link->alias, wanted->alias) != 0)
		add(c, wanted, link, DIFFERENCE_ALIAS,
			"%s has lost its alias \"%s\", which marks it as wirespan's", wanted->name,
			wanted->alias);
	if (wanted->role == WANTED_BRIDGE)
		compare_bridge(c, wanted, link);
	is_port = *wanted->bridge && compare_port(c, wanted, link);
	if (wanted->role == WANTED_MEMBER && !is_port)
		return; /* outside our bridge, we do not own a member's other settings */
	if (is_port && wanted->has_port)
		compare_port_settings(c, wanted, link);
	compare_mtu(c, wanted, link);
	if (!(link->flags & IFF_UP)) {
		add(c, wanted, link, DIFFERENCE_DOWN, "%s is down", wanted->name);
		return;
	}
	compare_addresses(c, wanted, link);
	compare_kernel_routes(c, wanted, link);
	if (wanted->role == WANTED_WG)
		compare_routes(c, wanted, link);
}

/** Whether the interface of a setting is the site's, and not another one that has its name. */
static bool is_of_site(const struct comparison *c, const struct wanted_setting *s)
{
	const struct link_info *link = NULL;

	for (size_t i = 0; !link && i < c->wanted->n; i++) {
		const struct wanted_link *w = &c->wanted->v[i];

		if (w->role == s->role && !strcmp(w->name, s->link))
			link = difference_find(w, c->view);
	}
	return link && !strcmp(link->name, s->link);
}

/** Add a setting that is not as wanted any more. */
static void compare_setting(struct comparison *c, const struct wanted_setting *s)
{
	const struct wanted_link of = { .role = s->role, .name = s->link };
	struct difference *d;

	if (!s->seen || s->state != SETTING_OTHER)
		return;
	if ((s->kind == DIFFERENCE_ACCEPT_RA || s->kind == DIFFERENCE_AUTOCONF) &&
		!is_of_site(c, s))
		return;
	if (s->kind == DIFFERENCE_VALID_MARK)
		d = add(c, &of, NULL, s->kind,
			"The sysctl net.ipv4.conf.all.src_valid_mark, which the default route by "
			"%s "
			"needs, is not 1 any more",
			s->link);
	else if (s->kind == DIFFERENCE_ACCEPT_RA)
		d = add(c, &of, NULL, s->kind,
			"The sysctl net.ipv6.conf.%s.accept_ra is not 0 any more", s->link);
	else if (s->kind == DIFFERENCE_AUTOCONF)
		d = add(c, &of, NULL, s->kind,
			"The sysctl net.ipv6.conf.%s.addr_gen_mode is not 1 any more, so that the "
			"interface has an IPv6 address of its own",
			s->link);
	else if (s->kind == DIFFERENCE_FILTER)
		d = add(c, &of, NULL, s->kind,
			s->changed ? "The rules of the nftables table %s " ROUTES_TABLE_PREFIX
				     "%s are not those of the site any more"
				   : "The nftables table %s " ROUTES_TABLE_PREFIX "%s is missing",
			s->family == AF_INET6 ? "ip6" : "ip", s->link);
	else
		d = add(c, &of, NULL, s->kind,
			"The name servers of %s ([Interface] DNS) are not in resolv.conf any more",
			s->link);
	d->prefix.addr.family = s->family;
}

int difference_compare(
	const struct wanted *wanted, const struct host_view *view, struct differences *ret)
{
	struct comparison c = { .wanted = wanted, .view = view, .list = ret };

	*ret = (struct differences){ 0 };
	for (size_t i = 0; i < wanted->n; i++)
		compare_link(&c, &wanted->v[i]);
	for (size_t i = 0; i < wanted->n_settings; i++)
		compare_setting(&c, &wanted->settings[i]);
	if (!c.no_memory)
		return 0;
	free(ret->v);
	*ret = (struct differences){ 0 };
	return -ENOMEM;
}
