/* SPDX-License-Identifier: MIT */
/* Findings about the host: bridges and their ports, settings, the underlay, dropped packets. */
#include "judge/judge_host.h"

#include <inttypes.h>
#include <string.h>

#include "pkt/drop.h"

#define LATELY_MS (10 * 60 * 1000)
#define OVERHEAD4 60 /* bytes of WireGuard, UDP and IPv4 around a packet */
#define OVERHEAD6 80

/* ---- bridges ---- */

/* The MTU of the segment that a bridge belongs to: the largest of its sessions' MTUs. */
static uint32_t segment_mtu(const struct status_report *r, const struct status_bridge *b)
{
	uint32_t mtu = 0;

	for (size_t i = 0; i < b->members_len; i++) {
		const struct status_session *s = status_session_find(r, b->members[i].name);

		if (s && s->mtu > mtu)
			mtu = s->mtu;
	}
	return mtu;
}

static size_t members_up(const struct status_bridge *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->members_len; i++)
		n += !b->members[i].session && status_is_port(&b->members[i]) && b->members[i].up;
	return n;
}

static bool runs_stp(const struct observations *f, const struct status_bridge *b)
{
	const struct check_bridge *observed = observed_bridge_named(f, b->name);

	return observed ? observed->runs_stp : b->stp;
}

/* Whether ports of a bridge listen and learn before they forward. */
static bool has_delay(const struct observations *f, const struct status_bridge *b)
{
	const struct check_bridge *observed = observed_bridge_named(f, b->name);

	return observed && observed->forward_delay;
}

static const char *state_name(enum check_port_state state)
{
	static const char *const names[] = {
		[CHECK_PORT_UNKNOWN] = "in an unknown state",
		[CHECK_PORT_DISABLED] = "disabled",
		[CHECK_PORT_LISTENING] = "listening",
		[CHECK_PORT_LEARNING] = "learning",
		[CHECK_PORT_FORWARDING] = "forwarding",
		[CHECK_PORT_BLOCKING] = "blocking",
	};

	return names[state];
}

/* With STP = yes the spanning tree's decision is correct, and no action is needed. */
static void judge_tree_state(const struct status_bridge *b, const char *port,
	enum check_port_state state, struct findings *ret)
{
	if (state == CHECK_PORT_BLOCKING)
		finding_add(ret, FINDING_OK, "port_blocked", port,
			"The spanning tree blocks port %s of %s, as STP = yes intends where there "
			"is more than one path.",
			port, b->name);
	else
		finding_add(ret, FINDING_NOTE, "port_blocked", port,
			"Port %s of %s is %s: with STP = yes a port forwards at most 30 s after it "
			"has come up.",
			port, b->name, state_name(state));
}

/* The bridge runs a spanning tree that the file does not configure. Without it, two paths would
 * form a loop, so the hint asks first whether there are two. */
static void judge_foreign_tree(const struct status_bridge *b, const char *port,
	enum check_port_state state, struct findings *ret)
{
	struct finding *found = finding_add(ret, FINDING_ERROR, "port_blocked", port,
		"Port %s of %s is %s: the bridge runs the spanning tree protocol, but [Bridge] "
		"does not set STP = yes.",
		port, b->name, state_name(state));

	if (state == CHECK_PORT_BLOCKING)
		finding_hint(found,
			"More than one path leads to the hosts behind %s. Write STP = yes in "
			"[Bridge] on every site; or remove all paths but one.",
			port);
	else
		finding_hint(found,
			"It forwards after 30 s. If the protocol is wanted, write STP = yes in "
			"[Bridge] on every site; otherwise find out what turned it on.");
}

/* Return: whether the port's state, which is not forwarding, is acceptable. */
static bool judge_state(const struct observations *f, const struct status_bridge *b,
	const char *port, enum check_port_state state, struct findings *ret)
{
	bool running = runs_stp(f, b);

	if (state != CHECK_PORT_DISABLED && running && b->stp) {
		judge_tree_state(b, port, state, ret);
		return true;
	}
	if (state != CHECK_PORT_DISABLED && running)
		judge_foreign_tree(b, port, state, ret);
	else if (b->stp && !running)
		finding_add(ret, FINDING_ERROR, "port_blocked", port,
			"Port %s of %s is %s, although the bridge runs no spanning tree.\n"
			"`ip link set %s type bridge stp_state 1`, as [Bridge] sets STP = yes: it "
			"decides again which ports forward.",
			port, b->name, state_name(state), b->name);
	else if ((state == CHECK_PORT_LISTENING || state == CHECK_PORT_LEARNING) && has_delay(f, b))
		finding_add(ret, FINDING_ERROR, "port_blocked", port,
			"Port %s of %s is %s: the bridge has a forward delay, although it runs no "
			"spanning tree.\n"
			"It forwards after 30 s. To have it forward at once: `ip link set %s type "
			"bridge forward_delay 0`.",
			port, b->name, state_name(state), b->name);
	else
		finding_add(ret, FINDING_ERROR, "port_blocked", port,
			"Port %s of %s is %s: its state was set by hand or by another program.\n"
			"If no other path leads to the hosts behind it: `bridge link set dev %s "
			"state 3`.",
			port, b->name, state_name(state), port);
	return false;
}

/* Whether a port had no carrier when the check began, so that nothing was sent on it. */
static bool came_up(const struct observations *f, const char *name)
{
	const struct observed_port *port = observed_port_named(f, name);

	return port && port->no_carrier && port->state == CHECK_PORT_DISABLED;
}

/* Whether another port to members was tried. */
static bool has_tried_members(const struct observations *f, const struct status_bridge *b)
{
	for (size_t i = 0; i < b->members_len; i++) {
		const struct status_member *m = &b->members[i];

		if (!m->session && m->up && !check_port_is_held(check_port_state(f, m->name)))
			return true;
	}
	return false;
}

static void judge_late_port(const struct observations *f, const struct status_bridge *b,
	const struct status_member *m, struct findings *ret)
{
	bool spare = !m->session && has_tried_members(f, b);

	finding_add(ret, spare ? FINDING_WARNING : FINDING_ERROR, "port_late", m->name,
		"Port %s of %s came up while the check ran: hosts behind it were not tried.\n"
		"Check again.",
		m->name, b->name);
}

/* Return: whether the port has no fault. */
static bool judge_port(const struct observations *f, const struct status_bridge *b,
	const struct status_member *m, struct findings *ret)
{
	uint32_t mtu = segment_mtu(&f->after, b);
	bool alone = m->session || !members_up(b);
	enum check_port_state state = check_port_state(f, m->name);
	bool right = true;

	if (!m->up) {
		finding_add(ret, alone ? FINDING_ERROR : FINDING_WARNING, "port_down", m->name,
			"Port %s of %s is down or has no carrier.\n"
			"`ip link set %s up`; then look at the cable and at the other end.",
			m->name, b->name, m->name);
		return false;
	}
	if (came_up(f, m->name)) {
		judge_late_port(f, b, m, ret);
		right = false;
	} else if (check_port_is_held(state)) {
		right = judge_state(f, b, m->name, state, ret);
	}
	if (mtu && m->mtu < mtu) {
		finding_add(ret, FINDING_ERROR, "port_mtu", m->name,
			"Port %s has MTU %u, the segment %u: the bridge drops larger frames toward "
			"it silently.\n"
			"`ip link set %s mtu %u`, or MTU = %u in [L2TPSession] on both sides.",
			m->name, m->mtu, mtu, m->name, mtu, m->mtu);
		right = false;
	}
	return right;
}

/* Compare STP in the file with what the bridge runs. */
static bool judge_stp(
	const struct observations *f, const struct status_bridge *b, struct findings *ret)
{
	bool running = runs_stp(f, b);

	if (running == b->stp)
		return true;
	if (b->stp)
		finding_add(ret, FINDING_ERROR, "stp", b->name,
			"%s runs no spanning tree, although [Bridge] sets STP = yes: if there is "
			"more than one path, frames circulate.\n"
			"`ip link set %s type bridge forward_delay 1500 stp_state 1`; and find out "
			"what turned it off.",
			b->name, b->name);
	else
		finding_add(ret, FINDING_WARNING, "stp", b->name,
			"%s runs the spanning tree protocol, but [Bridge] does not set STP = yes.\n"
			"Write STP = yes in [Bridge] if any two sites are connected by more than "
			"one path. If none are: `ip link set %s type bridge stp_state 0`.",
			b->name, b->name);
	return false;
}

static size_t forwarding_ports(const struct observations *f, const struct status_bridge *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->members_len; i++)
		n += !check_port_is_held(check_port_state(f, b->members[i].name));
	return n;
}

static void judge_right_bridge(
	const struct observations *f, const struct status_bridge *b, struct findings *ret)
{
	size_t forwarding = forwarding_ports(f, b);
	uint32_t mtu = segment_mtu(&f->after, b);

	if (forwarding == b->members_len)
		finding_add(ret, FINDING_OK, "bridge", b->name,
			"%zu ports, all up and forwarding, none with an MTU below %u.",
			b->members_len, mtu);
	else
		finding_add(ret, FINDING_OK, "bridge", b->name,
			"%zu ports, all up, %zu of them forwarding, none with an MTU below %u.",
			b->members_len, forwarding, mtu);
}

static void judge_bridge(
	const struct observations *f, const struct status_bridge *b, struct findings *ret)
{
	const struct check_bridge *observed = observed_bridge_named(f, b->name);
	uint32_t mtu = segment_mtu(&f->after, b);
	size_t sessions = 0;
	bool right;

	if (observed && observed->down) {
		finding_add(ret, FINDING_ERROR, "bridge_down", b->name,
			"The bridge %s is down: no frame passes.\n"
			"`ip link set %s up`",
			b->name, b->name);
		return;
	}
	right = judge_stp(f, b, ret);

	for (size_t i = 0; i < b->members_len; i++) {
		if (status_is_port(&b->members[i])) /* the rest: judge_differences() */
			right &= judge_port(f, b, &b->members[i], ret);
		else
			right = false;
		sessions += b->members[i].session;
	}
	if (sessions == b->members_len) {
		finding_add(ret, FINDING_NOTE, "bridge", b->name,
			"%s has no port but sessions: no host is behind this gateway.\n"
			"Name the interface of the members: Member = in [Bridge].",
			b->name);
		right = false;
	}
	if (mtu && b->mtu && b->mtu < mtu) {
		finding_add(ret, FINDING_WARNING, "bridge_mtu", b->name,
			"%s has MTU %u, the segment %u.\n"
			"`ip link set %s mtu %u`",
			b->name, b->mtu, mtu, b->name, mtu);
		right = false;
	}
	if (right)
		judge_right_bridge(f, b, ret);
}

/* The bridge that an interface should be a port of, or NULL. */
static const struct status_bridge *bridge_wanting(const struct status_report *r, const char *port)
{
	for (size_t b = 0; b < r->bridges_len; b++)
		for (size_t m = 0; m < r->bridges[b].members_len; m++)
			if (!strcmp(r->bridges[b].members[m].name, port))
				return &r->bridges[b];
	return NULL;
}

/* Whether an interface should be a port, and is one of no bridge. */
static bool is_outside(const struct status_report *r, const char *name)
{
	const struct status_bridge *b = bridge_wanting(r, name);

	for (size_t i = 0; b && i < b->members_len; i++)
		if (!strcmp(b->members[i].name, name))
			return b->members[i].state == STATUS_PORT_OUTSIDE;
	return false;
}

/* Report how the host differs from the file. A member that is not there is an error if it is the
 * only one. What other findings report in more detail is left to them. */
static void judge_differences(const struct observations *f, struct findings *ret)
{
	const struct status_report *r = &f->after;

	for (size_t i = 0; i < r->differences_len; i++) {
		const struct status_difference *d = &r->differences[i];
		const struct status_bridge *bridge = bridge_wanting(r, d->name);
		bool spare = bridge && d->remedy == STATUS_REMEDY_WAIT && members_up(bridge);

		if (!strcmp(d->kind, "stp") ||
			(!strcmp(d->kind, "down") && strcmp(d->name, r->wg.name) != 0) ||
			(status_session_find(r, d->name) && is_outside(r, d->name)))
			continue;
		finding_add(ret, spare ? FINDING_WARNING : FINDING_ERROR, "differs", d->name,
			"%s.\n"
			"%s",
			d->text, d->hint);
	}
}

/* Whether a difference reports that the bridge is missing, or that another interface has its
 * name. */
static bool is_absent(const struct status_report *r, const char *bridge)
{
	for (size_t i = 0; i < r->differences_len; i++)
		if (!strcmp(r->differences[i].kind, "absent") &&
			!strcmp(r->differences[i].name, bridge))
			return true;
	return false;
}

/* Report sessions that are in no bridge although the file has one for them, and the host, too. */
static void judge_loose_sessions(const struct observations *f, struct findings *ret)
{
	const struct status_report *r = &f->after;

	for (size_t s = 0; s < r->sessions_len; s++) {
		const char *name = r->sessions[s].name;

		if (is_outside(r, name) && !is_absent(r, bridge_wanting(r, name)->name))
			finding_add(ret, FINDING_ERROR, "bridge", name,
				"%s is in no bridge.\n"
				"Another program removed it: `wirespan reload` adds it again.",
				name);
	}
}

/* ---- settings ---- */

static void judge_settings(const struct observations *f, struct findings *ret)
{
	const struct observed_host *m = &f->host;

	if (m->bridge_nf_ip4 > 0 || m->bridge_nf_ip6 > 0 || m->bridge_nf_arp > 0)
		finding_add(ret, FINDING_NOTE, "br_netfilter", f->site,
			"br_netfilter is active: bridged frames pass through this host's%s%s%s "
			"rules.",
			m->bridge_nf_ip4 > 0 ? " iptables" : "",
			m->bridge_nf_ip6 > 0 ? " ip6tables" : "",
			m->bridge_nf_arp > 0 ? " arptables" : "");
	if (m->ip_forward > 0)
		finding_add(ret, FINDING_NOTE, "forwarding", f->site,
			"IP forwarding is on; the segment does not need it.");
}

/* List what confines the processes of the site. */
static void judge_processes(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->after.processes_len; i++) {
		const struct status_process *p = &f->after.processes[i];
		bool filtered = strstr(p->confinement, "system call filter");

		finding_add(ret, filtered ? FINDING_OK : FINDING_WARNING, "isolation", p->role,
			"The %s, process %u, is confined: %s.%s", p->role, p->pid,
			*p->confinement ? p->confinement : "not at all",
			filtered ? ""
				 : "\nThis host allows it no filter of system calls: in a "
				   "container, "
				   "allow seccomp; else enable it in the kernel.");
	}
}

void judge_host(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->after.bridges_len; i++)
		judge_bridge(f, &f->after.bridges[i], ret);
	judge_differences(f, ret);
	judge_loose_sessions(f, ret);
	judge_settings(f, ret);
	judge_processes(f, ret);
}

/* ---- the underlay ---- */

/* Ours are fragmented by this host: the MTU of WireGuard here does not fit the underlay. */
static void judge_fragments(
	const struct observations *f, const struct observed_underlay *u, struct findings *ret)
{
	bool ours = u->fragments_out > 0;
	struct finding *finding = finding_add(ret, FINDING_ERROR, "fragments", u->name,
		"%" PRIu64 " IP fragments were seen on %s, %s.", u->fragments, u->name,
		!ours				  ? "all from peers"
		: u->fragments_out < u->fragments ? "ours and peers'"
						  : "all ours");

	if (ours)
		finding_hint(finding,
			"[Interface] MTU here (%u) is too large for %s, whose MTU is %u: MTU = "
			"auto, or at most %u (%u if a peer's endpoint is IPv6).",
			f->after.wg.mtu, u->name, u->mtu, u->mtu - OVERHEAD4, u->mtu - OVERHEAD6);
	else
		finding_hint(finding,
			"Is the MTU of the peer's WireGuard interface too large for its underlay? "
			"There, MTU = auto in [Interface] finds the right one.");
}

/* Whether a far gateway has one card for underlay and members, on the network of this underlay: its
 * bridge, behind the session, has the Ethernet address that its endpoint has here. */
static bool is_lan_there(const struct observations *f, const struct observed_underlay *u)
{
	for (size_t i = 0; i < f->n_peers; i++)
		for (size_t k = 0; k < f->n_ports; k++)
			for (unsigned n = 0; f->ports[k].session && f->peers[i].has_mac &&
					     n < f->ports[k].n_stations && n < OBSERVED_STATIONS;
				n++)
				if (!strcmp(f->peers[i].underlay, u->name) &&
					!memcmp(f->ports[k].stations[n].mac, f->peers[i].mac,
						LINK_MAC_LEN))
					return true;
	return false;
}

/* A far gateway answers ARP for its endpoint's address on the pseudowire, too: our datagrams to it
 * may be sent there, where the engine drops them. Only where the underlay is the bridge itself. */
static void judge_endpoints(
	const struct observations *f, const struct status_bridge *bridge, struct findings *ret)
{
	uint64_t lost = f->after.drops.n[DROP_TAP_OWN] - f->before.drops.n[DROP_TAP_OWN];

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];

		if (p->session && p->has_endpoint && !strcmp(p->bridge, bridge->name))
			finding_add(ret, lost ? FINDING_ERROR : FINDING_WARNING, "endpoint",
				p->name,
				"The address of a peer's endpoint is answered on %s, too: "
				"WireGuard datagrams are sent into the segment and dropped "
				"(%" PRIu64 " during the check).\nThere, `sysctl -w "
				"net.ipv4.conf.all.arp_ignore=1`: without it a "
				"Linux host answers ARP for all of its addresses on every "
				"interface.",
				p->name, lost);
	}
}

static void judge_interface(
	const struct observations *f, const struct observed_underlay *u, struct findings *ret)
{
	const struct status_bridge *bridge = check_bridge_of(&f->after, u->name);
	const struct status_bridge *shared =
		bridge ? bridge : status_bridge_find(&f->after, u->name);

	if (u->error) {
		finding_add(ret, FINDING_WARNING, "underlay", u->name, "Cannot listen on %s: %s.",
			u->name, strerror(-u->error));
		return;
	}
	if (shared) {
		finding_add(ret, FINDING_NOTE, "underlay", u->name,
			"%" PRIu64 " WireGuard datagram%s on %s, which is %s: members and underlay "
			"share a network card. Clear-text packets there are the members'.",
			u->wireguard, u->wireguard == 1 ? "" : "s", u->name,
			bridge ? "a port of the bridge" : "the bridge");
		judge_endpoints(f, shared, ret);
	} else if (u->clear && is_lan_there(f, u)) {
		finding_add(ret, FINDING_NOTE, "underlay", u->name,
			"%" PRIu64 " packets of the segment were seen in clear on %s: a far "
			"gateway has one card for underlay and members, and %s is in the network "
			"of its members.",
			u->clear, u->name, u->name);
	} else if (u->clear) {
		finding_add(ret, FINDING_ERROR, "clear", u->name,
			"%" PRIu64 " packets of the segment were seen in clear on %s.\n"
			"Is %s a port of the bridge, on this or the other side? Does a route lead "
			"Remote around WireGuard?",
			u->clear, u->name, u->name);
	}
	if (u->fragments)
		judge_fragments(f, u, ret);
	if (!u->clear && !u->fragments && !shared)
		finding_add(ret, FINDING_OK, "underlay", u->name,
			"%" PRIu64 " WireGuard datagram%s on %s, no fragment, nothing of ours in "
			"clear.",
			u->wireguard, u->wireguard == 1 ? "" : "s", u->name);
	if (u->not_captured)
		finding_add(ret, FINDING_NOTE, "underlay", u->name,
			"%" PRIu64 " packets on %s were not captured.", u->not_captured, u->name);
}

void judge_underlay(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_underlays; i++)
		judge_interface(f, &f->underlays[i], ret);
}

/* ---- drops ---- */

void judge_drops(const struct observations *f, struct findings *ret)
{
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		uint64_t now = f->after.drops.n[d] - f->before.drops.n[d];
		uint64_t age = f->after.drop_ages_ms.n[d];

		if (now)
			finding_add(ret, FINDING_NOTE, "drops", drop_name((enum drop)d),
				"%" PRIu64 " dropped during the check: %s.", now,
				drop_meaning((enum drop)d));
		else if (age && age <= LATELY_MS)
			finding_add(ret, FINDING_NOTE, "drops", drop_name((enum drop)d),
				"%" PRIu64 " dropped, the last %" PRIu64 " s ago: %s.",
				f->after.drops.n[d], age / 1000, drop_meaning((enum drop)d));
	}
}
