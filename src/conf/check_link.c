/* SPDX-License-Identifier: MIT */
/* Checks of interfaces: their names, addresses, bridges and members. */
#include "conf/check_link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "conf/complete.h"

#define MTU_AUTO 1500 /* a session's MTU = auto */

/* Most ports of a Linux bridge: port numbers have 10 bits, and 0 is none. */
#define BRIDGE_PORTS_MAX 1023

/* An interface name in use, and where the file sets it. */
struct use {
	const char *name;
	const char *what;
	struct conf_at at;
	bool is_default; /* the file does not set the name */
};

/* An address of this site, and where the file sets it. */
struct ours {
	const struct conf_prefix *address;
	const char *interface;
};

static size_t count_uses(const struct conf_site *site)
{
	size_t n = 1 + conf_session_count(site);

	for (size_t i = 0; i < site->n_bridges; i++)
		n += 1 + site->bridges[i].members.n;
	return n;
}

static struct use use_of(
	const char *name, const char *what, struct conf_at name_at, struct conf_at section)
{
	return (struct use){ name, what, name_at.line ? name_at : section, !name_at.line };
}

static size_t collect_uses(const struct conf_site *site, struct use *uses)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *s;
	size_t n = 0;

	uses[n++] = use_of(site->interface.name, "[Interface]",
		site->interface.at[CONF_INTERFACE_NAME], site->interface.section);
	while ((s = conf_next_session(&walk)))
		uses[n++] = use_of(s->name, "[L2TPSession]", s->at[CONF_SESSION_NAME], s->section);
	for (size_t i = 0; i < site->n_bridges; i++) {
		const struct conf_bridge *b = &site->bridges[i];

		uses[n++] = use_of(b->name, "[Bridge]", b->at[CONF_BRIDGE_NAME], b->section);
		for (size_t k = 0; k < b->members.n; k++)
			uses[n++] = use_of(
				b->members.v[k].text, "Member", b->members.v[k].at, b->section);
	}
	return n;
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a;
	const struct use *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = (x->at.file > y->at.file) - (x->at.file < y->at.file);
	return order ? order : (x->at.line > y->at.line) - (x->at.line < y->at.line);
}

static const char *hint_for(const struct use *use)
{
	if (!strcmp(use->what, "Member"))
		return "list each interface once, and none that wirespan creates";
	return use->is_default ? "add Name = with another name" : "choose another name";
}

static void check_names(const struct conf_site *site, struct conf_report *report)
{
	struct use *uses = calloc(count_uses(site), sizeof(*uses));
	char place[CONF_PLACE_LEN];
	size_t n;

	if (!uses) {
		report->out_of_memory = true;
		return;
	}
	n = collect_uses(site, uses);
	qsort(uses, n, sizeof(*uses), compare_uses);
	for (size_t i = 1; i < n; i++) {
		const struct use *first = &uses[i - 1];
		const struct use *second = &uses[i];

		if (strcmp(first->name, second->name) != 0)
			continue;
		conf_report_add(report, CONF_ERROR, second->at,
			"the interface name \"%s\" is already used by the %s in %s\n%s",
			second->name, first->what, conf_place(site, first->at, second->at, place),
			hint_for(second));
	}
	free(uses);
}

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_contains(a, &b->addr) : ip_prefix_contains(b, &a->addr);
}

/* Whether an IPv6 address is unspecified, or that of the loopback. */
static bool is_reserved6(const struct ip_addr *a)
{
	static const uint8_t zero[15];

	return a->family == AF_INET6 && !memcmp(a->bytes, zero, sizeof(zero)) && a->bytes[15] <= 1;
}

/* Report an address that no interface can or should have. */
static void check_address(const struct conf_prefix *address, struct conf_report *report)
{
	const struct ip_prefix *p = &address->prefix;
	struct ip_prefix masked = ip_prefix_masked(p);
	bool v4 = p->addr.family == AF_INET;
	char text[IP_PREFIX_TEXT_LEN];

	ip_prefix_text(p, text);
	if ((v4 && (p->addr.bytes[0] == 0 || p->addr.bytes[0] >= 224)) ||
		(!v4 && p->addr.bytes[0] == 0xff) || is_reserved6(&p->addr) || !p->len)
		conf_report_add(report, CONF_ERROR, address->at,
			"Address: %s is not a host address\n"
			"write this site's address with its subnet, such as 10.0.1.11/24",
			text);
	else if (v4 && p->len < 31 && ip_addr_equal(&masked.addr, &p->addr))
		conf_report_add(report, CONF_ERROR, address->at,
			"Address: %s is a subnet, not a host address\n"
			"write this site's own address, such as 10.0.1.11/24",
			text);
	else if (v4 && conf_prefix_is_broadcast(p, &p->addr))
		conf_report_add(report, CONF_WARNING, address->at,
			"Address: %s is the broadcast address of its subnet\n"
			"write this site's own address, such as 10.0.1.11/24",
			text);
}

static void check_two_addresses(const struct conf_site *site, const struct ours *first,
	const struct ours *second, struct conf_report *report)
{
	char text[IP_PREFIX_TEXT_LEN];
	char place[CONF_PLACE_LEN];

	conf_place(site, first->address->at, second->address->at, place);
	ip_prefix_text(&second->address->prefix, text);
	if (ip_addr_equal(&first->address->prefix.addr, &second->address->prefix.addr))
		conf_report_add(report, CONF_ERROR, second->address->at,
			"Address: %s is already assigned to %s in %s\n"
			"give each interface its own address",
			text, first->interface, place);
	else if (first->interface != second->interface &&
		 overlap(&first->address->prefix, &second->address->prefix))
		conf_report_add(report, CONF_ERROR, second->address->at,
			"Address: the subnet of %s overlaps that of %s in %s\n"
			"use separate subnets for the tunnel and each bridge",
			text, first->interface, place);
}

static size_t collect_addresses(const struct conf_site *site, struct ours *ours)
{
	const struct conf_prefixes *list = &site->interface.addresses;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		ours[n++] = (struct ours){ &list->v[i], site->interface.name };
	for (size_t k = 0; k < site->n_bridges; k++) {
		list = &site->bridges[k].addresses;
		for (size_t i = 0; i < list->n; i++)
			ours[n++] = (struct ours){ &list->v[i], site->bridges[k].name };
	}
	return n;
}

static void check_addresses(const struct conf_site *site, struct conf_report *report)
{
	size_t n = site->interface.addresses.n;
	struct ours *ours;

	for (size_t k = 0; k < site->n_bridges; k++)
		n += site->bridges[k].addresses.n;
	ours = calloc(n + 1, sizeof(*ours));
	if (!ours) {
		report->out_of_memory = true;
		return;
	}
	n = collect_addresses(site, ours);
	for (size_t i = 0; i < n; i++) {
		check_address(ours[i].address, report);
		for (size_t k = 0; k < i; k++)
			check_two_addresses(site, &ours[k], &ours[i], report);
	}
	free(ours);
}

/* Whether an address is in a subnet of the tunnel: one that a bridge has, too, is reported. */
static bool in_tunnel(const struct conf_site *site, const struct ip_addr *addr)
{
	for (size_t i = 0; i < site->interface.addresses.n; i++)
		if (ip_prefix_contains(&site->interface.addresses.v[i].prefix, addr))
			return true;
	return false;
}

/* Report AllowedIPs whose route takes precedence over the bridge's connected route. Hosts of the
 * segment are reached as Ethernet, not by routes to a peer. */
static void check_routed_segment(
	const struct conf_site *site, const struct conf_prefix *address, struct conf_report *report)
{
	char text[IP_PREFIX_TEXT_LEN];
	char place[CONF_PLACE_LEN];

	for (size_t i = 0; i < site->n_peers; i++)
		for (size_t k = 0; k < site->peers[i].allowed_ips.n; k++) {
			const struct conf_prefix *range = &site->peers[i].allowed_ips.v[k];

			if (range->prefix.len < address->prefix.len ||
				!ip_prefix_contains(&address->prefix, &range->prefix.addr) ||
				in_tunnel(site, &range->prefix.addr))
				continue;
			conf_report_add(report, CONF_WARNING, range->at,
				"AllowedIPs: %s is in the subnet of the [Bridge] in %s: this host "
				"would route packets for the LAN into the tunnel instead of "
				"bridging them\nremove it: the LAN's hosts are reached through "
				"the bridge, without AllowedIPs",
				ip_prefix_text(&range->prefix, text),
				conf_place(site, address->at, range->at, place));
		}
}

/* Check that a session selects a bridge and that it exists. */
static void check_session_bridge(const struct conf_site *site, const struct conf_session *session,
	struct conf_report *report)
{
	struct conf_at at = session->at[CONF_SESSION_BRIDGE];
	struct suggestion nearest = suggest_begin(session->bridge);

	if (!at.line && site->n_bridges > 1)
		conf_report_add(report, CONF_ERROR, session->section,
			"[L2TPSession] does not select one of several bridges\n"
			"add Bridge = with a bridge's name, or Bridge = none");
	if (!session->bridge[0] || conf_bridge_find(site, session->bridge))
		return;
	for (size_t i = 0; i < site->n_bridges; i++)
		suggest_try(&nearest, site->bridges[i].name);
	if (nearest.nearest)
		conf_report_add(report, CONF_ERROR, at,
			"Bridge: there is no [Bridge] \"%s\"\ndid you mean \"%s\"?",
			session->bridge, nearest.nearest);
	else
		conf_report_add(report, CONF_ERROR, at,
			"Bridge: there is no [Bridge] \"%s\"\nadd one with Name = %s",
			session->bridge, session->bridge);
}

static uint32_t mtu_of(const struct conf_session *session)
{
	return session->mtu ? session->mtu : MTU_AUTO;
}

/* The next session in a bridge, or NULL. */
static const struct conf_session *next_in_bridge(
	struct conf_session_walk *walk, const struct conf_bridge *bridge)
{
	const struct conf_session *s;

	do
		s = conf_next_session(walk);
	while (s && strcmp(s->bridge, bridge->name) != 0);
	return s;
}

/* Report a session without SplitHorizon beside one that has it: it is easily forgotten when a site
 * is added to a mesh by hand. */
static void check_forgotten_horizon(const struct conf_site *site, const struct conf_bridge *bridge,
	const struct conf_session *isolated, struct conf_report *report)
{
	const size_t key = CONF_SESSION_OPTION + L2TP_OPTION(split_horizon);
	struct conf_session_walk walk = { site };
	const struct conf_session *s;
	char place[CONF_PLACE_LEN];

	while ((s = next_in_bridge(&walk, bridge)))
		if (!s->at[key].line)
			conf_report_add(report, CONF_WARNING, s->section,
				"[L2TPSession] has no SplitHorizon, which is yes in %s: that is a "
				"loop if their sites are wired to each other\n"
				"in a full mesh write SplitHorizon = yes in every session; for a "
				"site "
				"that is wired to this one alone, SplitHorizon = no",
				conf_place(site, isolated->at[key], s->section, place));
}

/* Check SplitHorizon where it is written. Return: whether it is, in some session. */
static bool check_written_horizon(
	const struct conf_site *site, const struct conf_bridge *bridge, struct conf_report *report)
{
	const size_t key = CONF_SESSION_OPTION + L2TP_OPTION(split_horizon);
	struct conf_session_walk walk = { site };
	const struct conf_session *isolated = NULL;
	const struct conf_session *s;
	bool written = false;

	while ((s = next_in_bridge(&walk, bridge))) {
		written |= s->at[key].line != 0;
		if (s->options.split_horizon == L2TP_SPLIT_HORIZON_ON && s->at[key].line)
			isolated = s;
		if (s->options.split_horizon == L2TP_SPLIT_HORIZON_ON && bridge->stp)
			conf_report_add(report, CONF_WARNING, s->at[key],
				"SplitHorizon: the bridge \"%s\" has STP = yes: a site is cut off "
				"when the spanning tree blocks its session\n"
				"use one of them: SplitHorizon = yes if every site is wired to "
				"every other, else STP = yes",
				bridge->name);
	}
	if (isolated && !bridge->stp)
		check_forgotten_horizon(site, bridge, isolated, report);
	return written;
}

/* Check that the sessions of a bridge to several sites make no loop: without spanning tree they
 * must be those of a hub, which only the file's author knows, or of a full mesh, which needs split
 * horizon. */
static void check_horizon(
	const struct conf_site *site, const struct conf_bridge *bridge, struct conf_report *report)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *first = next_in_bridge(&walk, bridge);
	const struct conf_tunnel *of_first = walk.of;
	const struct conf_session *second = first;
	char place[CONF_PLACE_LEN];

	while (second && walk.of == of_first)
		second = next_in_bridge(&walk, bridge);
	if (check_written_horizon(site, bridge, report) || bridge->stp || !second)
		return;
	conf_report_add(report, CONF_WARNING, second->section,
		"[L2TPSession] joins the bridge \"%s\", as does the one in %s: that is a loop if "
		"their sites are wired to each other\n"
		"in a full mesh write SplitHorizon = yes in every session; on the hub of a star, "
		"SplitHorizon = no in one",
		bridge->name, conf_place(site, first->section, second->section, place));
}

/* A bridge that takes part in the spanning tree cannot forward its messages as well. */
static void check_control(const struct conf_bridge *bridge, struct conf_report *report)
{
	if (bridge->stp && bridge->forward_control & CONF_FORWARD_STP)
		conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_FORWARD_CONTROL],
			"ForwardControl: a bridge with STP = yes takes part in the spanning tree, "
			"and cannot forward its messages\n"
			"remove stp from ForwardControl, or write STP = no");
}

/* Settings of a bridge that another program made are left to that program. */
static void check_adopted(const struct conf_bridge *bridge, struct conf_report *report)
{
	static const char text[] =
		"%s: the bridge \"%s\" is adopted, so its settings stay as its owner made them\n"
		"remove %s here, and set it where the bridge is configured; or remove Adopt = yes";

	if (!bridge->adopt)
		return;
	if (!bridge->at[CONF_BRIDGE_NAME].line)
		conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_ADOPT],
			"Adopt: the bridge to join is not named\nadd its name: Name = br-lan");
	if (bridge->addresses.n)
		conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_ADDRESS], text,
			"Address", bridge->name, "Address");
	if (bridge->stp)
		conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_STP], text, "STP",
			bridge->name, "STP");
	if (bridge->multicast_snooping)
		conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_MULTICAST_SNOOPING],
			text, "MulticastSnooping", bridge->name, "MulticastSnooping");
}

/* Check the sessions of a bridge: there is at least one, their MTUs agree, and they make no
 * loop. */
static void check_bridge_ports(
	const struct conf_site *site, const struct conf_bridge *bridge, struct conf_report *report)
{
	struct conf_session_walk walk = { site };
	const struct conf_tunnel *tunnel = NULL; /* of the previous session */
	const struct conf_session *previous = NULL;
	const struct conf_session *first = NULL;
	const struct conf_session *s;
	size_t n_ports = bridge->members.n;
	char place[CONF_PLACE_LEN];

	while ((s = next_in_bridge(&walk, bridge))) {
		if (previous && walk.of == tunnel && !bridge->stp)
			conf_report_add(report, CONF_WARNING, s->section,
				"[L2TPSession] joins the bridge \"%s\", as does the one in %s: two "
				"paths to one peer are a loop\n"
				"give it a bridge of its own, or write STP = yes on both sites",
				bridge->name,
				conf_place(site, previous->section, s->section, place));
		if (first && mtu_of(first) != mtu_of(s))
			conf_report_add(report, CONF_WARNING, s->section,
				"[L2TPSession] and the one in %s are in the same bridge, but "
				"differ in MTU\nset the same MTU = in both",
				conf_place(site, first->section, s->section, place));
		tunnel = walk.of;
		previous = s;
		first = first ? first : s;
		n_ports++;
	}
	if (n_ports > BRIDGE_PORTS_MAX)
		conf_report_add(report, CONF_ERROR, bridge->section,
			"[Bridge] has %zu ports, sessions and members together; a Linux bridge "
			"holds %d\nuse several bridges",
			n_ports, BRIDGE_PORTS_MAX);
	if (!first)
		conf_report_add(report, CONF_WARNING, bridge->section,
			"[Bridge] has no session: its members reach no other site\n"
			"add [L2TP] and [L2TPSession], with Bridge = %s if there are several "
			"bridges",
			bridge->name);
}

void conf_check_links(const struct conf_site *site, struct conf_report *report)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *session;

	check_names(site, report);
	check_addresses(site, report);
	while ((session = conf_next_session(&walk)))
		check_session_bridge(site, session, report);
	for (size_t i = 0; i < site->n_bridges; i++) {
		const struct conf_bridge *bridge = &site->bridges[i];

		if (!strcasecmp(bridge->name, CONF_BRIDGE_NONE))
			conf_report_add(report, CONF_ERROR, bridge->at[CONF_BRIDGE_NAME],
				"Name: a bridge cannot be named \"%s\": Bridge = none means no "
				"bridge\nchoose another name",
				bridge->name);
		check_bridge_ports(site, bridge, report);
		check_horizon(site, bridge, report);
		check_control(bridge, report);
		check_adopted(bridge, report);
		for (size_t k = 0;
			site->interface.table != CONF_TABLE_OFF && k < bridge->addresses.n; k++)
			check_routed_segment(site, &bridge->addresses.v[k], report);
	}
}
