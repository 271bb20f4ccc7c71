/* SPDX-License-Identifier: MIT */
/* Findings about who answers on both sides of a segment, and what that proves. */
#include "judge/judge_station.h"

#include <stdio.h>
#include <string.h>

#include "judge/judge_tree.h"

#define PROVED_LEN 128

/** The stations of a port, by what they prove. */
struct population {
	unsigned members; /* hosts that are not the far gateway, and answer an echo */
	const struct observed_station *mute; /* such a host that answers ARP only */
	const struct observed_station *gateway;
	unsigned unknown; /* hosts with IPv6 only: one of them may be the gateway */
	unsigned others;  /* hosts other than the far gateway and this one */
	bool ip4;	  /* a member has an IPv4 address that answers ARP */
	bool ip6;
	bool echoes; /* a member answers echo requests */
};

/* The crossing to a host in which IP was tried, or NULL. */
static const struct observed_crossing *crossing_to(const struct observations *f,
	const struct observed_port *p, const struct observed_station *s)
{
	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];

		if (&f->ports[x->out] == p && !memcmp(x->to.mac, s->mac, LINK_MAC_LEN) &&
			(x->kinds[OBSERVED_IP4].sent || x->kinds[OBSERVED_IP6].sent))
			return x;
	}
	return NULL;
}

/* Whether a host has answered IP of a host on another port, although the gateway could not ask. */
static bool has_answered_member(const struct observations *f, const struct observed_port *p,
	const struct observed_station *s)
{
	const struct observed_crossing *x = crossing_to(f, p, s);

	return x && (x->kinds[OBSERVED_IP4].answered || x->kinds[OBSERVED_IP6].answered);
}

/* Whether a host behind a far gateway is this one, by its card of the underlay: the far gateway may
 * have one card for underlay and members. */
static bool is_this_host(const struct observations *f, const struct observed_station *s)
{
	for (size_t i = 0; i < f->n_underlays; i++)
		if (!memcmp(f->underlays[i].mac, s->mac, LINK_MAC_LEN))
			return true;
	return false;
}

static struct population population_of(const struct observations *f, const struct observed_port *p)
{
	struct population n = { 0 };
	bool any = false;

	for (unsigned i = 0; i < p->n_stations && i < OBSERVED_STATIONS; i++) {
		const struct observed_station *s = &p->stations[i];

		if (s->gateway)
			n.gateway = s;
		else if (!s->echo.received && !has_answered_member(f, p, s))
			n.mute = s;
		else if (s->ip4.family || !p->session || p->classified)
			n.members++;
		else
			n.unknown++;
		n.others += !s->gateway && !is_this_host(f, s);
		n.ip4 |= !s->gateway && s->ip4.family;
		n.ip6 |= !s->gateway && s->ip6.family;
		n.echoes |= !s->gateway && s->echo.received && !s->tcp_port;
		any |= f->target.family &&
		       (ip_addr_equal(&s->ip4, &f->target) || ip_addr_equal(&s->ip6, &f->target));
	}
	if (n.gateway)
		n.members += n.unknown;
	else if (n.unknown > 1)
		n.members += n.unknown - 1;
	n.members += any; /* the user wants this one, whatever it is */
	return n;
}

/* What crossings prove of a host that answers no IP: its Ethernet frames pass both ways. */
static void put_layer2(
	const struct observations *f, const struct observed_station *s, char ret[static PROVED_LEN])
{
	char from[IP_ADDR_TEXT_LEN];

	ret[0] = 0;
	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];
		bool arp = x->kinds[OBSERVED_ARP].delivered;
		bool nd = x->kinds[OBSERVED_ND].delivered;

		if (memcmp(x->to.mac, s->mac, LINK_MAC_LEN) != 0 || x->borrowed || (!arp && !nd))
			continue;
		snprintf(ret, PROVED_LEN, " Ethernet frames pass both ways between it and %s (%s).",
			observed_station_text(&x->from, from),
			!nd    ? "ARP"
			: !arp ? "neighbour discovery"
			       : "ARP and neighbour discovery");
		return;
	}
}

static void judge_mute(const struct observations *f, const struct observed_port *p,
	const struct population *n, struct findings *ret)
{
	char who[IP_ADDR_TEXT_LEN];
	char gateway[IP_ADDR_TEXT_LEN];
	char proved[PROVED_LEN];

	put_layer2(f, n->mute, proved);
	observed_station_text(n->mute, who);
	if (n->gateway)
		observed_station_text(n->gateway, gateway);
	if (!n->mute->echo.sent && crossing_to(f, p, n->mute))
		return; /* the crossing shows where it is lost */
	if (!n->mute->echo.sent)
		finding_add(ret, FINDING_ERROR, "member_silent", p->name,
			"%s on the far side answers ARP. Whether IP reaches it was not tried, as "
			"no host here in its subnet answers and %s has no IPv4 address.\n"
			"Check again while a member here talks, or give %s an address of that "
			"subnet: Address in [Bridge].",
			who, p->bridge, p->bridge);
	else
		finding_add(ret, FINDING_ERROR, "member_silent", p->name,
			"%s on the far side answers ARP, but no echo request and no TCP%s%s%s: "
			"that IP passes between members is not proved.%s\n"
			"A filter there may drop IP between bridge ports (br_netfilter with a "
			"FORWARD chain): `wirespan check` there names it. Or the firewall of %s "
			"drops all that it does not expect: name a host that answers with "
			"--target. Or the subnet of its address (netmask) does not contain "
			"those that ask.",
			who, n->gateway ? ", while the gateway there, " : "",
			n->gateway ? gateway : "", n->gateway ? ", answers echoes" : "", proved,
			who);
}

/* The members of a bridge's ports here. */
static struct population population_here(const struct observations *f, const char *bridge)
{
	struct population all = { 0 };

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];
		struct population n = { 0 };

		if (!p->session && !strcmp(p->bridge, bridge))
			n = population_of(f, p);
		all.members += n.members;
		all.ip4 |= n.ip4;
		all.ip6 |= n.ip6;
		all.echoes |= n.echoes;
	}
	return all;
}

/* Members there and the gateway here use IPv4, but no member here. */
static void judge_version_here(const struct observed_port *p, const struct population *here,
	const struct population *there, struct findings *ret)
{
	if (here->members && here->ip6 && !here->ip4 && there->ip4 && !p->no_ip4)
		finding_add(ret, FINDING_ERROR, "member_silent", p->bridge,
			"Members on the ports of %s answer with IPv6, but none with IPv4 (ARP), "
			"which members behind %s and this gateway use: that it passes between "
			"members is not proved.\n"
			"Has a member here an IPv4 address, of the subnet of %s? If no member here "
			"uses it, name one behind %s with --target.",
			p->bridge, p->name, p->bridge, p->name);
}

/* Hosts with IPv6 are found by their answers to echo requests: those that answer none of IPv4
 * either, but TCP, may have it. */
static void judge_unheard_ip6(const struct observed_port *p, struct findings *ret)
{
	finding_add(ret, FINDING_WARNING, "member_silent", p->name,
		"Behind %s hosts answer ARP and TCP, but no echo request of IPv4 or IPv6. Members "
		"here and the gateway there use IPv6: whether it passes between members is not "
		"known.\n"
		"The firewall of the hosts there drops ICMP, it seems: let one of them answer echo "
		"requests of IPv6, or run `wirespan check` there.",
		p->name);
}

/* Members of one side use an IP version, the gateway of the other does, but no member there. */
static void judge_version(const struct observations *f, const struct observed_port *p,
	const struct population *there, struct findings *ret)
{
	struct population here = population_here(f, p->bridge);
	bool no4 = here.ip4 && !there->ip4 && there->gateway && there->gateway->ip4.family;
	bool no6 = here.ip6 && !there->ip6 && there->gateway && there->gateway->ip6.family;

	if (f->target.family || !there->others || p->twin.family)
		return;
	judge_version_here(p, &here, there, ret);
	if (!no4 && !no6)
		return;
	if (no6 && there->ip4 && !there->echoes) {
		judge_unheard_ip6(p, ret);
		return;
	}
	finding_add(ret, FINDING_ERROR, "member_silent", p->name,
		"Behind %s hosts answer with %s, but none with %s, which members here and the "
		"gateway there use: that it passes between members is not proved.\n"
		"A filter there drops %s between bridge ports, or a port floods no %s: `wirespan "
		"check` there names it. If no member there uses it, name one of them with "
		"--target.",
		p->name, no4 ? "IPv6" : "IPv4", no4 ? "IPv4 (ARP)" : "IPv6", no4 ? "IPv4" : "IPv6",
		no4 ? "broadcasts" : "multicasts");
}

/* A host there answers, but what it broadcasts does not arrive. */
void judge_broadcasts(const struct observed_port *p, struct findings *ret)
{
	char who[IP_ADDR_TEXT_LEN];

	if (!p->caller.family || p->called)
		return;
	finding_add(ret, FINDING_ERROR, "member_broadcast", p->name,
		"%s, beyond %s, answers, but its broadcasts do not arrive here: hosts there find "
		"no host here that they do not know yet (ARP).\n"
		"`wirespan check` there names a filter that drops broadcasts, or a port that sends "
		"none. If it finds nothing, the firewall of %s answers known addresses only: name "
		"another host with --target.",
		ip_addr_text(&p->caller, who), p->name, who);
}

/* Whether the file gives a bridge one session and no member: this gateway alone is at this site. */
static bool is_alone(const struct observations *f, const char *bridge)
{
	const struct status_bridge *b = status_bridge_find(&f->after, bridge);

	return b && b->members_len == 1 && b->members[0].session;
}

/* Only the far gateway answers, but no member here asks for more. */
static void judge_gateways_alone(
	const struct observed_port *p, const char *gateway, struct findings *ret)
{
	finding_add(ret, FINDING_NOTE, "no_member", p->name,
		"Behind %s only the gateway of the far side answers (%s), and no host. This site "
		"has no members itself: if that one has, `wirespan check` there proves whether "
		"they reach this gateway.",
		p->name, gateway);
}

/* No host behind the far gateway answers, or nothing proves that one does. */
void judge_far_side(
	const struct observations *f, size_t i, const struct observed_port *p, struct findings *ret)
{
	const struct observed_session *s = &f->sessions[i];
	struct population n = population_of(f, p);
	char gateway[IP_ADDR_TEXT_LEN];

	if (!s->station.family || !s->echo.received)
		return;
	if (n.members) {
		if (observed_echo_severity(&s->echo) != FINDING_ERROR) /* the loss is reported */
			judge_version(f, p, &n, ret);
		return;
	}
	if (n.mute) {
		judge_mute(f, p, &n, ret);
		return;
	}
	if (judge_blocked(p, ret))
		return;
	observed_station_text(n.gateway ? n.gateway : &p->stations[0], gateway);
	if (is_alone(f, p->bridge)) {
		judge_gateways_alone(p, gateway, ret);
		return;
	}
	finding_add(ret, FINDING_ERROR, "no_member", p->name,
		"Behind %s only the gateway of the far side answers (%s), and no host: that "
		"members reach each other is not proved.\n"
		"`wirespan check` there names what drops members' frames, or a port that is down. "
		"If it finds nothing, no member there is on, or none has %s%s Or that site has no "
		"members on purpose: `wirespan check --target %s` proves the rest.",
		p->name, gateway,
		p->no_ip4 ? "IPv6, and none with IPv4 talks: without an IPv4 address of the bridge "
			    "such hosts are found while they do. Let one ping another."
			  : "an address of this subnet or IPv6: attach one.",
		judge_tree_hint(f, p->bridge), gateway);
}

static bool has_members_here(const struct observations *f, const struct status_bridge *b)
{
	for (size_t i = 0; i < b->members_len; i++) {
		const struct observed_port *p = observed_port_named(f, b->members[i].name);

		for (unsigned n = 0; p && !p->session && n < p->n_stations && n < OBSERVED_STATIONS;
			n++)
			if (!p->stations[n].gateway)
				return true;
	}
	return false;
}

/* No host on the ports to members answers. */
void judge_near_side(
	const struct observations *f, const struct status_bridge *b, struct findings *ret)
{
	const struct observed_port *found = NULL;
	const char *port;

	for (size_t i = 0; i < b->members_len; i++) {
		const struct observed_port *p = observed_port_named(f, b->members[i].name);

		if (p && !p->session && p->probed)
			found = p;
	}
	if (!found || has_members_here(f, b) || judge_blocked_here(f, b, ret))
		return;
	port = found->name;
	if (found->has_endpoint)
		finding_add(ret, FINDING_WARNING, "no_member", b->name,
			"Only the far gateway answers on %s, which is underlay and port to "
			"members: no member was tried.",
			port);
	else
		finding_add(ret, FINDING_ERROR, "no_member", b->name,
			"No host answers on %s, the port of %s to members: that members here reach "
			"the other side is not proved.\n"
			"Is a member attached and on%s Is the cable in, and the switch's port in "
			"the right VLAN, and not blocked? Does a filter here drop what leaves or "
			"enters %s (`nft "
			"list ruleset`, `tc qdisc show dev %s`)?%s",
			port, b->name,
			found->no_ip4 ? "? Without an IPv4 address of the bridge, hosts with IPv4 "
					"only are found while they talk: let one ping another."
				      : ", with an address of this subnet or IPv6?",
			port, port, judge_tree_hint(f, b->name));
}
