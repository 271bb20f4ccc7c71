/* SPDX-License-Identifier: MIT */
/* Findings about members: whether their frames pass from one site to the other, through the filters
 * of this host; loops; addresses that are in use twice; frames that are too large. */
#include "judge/judge_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "judge/judge_cause.h"
#include "judge/judge_further.h"
#include "judge/judge_series.h"
#include "judge/judge_station.h"
#include "judge/judge_transport.h"
#include "judge/kinds.h"
#include "judge/judge_tree.h"

#define LOSSES_MAX 4 /* findings about losses in this host */

/* ---- loops ---- */

/* Whether a port to members is the underlay, too. */
static bool is_underlay(const struct observations *f, const char *name)
{
	const struct observed_port *p = observed_port_named(f, name);

	for (size_t i = 0; p && !p->session && i < f->n_underlays; i++)
		if (!strcmp(f->underlays[i].name, p->bridge) || !strcmp(f->underlays[i].name, name))
			return true;
	return false;
}

/* What to do about a loop: both gateways may bridge the network that is between them. */
static void add_loop(
	const struct observations *f, const struct observed_port *p, struct findings *ret)
{
	const char *shared = is_underlay(f, p->name)		? p->name
			     : is_underlay(f, p->returned_from) ? p->returned_from
								: NULL;

	if (shared)
		finding_add(ret, FINDING_ERROR, "loop", p->name,
			"There is a loop: %" PRIu64 " probes of ours that were sent on %s came "
			"back on %s. Broadcasts circulate.\n"
			"%s is also the underlay, and the far gateway bridges that network, too: "
			"members reach each other without the tunnel. Take the card out of the "
			"bridge (Member in [Bridge]) on one site; or write STP = yes in [Bridge] "
			"on every site.",
			p->returned, p->returned_from, p->name, shared);
	else
		finding_add(ret, FINDING_ERROR, "loop", p->name,
			"There is a loop: %" PRIu64 " probes of ours that were sent on %s came "
			"back on %s. Broadcasts circulate.\n"
			"%s leads to %s by a second path: a cable between switches, another bridge "
			"or tunnel. Remove one of the paths; or write STP = yes in [Bridge] on "
			"every site. To stop it at once: `bridge link set dev %s state 0` (cuts "
			"this port off; state 3 undoes it).",
			p->returned, p->returned_from, p->name, p->returned_from,
			strcmp(p->returned_from, p->name) != 0 ? p->name : "itself", p->name);
}

/* Ports in hairpin mode. Return: whether one leads to another site, which sees a loop then. */
static bool judge_hairpins(const struct observations *f, struct findings *ret)
{
	bool any = false;

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];

		if (!p->hairpin || !*p->bridge)
			continue;
		any |= p->session;
		finding_add(ret, p->session ? FINDING_ERROR : FINDING_WARNING, "hairpin", p->name,
			"%s is in hairpin mode: frames go back to where they came from%s.\n"
			"`bridge link set dev %s hairpin off`%s",
			p->name,
			p->session ? ", and switches of the other site look for their hosts here"
				   : "",
			p->name, p->session ? "" : ", unless a switch behind it (VEPA) needs that");
	}
	return any;
}

bool judge_loops(const struct observations *f, struct findings *ret)
{
	bool reflected = judge_hairpins(f, ret);

	if (!observed_loop(f))
		return reflected;
	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];

		if (!p->returned || check_port_is_held(p->state))
			continue;
		add_loop(f, p, ret);
	}
	return true;
}

/* ---- frames lost in this host ---- */

/** What is known of one direction between two ports. */
struct direction {
	size_t from;
	size_t to;
	unsigned lost; /* bits 1 << enum observed_kind */
	unsigned passed;
	unsigned large;
	unsigned lost_requests;
	unsigned lost_answers;
	unsigned passed_answers;
	const struct observed_entry *entry; /* by which frames go elsewhere, or NULL */
};

/* Whether an answer can be followed to the host that asked: one to the bridge ends there. What
 * answers UDP is ICMP. */
static bool is_followed(const struct observed_crossing *x, unsigned kind)
{
	if (kind == OBSERVED_UDP || kind == OBSERVED_UDP6)
		return false;
	return !x->borrowed || kind == OBSERVED_ARP; /* neighbour discovery is not borrowed */
}

/* Whether answers of a kind go to another MAC address than that of the host that asked: a bridge
 * that does not deliver them drops nothing. Those of TCP and UDP are not looked at, and go where
 * those of ICMP do. */
static bool is_misaddressed(const struct observed_crossing *x, unsigned kind)
{
	unsigned ip4 = KINDS_IP4 | KINDS_TCP | KINDS_UDP;
	unsigned ip6 = KINDS_IP6 | KINDS_TCP6 | KINDS_UDP6;
	unsigned kinds = x->misaddressed;

	kinds |= kinds & ip4 ? ip4 : 0;
	kinds |= kinds & ip6 ? ip6 : 0;
	return kinds & 1U << kind;
}

static void add_crossing(const struct observed_crossing *x, struct direction *d)
{
	bool forward = x->in == d->from && x->out == d->to;

	if (x->further || (!forward && !(x->in == d->to && x->out == d->from)))
		return;
	if (x->large)
		d->large = x->large;
	if (forward && x->to_entry.kind)
		d->entry = &x->to_entry;
	if (!forward && x->from_entry.kind && !d->entry)
		d->entry = &x->from_entry;
	for (unsigned k = 0; k < OBSERVED_KINDS; k++) {
		const struct observed_passage *p = &x->kinds[k];

		if (forward && p->sent) {
			*(p->crossed ? &d->passed : &d->lost) |= 1U << k;
		} else if (!forward && p->answered && is_followed(x, k) && !is_misaddressed(x, k)) {
			*(p->delivered ? &d->passed_answers : &d->lost_answers) |= 1U << k;
		}
	}
}

static struct direction direction_of(const struct observations *f, size_t from, size_t to)
{
	struct direction d = { .from = from, .to = to };

	for (size_t i = 0; i < f->n_crossings; i++)
		add_crossing(&f->crossings[i], &d);
	/* If one frame of a kind passes, no rule drops the kind. A filter may drop requests but
	 * pass answers, which are unicast and belong to an established connection. */
	d.lost &= ~d.passed;
	d.lost_requests = d.lost;
	d.lost |= d.lost_answers & ~d.passed_answers;
	d.passed = (d.passed | d.passed_answers) & ~d.lost;
	d.lost = kinds_without_carried(d.lost);
	d.passed = kinds_without_carried(d.passed & ~KINDS_SPECIAL);
	return d;
}

/* Echo requests are lost, while TCP and UDP pass: hosts can talk. Return: over which versions of IP
 * that is so; 0 if anything else is lost, too. */
static unsigned find_icmp_alone(const struct direction *d)
{
	unsigned alone = 0;

	if (d->lost & KINDS_IP4 && !(~d->passed & (KINDS_TCP | KINDS_UDP)))
		alone |= KINDS_IP4;
	if (d->lost & KINDS_IP6 && !(~d->passed & (KINDS_TCP6 | KINDS_UDP6)))
		alone |= KINDS_IP6;
	return d->lost == alone ? alone : 0;
}

/* What may be dropped on purpose: hosts can talk without it. */
static bool is_dispensable(unsigned lost)
{
	return !(lost & ~(KINDS_MULTICAST | KINDS_BROADCAST | KINDS_TAGGED));
}

static void judge_loss(
	const struct observations *f, const struct direction *d, bool both, struct findings *ret)
{
	struct cause_loss loss = { .in = &f->ports[d->from],
		.out = &f->ports[d->to],
		.kinds = d->lost,
		.requests = d->lost_requests,
		.passed = d->passed,
		.large = d->large,
		.entry = d->entry };
	char lost[KINDS_LEN];
	char passed[KINDS_LEN];
	unsigned icmp = find_icmp_alone(d);

	if (icmp)
		(void)snprintf(lost, sizeof(lost), "ICMP%s, such as echo requests",
			icmp == KINDS_IP4   ? " over IPv4"
			: icmp == KINDS_IP6 ? " over IPv6"
					    : "");
	else
		kinds_text(d->lost, d->large, lost);
	kinds_text(d->passed, d->large, passed);
	judge_cause(f, &loss,
		finding_add(ret, icmp || is_dispensable(d->lost) ? FINDING_WARNING : FINDING_ERROR,
			"host_drop", loss.in->name,
			"This host drops members' frames (%s) from %s to %s%s%s%s.", lost,
			loss.in->name, loss.out->name, both ? " and back" : "",
			*passed ? "; these pass: " : "", passed));
}

/* Report what is lost between two ports, in one finding if both directions are alike. Return: the
 * number of findings. */
static unsigned judge_pair(
	const struct observations *f, size_t a, size_t b, bool write, struct findings *ret)
{
	struct direction out = direction_of(f, a, b);
	struct direction back = direction_of(f, b, a);
	bool both;

	if (judge_series_is_lossy(f, a, b))
		out.lost = 0;
	if (judge_series_is_lossy(f, b, a))
		back.lost = 0;
	both = out.lost == back.lost;
	if (out.lost && write)
		judge_loss(f, &out, both, ret);
	if (back.lost && (!out.lost || !both) && write)
		judge_loss(f, &back, false, ret);
	return (out.lost != 0) + (back.lost && (!out.lost || !both));
}

static bool is_first_of_pair(const struct observations *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->crossings[k].in == f->crossings[i].out &&
			f->crossings[k].out == f->crossings[i].in)
			return false;
	return true;
}

/* The host on a port that has the same MAC, or IPv4, address as another one; NULL: none. */
static const struct observed_station *twin_of(
	const struct observed_port *p, const struct observed_station *s, bool mac)
{
	for (unsigned i = 0; i < p->n_stations && i < OBSERVED_STATIONS; i++) {
		const struct observed_station *o = &p->stations[i];

		if (o->gateway)
			continue; /* a host answers for all its addresses on every interface */
		if (mac ? !memcmp(o->mac, s->mac, LINK_MAC_LEN)
			: s->ip4.family && ip_addr_equal(&o->ip4, &s->ip4))
			return o;
	}
	return NULL;
}

/* Whether a host of a crossing has its MAC address in common with one on another port: where
 * frames for it go is by chance. */
static bool is_ambiguous(const struct observations *f, const struct observed_crossing *x)
{
	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];

		if (!strcmp(p->bridge, f->ports[x->out].bridge) &&
			((i != x->in && twin_of(p, &x->from, true)) ||
				(i != x->out && twin_of(p, &x->to, true))))
			return true;
	}
	return false;
}

/* Return: whether any frame is lost in this host. */
static bool judge_losses(const struct observations *f, struct findings *ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];

		if (!x->further && is_first_of_pair(f, i) && !is_ambiguous(f, x))
			n += judge_pair(f, x->in, x->out, n < LOSSES_MAX, ret);
	}
	if (n > LOSSES_MAX)
		finding_add(ret, FINDING_NOTE, "host_drop", f->site,
			"%u more pairs of ports lose frames in this host.", n - LOSSES_MAX);
	return n > 0;
}

/* ---- frames lost beyond this host ---- */

static bool share_address(const struct observed_crossing *x)
{
	return x->from.ip4.family && ip_addr_equal(&x->from.ip4, &x->to.ip4);
}

static unsigned lost_beyond(const struct observed_crossing *x)
{
	unsigned kinds = 0;

	if (share_address(x))
		return 0; /* neither answers itself */

	for (unsigned k = 0; k < OBSERVED_KINDS; k++)
		if (!observed_is_transport(k) && !observed_is_mute(k) && k != OBSERVED_PIECES)
			kinds |= (unsigned)observed_is_lost_beyond(&x->kinds[k]) << k;
	return kinds;
}

/* The kinds that are lost beyond this host; of a further host those that pass for the main one. */
static unsigned lost_beyond_alone(const struct observations *f, const struct observed_crossing *x)
{
	unsigned kinds = lost_beyond(x);
	const struct observed_crossing *main = x->further ? judge_further_main(f, x) : x;

	for (unsigned k = 0; x->further && k < OBSERVED_KINDS; k++)
		if (!main->kinds[k].answered)
			kinds &= ~(1U << k);
	return kinds;
}

static void judge_lost_large(
	const struct observations *f, const struct observed_crossing *x, struct findings *ret)
{
	const struct observed_port *out = &f->ports[x->out];
	char from[IP_ADDR_TEXT_LEN];
	char to[IP_ADDR_TEXT_LEN];
	struct finding *finding = finding_add(ret, FINDING_ERROR, "member_size", out->name,
		"Packets of %u bytes%s from %s get no answer from %s, beyond %s; small ones do.",
		x->large, observed_is_lost_beyond(&x->kinds[OBSERVED_LARGE]) ? "" : " over IPv6",
		observed_station_text(&x->from, from), observed_station_text(&x->to, to),
		out->name);

	if (out->session)
		finding_hint(finding,
			"`wirespan check` there names a port of the bridge with a smaller MTU. If "
			"it finds none, the MTU of %s itself is smaller: set it to %u there; or "
			"set MTU in [L2TPSession] and on all members to what it can.",
			to, x->large);
	else
		finding_hint(finding,
			"The MTU of %s, or of a switch before it, is smaller: set it to %u there; "
			"or set MTU in [L2TPSession] on both sides and on all members to what it "
			"can.",
			to, x->large);
}

/* Whether a host answers no IP of this gateway. */
static bool ignores_gateway(const struct observed_station *s)
{
	return s->echo.sent && !s->echo.received && !s->tcp_port;
}

/* Whether a host answers ARP, but no IP of this gateway and none of the host that asked. */
static bool is_mute(const struct observed_crossing *x)
{
	return ignores_gateway(&x->to) && !x->kinds[OBSERVED_IP4].answered &&
	       !x->kinds[OBSERVED_IP6].answered;
}

/* Such a host on this side. One behind a session is judged with the others there. */
static void judge_mute_here(
	const struct observed_port *out, const char *from, const char *to, struct findings *ret)
{
	if (!out->session)
		finding_add(ret, FINDING_ERROR, "member_silent", out->name,
			"%s, on %s, answers ARP, but no echo request and no TCP of %s or of this "
			"gateway: that IP passes between members is not proved.\n"
			"Its firewall drops them, it seems. Attach a member that answers, or let "
			"that one answer an echo request for the check.",
			to, out->name, from);
}

static void judge_lost_beyond(
	const struct observations *f, const struct observed_crossing *x, struct findings *ret)
{
	const struct observed_port *out = &f->ports[x->out];
	unsigned kinds = lost_beyond_alone(f, x);
	char from[IP_ADDR_TEXT_LEN];
	char to[IP_ADDR_TEXT_LEN];
	char lost[KINDS_LEN];

	observed_station_text(&x->from, from);
	observed_station_text(&x->to, to);
	if (is_mute(x)) {
		judge_mute_here(out, from, to, ret);
		return;
	}
	if (!(kinds & ~(KINDS_LARGE | KINDS_LARGE6))) {
		judge_lost_large(f, x, ret);
		return;
	}
	kinds &= ~(KINDS_LARGE | KINDS_LARGE6);
	kinds_text(kinds_without_carried(kinds), x->large, lost);
	finding_hint(
		finding_add(ret, FINDING_ERROR, "member_silent", out->name,
			"%s answers %s, but not %s (%s): the frames leave by %s, and nothing comes "
			"back.",
			to, ignores_gateway(&x->to) ? "other packets" : "this gateway",
			x->borrowed ? "another host" : from, lost, out->name),
		out->session
			? "A filter there drops members' frames: `wirespan check` there names it. "
			  "Or the firewall of %s accepts only the gateway. Or the subnet of its "
			  "address (netmask) does not contain the asking host; or the address of "
			  "that is in use there, too."
			: "The firewall of %s drops them, or its answers go elsewhere: does the "
			  "subnet of its address (netmask) contain the asking host, and is the "
			  "address of that in use on this side, too?",
		to);
}

/* A host sends its answers to another MAC address than that of the host that asked. */
static void judge_misaddressed(
	const struct observations *f, const struct observed_crossing *x, struct findings *ret)
{
	const uint8_t *m = x->other_mac;
	char from[IP_ADDR_TEXT_LEN];
	char to[IP_ADDR_TEXT_LEN];
	char kinds[KINDS_LEN];

	kinds_text(kinds_without_carried(x->misaddressed & ~(KINDS_LARGE | KINDS_LARGE6)), x->large,
		kinds);
	observed_station_text(&x->from, from);
	finding_hint(finding_add(ret, FINDING_ERROR, "misaddressed", f->ports[x->out].name,
			     "%s, beyond %s, sends what is for %s to the MAC address "
			     "%02x:%02x:%02x:%02x:%02x:%02x (%s); %s, on %s, has another.",
			     observed_station_text(&x->to, to), f->ports[x->out].name, from, m[0],
			     m[1], m[2], m[3], m[4], m[5], kinds, from, f->ports[x->in].name),
		"See `ip neigh show %s` on %s: an entry that is PERMANENT is out of date (`ip "
		"neigh del` removes it). If there is none, another host answers for %s (the same "
		"address twice, or proxy ARP): find it by that MAC address.",
		from, to, from);
}

/* Whether a loss of a host beside the main one may be that of its session, which is reported. */
static bool is_doubtful(const struct observations *f, const struct observed_crossing *x)
{
	return x->further &&
	       (judge_loses_much(f, &f->ports[x->in]) || judge_loses_much(f, &f->ports[x->out]));
}

/* The same loss is seen from both sides: report the side that a session leads to, if there is
 * one. */
static void judge_beyond(const struct observations *f, struct findings *ret)
{
	bool found = false;

	for (size_t i = 0; i < f->n_crossings; i++)
		if (f->crossings[i].misaddressed & ~(KINDS_LARGE | KINDS_LARGE6))
			judge_misaddressed(f, &f->crossings[i], ret);
	for (size_t i = 0; i < f->n_crossings; i++)
		if (f->ports[f->crossings[i].out].session && !is_doubtful(f, &f->crossings[i]) &&
			lost_beyond_alone(f, &f->crossings[i])) {
			judge_lost_beyond(f, &f->crossings[i], ret);
			found = true;
		}
	for (size_t i = 0; !found && i < f->n_crossings; i++)
		if (!is_doubtful(f, &f->crossings[i]) && lost_beyond_alone(f, &f->crossings[i]))
			judge_lost_beyond(f, &f->crossings[i], ret);
}

/* ---- addresses in use twice ---- */

/* Whether a host that is seen on both ports is reached by both. Behind a port that the spanning
 * tree blocks, the hosts of the other ports are seen by their other path. */
static bool share_hosts(const struct observed_port *a, const struct observed_port *b)
{
	return *a->bridge && !strcmp(a->bridge, b->bridge) && !check_port_is_held(a->state) &&
	       !check_port_is_held(b->state);
}

static void judge_twins(
	const struct observed_port *a, const struct observed_port *b, struct findings *ret)
{
	for (unsigned i = 0; i < a->n_stations && i < OBSERVED_STATIONS; i++) {
		const struct observed_station *s = &a->stations[i];
		const uint8_t *m = s->mac;
		char who[IP_ADDR_TEXT_LEN];

		if (s->gateway)
			continue;
		observed_station_text(s, who);
		if (twin_of(b, s, true))
			finding_add(ret, FINDING_ERROR, "duplicate_mac", a->name,
				"The MAC address %02x:%02x:%02x:%02x:%02x:%02x (%s) is in use on "
				"%s and on %s: frames for it go to one, then to the other.\n"
				"Give one of the hosts another MAC address (copies of one system "
				"have the same). If it is one host, two paths lead to it: a loop. "
				"Or "
				"another gateway answers ARP for it (proxy_arp of a bridge port): "
				"`wirespan check` there names that.",
				m[0], m[1], m[2], m[3], m[4], m[5], who, a->name, b->name);
		else if (twin_of(b, s, false))
			finding_add(ret, FINDING_ERROR, "duplicate_ip", a->name,
				"%s is in use by two hosts, one on %s and one on %s.\n"
				"Give one of them another address.",
				who, a->name, b->name);
	}
}

/* A host has an address of the bridge. */
static void judge_own_twin(const struct observed_port *p, struct findings *ret)
{
	const uint8_t *m = p->twin_mac;
	char address[IP_ADDR_TEXT_LEN];

	if (p->twin.family)
		finding_add(ret, FINDING_WARNING, "duplicate_ip", p->name,
			"%s, the address of %s here, is in use by a host on %s, too "
			"(%02x:%02x:%02x:%02x:%02x:%02x): members reach one of the two by chance, "
			"and each of the two ignores what the other asks.\n"
			"Give one of them another address.",
			ip_addr_text(&p->twin, address), p->bridge, p->name, m[0], m[1], m[2], m[3],
			m[4], m[5]);
}

/* ---- ports that answer in the place of hosts ---- */

/* Where the bridge answers ARP itself, and no host uses IPv6, no frame is seen to be lost. */
static void judge_proxies(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_ports; i++) {
		const struct observed_port *p = &f->ports[i];

		if (p->proxy_arp && *p->bridge)
			finding_add(ret, FINDING_ERROR, "proxy_arp", p->name,
				"%s is set to proxy ARP: %s sends no broadcasts and no multicasts "
				"by it, and answers ARP in the place of hosts.\n"
				"`ip link set %s type bridge_slave proxy_arp off`",
				p->name, p->bridge, p->name);
	}
}

/* ---- frames larger than the session's ---- */

static void judge_jumbo(const struct observations *f, const struct observed_port *p,
	const struct status_bridge *b, struct findings *ret)
{
	const struct check_bridge *bridge = observed_bridge_named(f, b->name);
	bool counted = !b->adopted && !(bridge && bridge->filters_vlans);
	uint32_t mtu = 0;
	struct finding *finding;

	for (size_t i = 0; i < b->members_len; i++) {
		const struct observed_port *s = observed_port_named(f, b->members[i].name);

		if (s && s->session && s->mtu > mtu)
			mtu = s->mtu;
	}
	if (p->session || !mtu || p->mtu <= mtu)
		return;
	finding = finding_add(ret, p->large_answered ? FINDING_ERROR : FINDING_NOTE, "lan_mtu",
		p->name,
		"%s has MTU %u%s, the sessions of %s %u: the bridge drops larger packets toward "
		"the far side%s.",
		p->name, p->mtu, p->large_answered ? ", and a host there uses it" : "", b->name,
		mtu,
		counted ? " (`wirespan status` counts them: bridge_oversize)"
			: ", and no counter shows it");
	if (p->large_answered)
		finding_hint(finding,
			"Set MTU %u on the members of %s, on every site; or MTU = %u in "
			"[L2TPSession] on every site, and the ports of the bridges there to match.",
			mtu, p->name, p->mtu);
}

/* ---- all ---- */

/* The crossing in the other direction, or the same one. */
static const struct observed_crossing *crossing_back(
	const struct observations *f, const struct observed_crossing *x)
{
	for (size_t i = 0; i < f->n_crossings; i++)
		if (f->crossings[i].in == x->out && f->crossings[i].out == x->in)
			return &f->crossings[i];
	return x;
}

/* The kinds of which the two hosts of a crossing have sent frames to each other. A port's other
 * hosts may have sent further ones, where these are not in one subnet. */
static unsigned kinds_between(const struct observations *f, const struct observed_crossing *x)
{
	const struct observed_crossing *back = crossing_back(f, x);
	bool same = !memcmp(x->from.mac, back->to.mac, LINK_MAC_LEN) &&
		    !memcmp(x->to.mac, back->from.mac, LINK_MAC_LEN);
	unsigned kinds = 0;

	for (unsigned k = 0; k < OBSERVED_KINDS; k++)
		kinds |= (unsigned)(x->kinds[k].sent || (same && back->kinds[k].sent)) << k;
	return kinds;
}

/* Crossings that prove all that was tried. */
static void judge_proof(const struct observations *f, struct findings *ret)
{
	for (size_t i = 0; i < f->n_crossings; i++) {
		const struct observed_crossing *x = &f->crossings[i];
		struct direction d = direction_of(f, x->in, x->out);
		struct direction back = direction_of(f, x->out, x->in);
		char from[IP_ADDR_TEXT_LEN];
		char to[IP_ADDR_TEXT_LEN];
		char kinds[KINDS_LEN];

		if (x->further || share_address(x) || !is_first_of_pair(f, i) || x->to.gateway ||
			x->from.gateway || x->borrowed || !d.passed || d.lost || back.lost ||
			lost_beyond(x) || x->misaddressed || crossing_back(f, x)->misaddressed)
			continue;
		kinds_text(d.passed & kinds_between(f, x), d.large, kinds);
		finding_add(ret, FINDING_OK, "members", f->ports[x->in].name,
			"Frames of %s (%s) reach %s (%s) and the answers come back, through the "
			"filters of this host: %s.",
			observed_station_text(&x->from, from), f->ports[x->in].name,
			observed_station_text(&x->to, to), f->ports[x->out].name, kinds);
	}
}

/* Frames could not be made to enter a port. */
static void judge_no_crossing(const struct observations *f, struct findings *ret)
{
	bool likely = false;
	struct cause_loss loss = { .kinds = 1U << OBSERVED_IP4 };

	for (size_t i = 0; i < f->n_crossings; i++) {
		loss.in = &f->ports[f->crossings[i].in];
		loss.out = &f->ports[f->crossings[i].out];
		likely |= judge_cause_is_likely(f, &loss);
		if (likely)
			break;
	}
	if (likely)
		judge_cause(f, &loss,
			finding_add(ret, FINDING_ERROR, "host_drop", loss.in->name,
				"Frames from %s to %s pass a filter that drops by default; whether "
				"it lets members' frames pass could not be tried (%s).",
				loss.in->name, loss.out->name, strerror(-f->inject_error)));
	else
		finding_add(ret, FINDING_WARNING, "members", f->site,
			"Frames could not be sent as members send them (%s): filters between the "
			"ports of this host's bridge were not tried.\n"
			"This needs Linux 5.18 with BPF, and root. A ping between members shows "
			"the same.",
			strerror(-f->inject_error));
}

void judge_segment(const struct observations *f, struct findings *ret)
{
	size_t errors;
	bool lost = false;

	for (size_t i = 0; i < f->n_ports; i++)
		for (size_t k = i + 1; k < f->n_ports; k++)
			if (share_hosts(&f->ports[i], &f->ports[k]))
				judge_twins(&f->ports[i], &f->ports[k], ret);
	for (size_t i = 0; i < f->n_ports; i++)
		judge_own_twin(&f->ports[i], ret);
	errors = findings_count(ret, FINDING_ERROR);
	if (f->inject_error && f->n_crossings) {
		judge_no_crossing(f, ret);
	} else {
		lost = judge_losses(f, ret);
		lost = judge_series_here(f, ret) || lost;
		lost = judge_further(f, ret) || lost;
	}
	if (findings_count(ret, FINDING_ERROR) == errors)
		judge_proxies(f, ret);
	if (!lost && !f->inject_error) {
		judge_beyond(f, ret);
		judge_transports(f, ret);
		judge_series_beyond(f, ret);
		judge_proof(f, ret);
	}
	for (size_t i = 0; !lost && i < f->n_sessions; i++) {
		const struct observed_port *p = observed_port_named(f, f->before.sessions[i].name);

		if (p && *p->bridge) {
			judge_far_side(f, i, p, ret);
			judge_broadcasts(p, ret);
		}
	}
	for (size_t b = 0; b < f->after.bridges_len; b++) {
		const struct status_bridge *bridge = &f->after.bridges[b];

		if (!lost)
			judge_near_side(f, bridge, ret);
		judge_switches(f, bridge->name, ret);
		for (size_t i = 0; i < bridge->members_len; i++) {
			const struct observed_port *p =
				observed_port_named(f, bridge->members[i].name);

			if (p)
				judge_jumbo(f, p, bridge, ret);
		}
	}
	if (f->out_of_time)
		finding_add(ret, FINDING_ERROR, "time", f->site,
			"The time was over before all was tried.\n"
			"Peers or hosts that do not answer take long, and so does a busy host: see "
			"the other findings, then check again.");
}
