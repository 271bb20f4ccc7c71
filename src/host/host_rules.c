/* SPDX-License-Identifier: MIT */
/* Configuration errors that depend on this host. */
#include "host/host_rules.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "conf/check_endpoint.h"
#include "host/member_rules.h"
#include "host/route_plan.h"

#define ROUTE_HOP_LEN 48

/* What the rules need. */
struct rules {
	const struct conf_site *site;
	const struct host_facts *facts;
	enum conf_severity severity; /* of problems that PreUp can solve */
	struct conf_report *report;
};

/* ---- names ---- */

/* Report an existing interface with the name of one that the site creates. */
static void check_absent(
	const struct rules *r, const char *name, struct conf_at at, struct conf_at section)
{
	const struct link_info *link = host_facts_link(r->facts, name);
	const struct link_info *other = host_facts_altname(r->facts, name);

	if (other)
		conf_report_add(r->report, CONF_ERROR, at.line ? at : section,
			"Name: \"%s\" is an alternative name of the interface \"%s\"\n"
			"set another Name =, or remove that one: ip link property del dev %s "
			"altname %s",
			name, other->name, other->name, name);
	if (link && !host_facts_is_ours(r->facts, link))
		conf_report_add(r->report, CONF_ERROR, at.line ? at : section,
			"Name: an interface \"%s\" exists already%s%s\n"
			"remove it (ip link del %s), or set another Name =",
			name, *link->kind ? ", of type " : "", link->kind, name);
}

/* Report an existing bridge without Adopt, or a missing one with Adopt. */
static void check_bridge(const struct rules *r, const struct conf_bridge *b)
{
	const struct link_info *link = host_facts_link(r->facts, b->name);
	const struct link_info *other = host_facts_altname(r->facts, b->name);
	struct conf_at at = b->at[CONF_BRIDGE_NAME].line ? b->at[CONF_BRIDGE_NAME] : b->section;
	bool foreign = link && !strcmp(link->kind, "bridge") && !host_facts_is_ours(r->facts, link);

	if (!b->adopt && foreign)
		conf_report_add(r->report, CONF_ERROR, at,
			"Name: a bridge \"%s\" exists already, which another program made\n"
			"to join it, add Adopt = yes; else set another Name =",
			b->name);
	else if (!b->adopt)
		check_absent(r, b->name, b->at[CONF_BRIDGE_NAME], b->section);
	else if (other)
		conf_report_add(r->report, CONF_ERROR, at,
			"Adopt: \"%s\" is an alternative name of \"%s\"\nwrite Name = %s", b->name,
			other->name, other->name);
	else if (!link)
		conf_report_add(r->report, r->severity, at,
			"Adopt: there is no bridge \"%s\" on this host\n"
			"start what makes it first, or remove Adopt = yes to have one made here",
			b->name);
	else if (!foreign)
		conf_report_add(r->report, CONF_ERROR, at,
			"Adopt: \"%s\" is no bridge of another program\n"
			"name the bridge to join; `ip link show type bridge` lists them",
			b->name);
	else if (link->filters_vlans && !r->site->interface.post_up.n)
		conf_report_add(r->report, CONF_WARNING, at,
			"Adopt: the bridge \"%s\" filters VLANs, so a session carries its default "
			"VLAN alone\n"
			"if others are to cross, write in [Interface], for the session l2tpeth0: "
			"PostUp = bridge vlan add vid 10-20 dev l2tpeth0",
			b->name);
}

static void check_names(const struct rules *r)
{
	const struct conf_interface *wg = &r->site->interface;
	struct conf_session_walk walk = { r->site };
	const struct conf_session *s;

	check_absent(r, wg->name, wg->at[CONF_INTERFACE_NAME], wg->section);
	while ((s = conf_next_session(&walk)))
		check_absent(r, s->name, s->at[CONF_SESSION_NAME], s->section);
	for (size_t i = 0; i < r->site->n_bridges; i++)
		check_bridge(r, &r->site->bridges[i]);
}

/* ---- IPv6 ---- */

/* Report an IPv6 address or route of an interface that cannot have any. */
static void check_ipv6(const struct rules *r, const char *interface, const char *key,
	const struct conf_prefix *value)
{
	char text[IP_PREFIX_TEXT_LEN];

	if (value->prefix.addr.family != AF_INET6)
		return;
	ip_prefix_text(&value->prefix, text);
	switch (r->facts->ipv6(r->facts->ctx, interface)) {
	case HOST_IPV6_DISABLED:
		conf_report_add(r->report, r->severity, value->at,
			"%s: %s is IPv6, which this host has disabled\n"
			"remove it, or enable IPv6: sysctl -w net.ipv6.conf.default.disable_ipv6=0",
			key, text);
		break;
	case HOST_IPV6_ABSENT:
		conf_report_add(r->report, r->severity, value->at,
			"%s: %s is IPv6, which this kernel does not have\n"
			"remove it, or start the kernel without ipv6.disable=1",
			key, text);
		break;
	case HOST_IPV6_ON:
		break;
	}
}

static void check_all_ipv6(const struct rules *r)
{
	const struct conf_interface *wg = &r->site->interface;

	for (size_t i = 0; i < wg->addresses.n; i++)
		check_ipv6(r, wg->name, "Address", &wg->addresses.v[i]);
	for (size_t i = 0; i < r->site->n_bridges; i++) {
		const struct conf_bridge *b = &r->site->bridges[i];

		for (size_t k = 0; k < b->addresses.n; k++)
			check_ipv6(r, b->name, "Address", &b->addresses.v[k]);
	}
	for (size_t i = 0; wg->table != CONF_TABLE_OFF && i < r->site->n_peers; i++) {
		const struct conf_prefixes *allowed = &r->site->peers[i].allowed_ips;

		for (size_t k = 0; k < allowed->n; k++)
			check_ipv6(r, wg->name, "AllowedIPs", &allowed->v[k]);
	}
}

/* ---- name servers ---- */

/* Report DNS that cannot be set. A warning: what is validated here may be for another host. */
static void check_dns(const struct rules *r)
{
	const struct conf_interface *wg = &r->site->interface;

	if (r->facts->no_resolvconf)
		conf_report_add(r->report, CONF_WARNING, wg->at[CONF_INTERFACE_DNS],
			"DNS: this host has no resolvconf, without which it cannot be set\n"
			"install openresolv or systemd-resolved's resolvconf before up, or remove "
			"DNS");
}

/* ---- the port and the endpoints ---- */

static void check_port(const struct rules *r)
{
	const struct conf_interface *wg = &r->site->interface;

	if (r->facts->port_taken)
		conf_report_add(r->report, r->severity, wg->at[CONF_INTERFACE_LISTEN_PORT],
			"ListenPort: UDP port %u is in use by another program\n"
			"`ss -ulpn` shows which; stop it, or choose another port on both sites",
			wg->listen_port);
}

static bool is_loopback(const struct ip_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->bytes[0] == 127 : !memcmp(a->bytes, one, sizeof(one));
}

/* Report the zone of an endpoint that is no interface of this host. */
static void check_zone(const struct rules *r, const struct conf_peer *peer)
{
	const char *zone = conf_endpoint_zone(peer);

	if (zone && !host_facts_zone(r->facts, zone))
		conf_report_add(r->report, CONF_WARNING, peer->at[CONF_PEER_ENDPOINT],
			"Endpoint: there is no interface \"%s\" on this host, by which %s is "
			"reached\n"
			"write the interface that leads to the peer after the %%; `ip link` lists "
			"them",
			zone, peer->endpoint_host);
}

/* Report an endpoint that is the broadcast address of a network of this host. */
static void check_broadcast(
	const struct rules *r, const struct conf_peer *peer, const struct ip_addr *addr)
{
	for (size_t i = 0; i < r->facts->addresses.n; i++) {
		const struct ifaddr_info *a = &r->facts->addresses.v[i];
		const struct link_info *link = host_facts_index(r->facts, a->ifindex);

		if (!link || !conf_prefix_is_broadcast(&a->prefix, addr))
			continue;
		conf_report_add(r->report, CONF_WARNING, peer->at[CONF_PEER_ENDPOINT],
			"Endpoint: %s is the broadcast address of the network of \"%s\"\n"
			"write the address of the peer's host",
			peer->endpoint_host, link->name);
		return;
	}
}

/* Report an endpoint that is an address of this host. A local proxy is one on another port. */
static void check_endpoint(const struct rules *r, const struct conf_peer *peer)
{
	struct conf_at at = peer->at[CONF_PEER_ENDPOINT];
	bool own_port = peer->endpoint_port == r->site->interface.listen_port;
	const struct ifaddr_info *own = NULL;
	const struct link_info *link;
	struct ip_addr addr;
	bool loopback;

	if (!conf_endpoint_addr(peer, &addr))
		return;
	check_zone(r, peer);
	check_broadcast(r, peer, &addr);
	if (addr.family == AF_INET6 && r->facts->ipv6(r->facts->ctx, "all") == HOST_IPV6_ABSENT)
		conf_report_add(r->report, CONF_WARNING, at,
			"Endpoint: %s is IPv6, which this kernel does not have\n"
			"write an IPv4 address of the peer",
			peer->endpoint_host);
	for (size_t i = 0; i < r->facts->addresses.n; i++)
		if (ip_addr_equal(&r->facts->addresses.v[i].prefix.addr, &addr))
			own = &r->facts->addresses.v[i];
	loopback = is_loopback(&addr);
	if ((!own && !loopback) || (loopback && !own_port))
		return;
	link = own ? host_facts_index(r->facts, own->ifindex) : NULL;
	if (own_port)
		conf_report_add(r->report, CONF_ERROR, at,
			"Endpoint: %s, port %u, is this host itself%s%s\n"
			"write the address of the peer's host",
			peer->endpoint_host, peer->endpoint_port, link ? ", on " : "",
			link ? link->name : "");
	else
		conf_report_add(r->report, CONF_WARNING, at,
			"Endpoint: %s is an address of this host%s%s\n"
			"write the address of the peer's host; right only for a proxy on this host",
			peer->endpoint_host, link ? ", on " : "", link ? link->name : "");
}

/* ---- addresses ---- */

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_contains(a, &b->addr) : ip_prefix_contains(b, &a->addr);
}

static bool has_network(const struct ip_prefix *p)
{
	return p->len < ip_addr_bits(&p->addr);
}

/* The interface of the host's address `a`; NULL if the address is link-local, or the interface
 * belongs to the site. */
static const struct link_info *foreign_link(const struct rules *r, const struct ifaddr_info *a)
{
	const struct link_info *link = host_facts_index(r->facts, a->ifindex);

	return link && a->scope != RT_SCOPE_LINK && !host_facts_is_ours(r->facts, link) ? link
											: NULL;
}

/* Report an address in a subnet of another interface of this host. `bridge`: the bridge with the
 * address, or NULL for the tunnel. */
static void check_address(
	const struct rules *r, const struct conf_bridge *bridge, const struct conf_prefix *address)
{
	const struct ip_prefix *p = &address->prefix;
	char ours[IP_PREFIX_TEXT_LEN];
	char theirs[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < r->facts->addresses.n; i++) {
		const struct ip_prefix *q = &r->facts->addresses.v[i].prefix;
		const struct link_info *link = foreign_link(r, &r->facts->addresses.v[i]);

		if (!link || (bridge && conf_texts_has(&bridge->members, link->name)))
			continue; /* another rule reports addresses of members */
		ip_prefix_text(p, ours);
		ip_prefix_text(q, theirs);
		if (ip_addr_equal(&p->addr, &q->addr))
			conf_report_add(r->report, CONF_WARNING, address->at,
				"Address: %s is already an address of \"%s\"\n"
				"use another one: each interface needs its own",
				ours, link->name);
		else if (has_network(p) && has_network(q) && overlap(p, q))
			conf_report_add(r->report, CONF_WARNING, address->at,
				"Address: the subnet of %s overlaps %s of \"%s\": packets to it "
				"leave by one of the two interfaces only\n"
				"use a subnet of its own for the %s",
				ours, theirs, link->name, bridge ? "LAN" : "tunnel");
	}
}

static void check_addresses(const struct rules *r)
{
	for (size_t i = 0; i < r->site->interface.addresses.n; i++)
		check_address(r, NULL, &r->site->interface.addresses.v[i]);
	for (size_t i = 0; i < r->site->n_bridges; i++) {
		const struct conf_bridge *b = &r->site->bridges[i];

		for (size_t k = 0; k < b->addresses.n; k++)
			check_address(r, b, &b->addresses.v[k]);
	}
}

/* ---- routes ---- */

/* Report AllowedIPs that are part of a network which the host has on another interface. */
static void check_lan(const struct rules *r, const struct conf_prefix *range)
{
	char ours[IP_PREFIX_TEXT_LEN];
	char theirs[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < r->facts->addresses.n; i++) {
		const struct ip_prefix *q = &r->facts->addresses.v[i].prefix;
		const struct link_info *link = foreign_link(r, &r->facts->addresses.v[i]);

		if (!link || !has_network(q) || q->len > range->prefix.len ||
			!ip_prefix_contains(q, &range->prefix.addr))
			continue;
		conf_report_add(r->report, CONF_WARNING, range->at,
			"AllowedIPs: %s is in the network %s of \"%s\": this host would send "
			"packets for it into the tunnel\n"
			"write only addresses inside the tunnel",
			ip_prefix_text(&range->prefix, ours), ip_prefix_text(q, theirs),
			link->name);
		return;
	}
}

/* Describe where a route of the host leads. Return: whether there is one that is not the site's. */
static bool foreign_hop(
	const struct rules *r, const struct route_info *route, char ret[static ROUTE_HOP_LEN])
{
	const struct link_info *link = route ? host_facts_index(r->facts, route->ifindex) : NULL;

	if (!route)
		return false;
	if (route->type == RTN_UNREACHABLE || route->type == RTN_BLACKHOLE ||
		route->type == RTN_PROHIBIT || route->type == RTN_THROW) {
		snprintf(ret, ROUTE_HOP_LEN, "which leads nowhere (%s)",
			route->type == RTN_UNREACHABLE ? "unreachable"
			: route->type == RTN_BLACKHOLE ? "blackhole"
			: route->type == RTN_PROHIBIT  ? "prohibit"
						       : "throw");
		return true;
	}
	if (route->n_hops)
		snprintf(ret, ROUTE_HOP_LEN, "by several next hops");
	else if (link)
		snprintf(ret, ROUTE_HOP_LEN, "by \"%s\"", link->name);
	return route->n_hops || (link && strcmp(link->name, r->site->interface.name) != 0);
}

/* Report a route that another interface has already. Return: whether it was reported. */
static bool check_route(
	const struct rules *r, const struct route_plan *plan, const struct conf_prefix *range)
{
	const struct conf_interface *wg = &r->site->interface;
	struct planned_route route = { .dst = range->prefix, .table = RT_TABLE_MAIN };
	char text[IP_PREFIX_TEXT_LEN];
	char hop[ROUTE_HOP_LEN];

	if (wg->table == CONF_TABLE_NUMBER)
		route.table = wg->table_number;
	route.by_rule = wg->table == CONF_TABLE_AUTO && !range->prefix.len;
	if (route.by_rule)
		route.table = wg->fwmark;
	if (!route.table || !route_plan_has(plan, &route))
		return false;
	if (!foreign_hop(r, r->facts->route_to(r->facts->ctx, &route.dst, route.table, false), hop))
		return false;
	conf_report_add(r->report, r->severity, range->at,
		"AllowedIPs: there is a route to %s already, %s, so none can go to %s\n"
		"remove that route, or narrow AllowedIPs; Table = off adds no routes",
		ip_prefix_text(&route.dst, text), hop, wg->name);
	return true;
}

static void check_routes(const struct rules *r)
{
	struct route_plan plan;

	if (route_plan_make(r->site, &plan) < 0) {
		r->report->out_of_memory = true;
		return;
	}
	route_plan_set_table(&plan, r->site->interface.fwmark);
	for (size_t i = 0; plan.n && i < r->site->n_peers; i++) {
		const struct conf_prefixes *allowed = &r->site->peers[i].allowed_ips;

		for (size_t k = 0; k < allowed->n; k++)
			if (!check_route(r, &plan, &allowed->v[k]))
				check_lan(r, &allowed->v[k]);
	}
	route_plan_fini(&plan);
}

void host_rules_check(
	const struct conf_site *site, const struct host_facts *facts, struct conf_report *report)
{
	const struct rules r = { .site = site,
		.facts = facts,
		.severity = site->interface.pre_up.n ? CONF_WARNING : CONF_ERROR,
		.report = report };

	check_names(&r);
	check_all_ipv6(&r);
	check_dns(&r);
	check_port(&r);
	for (size_t i = 0; i < site->n_peers; i++)
		check_endpoint(&r, &site->peers[i]);
	check_addresses(&r);
	check_routes(&r);
	member_rules_check(site, facts, r.severity, report);
}
