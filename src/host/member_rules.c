/* SPDX-License-Identifier: MIT */
/* Rules for members of bridges: which interfaces of this host can or should be ports. */
#include "host/member_rules.h"

#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "conf/check_endpoint.h"

#define MTU_AUTO  1500 /* a session's MTU = auto */
#define LOWER_MAX 8    /* VLAN and similar interfaces on top of each other */

#define HINT_WIRELESS                                                                              \
	"switch on its 4-address mode (iw dev %s set 4addr on), which the access point must "      \
	"support, or connect the LAN by cable"

/* What the rules for one member need. */
struct member {
	const struct conf_site *site;
	const struct conf_bridge *bridge;
	const struct conf_text *text;
	const struct host_facts *facts;
	const struct link_info *link;
	enum conf_severity severity;
	struct conf_report *report;
};

static bool is_kind(const struct link_info *link, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (!strcmp(link->kind, *kinds))
			return true;
	return false;
}

static bool is_member(const struct conf_site *site, const char *name)
{
	for (size_t i = 0; i < site->n_bridges; i++)
		if (conf_texts_has(&site->bridges[i].members, name))
			return true;
	return false;
}

/* Report an interface that the kernel refuses as a port. Return: whether it was reported. */
static bool check_type(const struct member *m)
{
	/* these have a receive handler of their own */
	static const char *const taps[] = { "macvtap", "ipvtap", NULL };
	/* the kernel allows no receive handler on these */
	static const char *const switches[] = { "openvswitch", NULL };
	static const char *const vrfs[] = { "vrf", NULL };
	const struct link_info *link = m->link;

	if (!strcmp(link->kind, "bridge"))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" cannot be bridged: it is a bridge itself\n"
			"name the interface that connects to the LAN",
			link->name);
	else if (link->type != ARPHRD_ETHER || link->flags & IFF_LOOPBACK)
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" cannot be bridged: it is not an Ethernet interface\n"
			"name the interface that connects to the LAN",
			link->name);
	else if (is_kind(link, vrfs) || is_kind(link, switches))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" cannot be bridged: it is %s\n"
			"name the interface that connects to the LAN",
			link->name, is_kind(link, vrfs) ? "a VRF" : "an interface of Open vSwitch");
	else if (is_kind(link, taps))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\", of type %s, belongs to a virtual machine and cannot be "
			"bridged\nattach the virtual machine to the bridge \"%s\" instead",
			link->name, link->kind, m->bridge->name);
	else if (m->facts->wireless(m->facts->ctx, link) == WIRELESS_CLIENT)
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" cannot be bridged: it is a client of a wireless "
			"network\n" HINT_WIRELESS,
			link->name, link->name);
	else
		return false;
	return true;
}

/* Report an interface that is a port already: of a bridge, a bond, a team, a VRF or Open
 * vSwitch. */
static bool check_master(const struct member *m)
{
	static const char *const bonds[] = { "bond", "team", NULL };
	static const char *const switches[] = { "openvswitch", NULL };
	const struct link_info *link = m->link;
	const struct link_info *master = host_facts_index(m->facts, link->master);

	if (!link->master || (master && host_facts_is_ours(m->facts, master)))
		return false;
	if (master && m->bridge->adopt && !strcmp(master->name, m->bridge->name))
		return false;
	if (!master)
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" already belongs to interface number %u\n"
			"remove it there: ip link set %s nomaster",
			link->name, link->master, link->name);
	else if (is_kind(master, bonds))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" is part of the %s \"%s\"\n"
			"name that instead: Member = %s",
			link->name, master->kind, master->name, master->name);
	else if (!strcmp(master->kind, "vrf"))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" is in the VRF \"%s\"\n"
			"remove it there: ip link set %s nomaster",
			link->name, master->name, link->name);
	else if (is_kind(master, switches))
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" is a port of Open vSwitch\n"
			"remove it there: ovs-vsctl del-port %s",
			link->name, link->name);
	else
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" is already a port of \"%s\"\n"
			"remove it there: ip link set %s nomaster",
			link->name, master->name, link->name);
	return true;
}

/* Report interfaces on top of the member: some take all its frames, so that the kernel refuses it
 * as a port; VLANs take those of their id. */
static bool check_uppers(const struct member *m)
{
	static const char *const takers[] = { "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec",
		NULL };
	const struct host_facts *facts = m->facts;

	for (size_t i = 0; i < facts->links.n; i++) {
		const struct link_info *upper = &facts->links.v[i];

		if (upper->lower != m->link->ifindex)
			continue;
		if (is_kind(upper, takers)) {
			conf_report_add(m->report, m->severity, m->text->at,
				"Member: \"%s\" is busy: the %s interface \"%s\" receives its "
				"frames\nremove that (ip link del %s) and attach what uses it to "
				"the bridge \"%s\"",
				m->link->name, upper->kind, upper->name, upper->name,
				m->bridge->name);
			return true;
		}
		if (!strcmp(upper->kind, "vlan") && !is_member(m->site, upper->name))
			conf_report_add(m->report, CONF_WARNING, m->text->at,
				"Member: frames of VLAN %u on \"%s\" go to the interface \"%s\", "
				"not to the bridge\nremove that interface, or make it a member of "
				"another bridge, if VLAN %u is to cross",
				upper->vlan, m->link->name, upper->name, upper->vlan);
	}
	return false;
}

/* Warn of interfaces that the kernel accepts as ports, but that do not pass the frames of
 * others. */
static void check_own_frames(const struct member *m)
{
	static const char *const own[] = { "macvlan", "ipvlan", NULL };
	const struct link_info *lower = host_facts_index(m->facts, m->link->lower);

	if (is_kind(m->link, own))
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: \"%s\", of type %s, receives only frames to its own "
			"address\nname the interface below it%s%s",
			m->link->name, m->link->kind, lower ? ": Member = " : "",
			lower ? lower->name : "");
	else if (m->link->xdp)
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: an XDP program on \"%s\" sees its frames before the bridge, and "
			"may "
			"drop or redirect them\n"
			"`ip link show %s` has its id; remove it (ip link set %s xdp off) unless "
			"it "
			"passes what is to cross",
			m->link->name, m->link->name, m->link->name);
	else if (m->facts->wireless(m->facts->ctx, m->link) == WIRELESS_UNKNOWN)
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: \"%s\" is a wireless interface: as a client of an access point "
			"it cannot be bridged\n" HINT_WIRELESS,
			m->link->name, m->link->name);
}

/* How a packet leaves by the member. */
enum leaves {
	LEAVES_NOT = 0,
	LEAVES_DIRECTLY,
	LEAVES_ABOVE, /* by a VLAN or similar interface on top of the member */
};

static enum leaves leaves_by(const struct member *m, uint32_t ifindex)
{
	const struct link_info *link = host_facts_index(m->facts, ifindex);

	if (ifindex == m->link->ifindex)
		return LEAVES_DIRECTLY;
	for (unsigned i = 0; link && link->lower && i < LOWER_MAX; i++) {
		if (link->lower == m->link->ifindex)
			return LEAVES_ABOVE;
		link = host_facts_index(m->facts, link->lower);
	}
	return LEAVES_NOT;
}

/* How the default route leaves by the member. */
static enum leaves default_leaves(const struct member *m)
{
	static const struct ip_prefix defaults[] = { { .addr.family = AF_INET },
		{ .addr.family = AF_INET6 } };
	enum leaves how = LEAVES_NOT;

	for (size_t i = 0; how == LEAVES_NOT && i < ARRAY_LEN(defaults); i++) {
		const struct route_info *route =
			m->facts->route_to(m->facts->ctx, &defaults[i], RT_TABLE_MAIN, true);

		how = route ? leaves_by(m, route->ifindex) : LEAVES_NOT;
		for (size_t k = 0; route && how == LEAVES_NOT && k < route->n_hops; k++)
			how = leaves_by(m, route->hops[k]);
	}
	return how;
}

/* The interface by which packets to a peer's Endpoint leave; 0: none. */
static uint32_t link_toward(
	const struct member *m, const struct conf_peer *peer, const struct ip_addr *addr)
{
	const struct link_info *link = host_facts_zone(m->facts, conf_endpoint_zone(peer));

	if (ip_addr_is_link_local(addr)) /* it is reached by its zone, whatever routes there are */
		return link ? link->ifindex : 0;
	return m->facts->route(m->facts->ctx, addr);
}

/* How packets to the peers leave by the member. `ret_to`: to what. `ret_sure` is false if that is
 * not known, as the peers have no Endpoint, and the default route is assumed. */
static enum leaves leads_to_peer(const struct member *m, const char **ret_to, bool *ret_sure)
{
	bool unknown = false;
	const char *name = NULL;
	struct ip_addr addr;

	for (size_t i = 0; i < m->site->n_peers; i++) {
		const struct conf_peer *peer = &m->site->peers[i];
		enum leaves how;

		if (!peer->endpoint_host) {
			unknown = true;
			continue;
		}
		if (!conf_endpoint_addr(peer, &addr)) {
			name = peer->endpoint_host;
			continue;
		}
		how = leaves_by(m, link_toward(m, peer, &addr));
		*ret_to = peer->endpoint_host;
		*ret_sure = true;
		if (how != LEAVES_NOT)
			return how;
	}
	*ret_to = name ? name : "the rest of the world, by the default route";
	*ret_sure = name != NULL;
	return name || unknown ? default_leaves(m) : LEAVES_NOT;
}

/* Whether the bridge takes over an address of the member: a gateway with one card is made so. */
static bool takes_over(const struct member *m)
{
	for (size_t i = 0; i < m->facts->addresses.n; i++) {
		const struct ifaddr_info *a = &m->facts->addresses.v[i];

		for (size_t k = 0; k < m->bridge->addresses.n; k++)
			if (a->ifindex == m->link->ifindex &&
				ip_addr_equal(
					&a->prefix.addr, &m->bridge->addresses.v[k].prefix.addr))
				return true;
	}
	return false;
}

/* Report a member that is the uplink. */
static void check_uplink(const struct member *m)
{
	const struct conf_interface *wg = &m->site->interface;
	const char *to = "";
	bool sure = false;
	enum leaves how = leads_to_peer(m, &to, &sure);

	if (how == LEAVES_NOT)
		return;
	if (how == LEAVES_ABOVE)
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: \"%s\" also carries the interface that leads to %s: frames of "
			"the other sites leave in clear on the same cable\n"
			"right only if the network there is the LAN",
			m->link->name, to);
	else if (!sure || takes_over(m) || wg->pre_up.n || wg->post_up.n)
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: \"%s\" leads to %s: the underlay becomes part of the LAN, and "
			"frames of the other sites leave in clear on this card\n"
			"right only for a gateway with one card, whose network is the LAN; else "
			"name the LAN's card",
			m->link->name, to);
	else
		conf_report_add(m->report, CONF_ERROR, m->text->at,
			"Member: \"%s\" leads to %s: as a port of a bridge its addresses stop "
			"working, and frames of the other sites would leave in clear on it\n"
			"name the LAN's card; if there is only this one, write its address as "
			"[Bridge] Address, too",
			m->link->name, to);
}

/* Addresses of a port do not work. With the uplink that is part of its report. */
static void check_addresses(const struct member *m)
{
	char text[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < m->facts->addresses.n; i++) {
		const struct ifaddr_info *a = &m->facts->addresses.v[i];

		if (a->ifindex == m->link->ifindex && a->scope != RT_SCOPE_LINK && !m->link->master)
			conf_report_add(m->report, CONF_WARNING, m->text->at,
				"Member: \"%s\" has the address %s, which does not work on a port "
				"of a bridge\nwrite it as [Bridge] Address, and remove it from the "
				"interface: ip address del %s dev %s",
				m->link->name, ip_prefix_text(&a->prefix, text), text,
				m->link->name);
	}
}

/* The smallest MTU of the bridge's sessions; 0 if it has none. */
static uint32_t session_mtu(const struct conf_site *site, const struct conf_bridge *bridge)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *s;
	uint32_t smallest = 0;

	while ((s = conf_next_session(&walk))) {
		uint32_t mtu = s->mtu ? s->mtu : MTU_AUTO;

		if (!strcmp(s->bridge, bridge->name) && (!smallest || mtu < smallest))
			smallest = mtu;
	}
	return smallest;
}

/* Warn of a member that receives larger frames than the sessions carry, or smaller ones: the
 * kernel's bridge drops those that do not fit a port, and counts nothing. In an adopted bridge
 * sessions have the bridge's MTU. */
static void check_mtu(const struct member *m)
{
	uint32_t mtu = session_mtu(m->site, m->bridge);

	if (!mtu || m->bridge->adopt || !m->link->mtu || m->link->mtu == mtu)
		return;
	if (m->link->mtu < mtu) {
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: \"%s\" has MTU %u, and the sessions of \"%s\" carry %u: the "
			"bridge drops larger packets to it without counting them\n"
			"set MTU %u on it (ip link set %s mtu %u), or MTU = %u in [L2TPSession] on "
			"all sites",
			m->link->name, m->link->mtu, m->bridge->name, mtu, mtu, m->link->name, mtu,
			m->link->mtu);
		return;
	}
	conf_report_add(m->report, CONF_WARNING, m->text->at,
		"Member: \"%s\" has MTU %u, and the sessions of \"%s\" carry %u: the bridge drops "
		"larger packets without counting them\n"
		"set MTU %u on the hosts of the LAN, or MTU = %u in [L2TPSession] on all sites, up "
		"to 9000",
		m->link->name, m->link->mtu, m->bridge->name, mtu, mtu, m->link->mtu);
}

static void check_member(struct member *m)
{
	const struct link_info *other = host_facts_altname(m->facts, m->text->text);

	m->link = host_facts_link(m->facts, m->text->text);
	if (other) {
		conf_report_add(m->report, m->severity, m->text->at,
			"Member: \"%s\" is an alternative name of \"%s\"\nwrite Member = %s",
			m->text->text, other->name, other->name);
		return;
	}
	if (!m->link) {
		conf_report_add(m->report, CONF_WARNING, m->text->at,
			"Member: there is no interface \"%s\" on this host yet\n"
			"it is added when it appears; `ip link` lists the existing ones",
			m->text->text);
		return;
	}
	if (check_type(m) || check_master(m) || check_uppers(m))
		return;
	check_own_frames(m);
	check_uplink(m);
	check_addresses(m);
	check_mtu(m);
}

/* Source: RFC 1918, RFC 3927, RFC 6598. */
static bool is_private(const uint8_t a[static 4])
{
	return a[0] == 10 || a[0] == 127 || (a[0] == 100 && (a[1] & 0xc0) == 64) ||
	       (a[0] == 169 && a[1] == 254) || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
	       (a[0] == 192 && a[1] == 168);
}

/* The first public IPv4 address of the interface, or NULL: a LAN has private ones. */
static const struct ip_prefix *public_address(const struct member *m)
{
	for (size_t i = 0; i < m->facts->addresses.n; i++) {
		const struct ifaddr_info *a = &m->facts->addresses.v[i];

		if (a->ifindex == m->link->ifindex && a->prefix.addr.family == AF_INET &&
			!is_private(a->prefix.addr.bytes))
			return &a->prefix;
	}
	return NULL;
}

/* Report an adopted bridge that is the uplink, as that of a host at a provider: its owner has made
 * it so, and the site adds the other sites' frames to what leaves by it. */
static void check_adopted_uplink(const struct member *m)
{
	const struct ip_prefix *address = public_address(m);
	char text[IP_ADDR_TEXT_LEN];
	const char *to = "";
	bool sure = false;

	if (!address || leads_to_peer(m, &to, &sure) != LEAVES_DIRECTLY || !sure)
		return;
	conf_report_add(m->report, CONF_WARNING, m->bridge->at[CONF_BRIDGE_NAME],
		"Adopt: the bridge \"%s\" has the public address %s and leads to %s: frames of the "
		"other sites leave in clear by its ports\n"
		"right only if the network there is the LAN; else join a bridge of the LAN",
		m->bridge->name, ip_addr_text(&address->addr, text), to);
}

/* While the site runs, a member in use by another program is only a warning: a reload still applies
 * all other settings. */
void member_rules_check(const struct conf_site *site, const struct host_facts *facts,
	enum conf_severity severity, struct conf_report *report)
{
	for (size_t i = 0; i < site->n_bridges; i++) {
		const struct conf_bridge *bridge = &site->bridges[i];
		const struct member joined = { .site = site,
			.bridge = bridge,
			.facts = facts,
			.link = host_facts_link(facts, bridge->name),
			.report = report };

		if (bridge->adopt && joined.link)
			check_adopted_uplink(&joined);
		for (size_t k = 0; k < bridge->members.n; k++) {
			struct member m = { .site = site,
				.bridge = bridge,
				.text = &bridge->members.v[k],
				.facts = facts,
				.severity = facts->runs ? CONF_WARNING : severity,
				.report = report };

			check_member(&m);
		}
	}
}
