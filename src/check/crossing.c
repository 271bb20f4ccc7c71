/* SPDX-License-Identifier: MIT */
/* Sends frames through the bridges as members do, and follows them and their answers. */
#include "check/crossing.h"

#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/random.h"
#include "check/inject.h"
#include "check/series.h"
#include "netlink/query.h"

#define CROSSINGS_MAX 128
#define TRIES	      6 /* a busy host loses some */
#define TRY_MS	      80
#define LATE_MS	      400
#define BURST	      32
#define FURTHER	      7	   /* most hosts of a port whose frames cross beside the main one's */
#define VLAN	      4013 /* an unusual one */

/* Ports of usual services, one for each try: a filter that lets any of them pass is on purpose. */
static const uint16_t tcp_ports[TRIES] = { 443, 22, 80, 445, 8080, 3389 };
static const uint16_t udp_ports[TRIES] = { 33434, 53, 443, 123, 5060, 514 };

/** All crossings. */
struct crossings {
	struct segment *segment;
	int program;			/* of inject.h; -1: none */
	bool large;			/* the large packets are being sent */
	uint8_t borrowed[LINK_MAC_LEN]; /* unused address, for ports without a known host */
	struct {
		unsigned answered; /* answers that belong to requests of the host itself */
		unsigned delivered;
	} own[CROSSINGS_MAX][2]; /* by ARP, by neighbour discovery */
	struct {
		bool first;
		bool later;
	} pieces[CROSSINGS_MAX]; /* that have crossed */
};

/* ---- which ports ---- */

/* Whether a bridge has ports to members. */
static bool has_members(const struct segment *s, const char *bridge)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->ports[i].session && !strcmp(s->ports[i].facts->bridge, bridge))
			return true;
	return false;
}

/* The number of the next session in the same bridge; s->n: none. */
static size_t next_session(const struct segment *s, size_t i)
{
	const char *bridge = s->ports[i].facts->bridge;

	for (i++; i < s->n; i++)
		if (s->ports[i].session && !strcmp(s->ports[i].facts->bridge, bridge))
			break;
	return i;
}

/* Whether two hosts have IPv4 addresses in one subnet of the bridge; if that has none, in the same
 * 256 addresses. */
static bool share_subnet(
	const struct port *port, const struct observed_station *a, const struct observed_station *b)
{
	if (!port->n_ip4)
		return a->ip4.family && b->ip4.family && !memcmp(a->ip4.bytes, b->ip4.bytes, 3);
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_prefix_contains(&port->ip4[i], &a->ip4) &&
			ip_prefix_contains(&port->ip4[i], &b->ip4))
			return true;
	return false;
}

static bool is_unicast(const uint8_t mac[static LINK_MAC_LEN])
{
	return !(mac[0] & 1);
}

/* A host on the port that is in a subnet with `to` and answers, else `otherwise`. */
static const struct observed_station *neighbour_of(const struct port *port,
	const struct observed_station *to, const struct observed_station *otherwise)
{
	for (unsigned i = 0; i < port->facts->n_stations && i < OBSERVED_STATIONS; i++) {
		const struct observed_station *s = &port->facts->stations[i];

		if (observed_is_sender(s) && (s->echo.received || !port->n_ip4) &&
			share_subnet(port, s, to))
			return s;
	}
	return otherwise;
}

/* The host of a port whose frames cross. Without an IPv4 address of the bridge, hosts with IPv4
 * only could not be asked for an echo: a host that is not the far gateway is still better. */
static const struct observed_station *member_of(const struct port *port)
{
	const struct ip_addr *target = &port->segment->prober->facts->target;
	const struct observed_station *best = observed_main_station(port->facts, target);

	for (unsigned i = 0; best && best->gateway && !port->n_ip4 && !target->family &&
			     i < port->facts->n_stations && i < OBSERVED_STATIONS;
		i++)
		if (!port->facts->stations[i].gateway)
			best = &port->facts->stations[i];
	return best;
}

/* That host, or the best other one whose address can send: a member rather than the gateway. */
static const struct observed_station *sender_of(const struct port *port)
{
	const struct observed_station *best = member_of(port);

	if (!best || observed_is_sender(best))
		return best;
	best = NULL;
	for (unsigned i = 0; i < port->facts->n_stations && i < OBSERVED_STATIONS; i++) {
		const struct observed_station *s = &port->facts->stations[i];

		if (observed_is_sender(s) && (!best || (best->gateway && !s->gateway)))
			best = s;
	}
	return best;
}

static void add(struct crossings *c, size_t in, size_t out)
{
	struct segment *s = c->segment;
	struct observations *f = s->prober->facts;
	const struct observed_station *from = sender_of(&s->ports[in]);
	const struct observed_station *to = member_of(&s->ports[out]);
	struct observed_crossing *x = &f->crossings[f->n_crossings];

	if (from && from->gateway && !s->ports[in].session)
		from = NULL; /* members and underlay share a network */
	if (to && to->gateway && !s->ports[out].session)
		to = NULL;
	if (f->n_crossings >= CROSSINGS_MAX || !to || (!from && s->ports[in].session) ||
		!segment_is_usable(&s->ports[in]) || !segment_is_usable(&s->ports[out]))
		return;
	if (from && !share_subnet(&s->ports[in], from, to))
		from = neighbour_of(&s->ports[in], to, from);
	*x = (struct observed_crossing){ .in = in, .out = out, .to = *to };
	if (from && !share_subnet(&s->ports[in], from, to))
		x->to.ip4.family = 0; /* only a router could connect them */
	if (from) {
		x->from = *from;
	} else {
		x->borrowed = true;
		x->from.ip4 = segment_source4(&s->ports[in], &to->ip4);
		memcpy(x->from.mac, c->borrowed, LINK_MAC_LEN);
	}
	f->n_crossings++;
}

static void add_pair(struct crossings *c, size_t a, size_t b)
{
	add(c, a, b);
	add(c, b, a);
}

/* Other hosts of a port: a filter may drop the frames of some, or to some. */
static void add_further(struct crossings *c, size_t i)
{
	struct segment *s = c->segment;
	struct observations *f = s->prober->facts;
	const struct observed_crossing *x = &f->crossings[i];
	const struct port *port = &s->ports[x->in];
	unsigned added = 0;

	for (unsigned n = 0; n < port->facts->n_stations && n < OBSERVED_STATIONS; n++) {
		const struct observed_station *from = &port->facts->stations[n];

		if (added == FURTHER || f->n_crossings == CROSSINGS_MAX)
			return;
		if (x->borrowed || !observed_is_sender(from) || from->gateway ||
			!from->echo.received || from->tcp_port ||
			!memcmp(from->mac, x->from.mac, LINK_MAC_LEN) ||
			!share_subnet(port, from, &x->to))
			continue;
		f->crossings[f->n_crossings++] = (struct observed_crossing){
			.in = x->in, .out = x->out, .from = *from, .to = x->to, .further = true
		};
		added++;
	}
}

/* Each port to members with each session of its bridge; in a bridge of sessions only, each session
 * with the next one, unless they are isolated from each other. */
static void add_all(struct crossings *c)
{
	const struct segment *s = c->segment;
	const struct observations *f = s->prober->facts;
	size_t main;

	for (size_t i = 0; i < s->n; i++) {
		const struct observed_port *port = s->ports[i].facts;
		size_t next;

		if (!*port->bridge)
			continue;
		for (size_t k = 0; !port->session && k < s->n; k++)
			if (s->ports[k].session && !strcmp(s->ports[k].facts->bridge, port->bridge))
				add_pair(c, i, k);
		if (!port->session || has_members(s, port->bridge))
			continue;
		next = next_session(s, i);
		if (next < s->n && !(port->isolated && s->ports[next].facts->isolated))
			add_pair(c, i, next);
	}
	main = f->n_crossings;
	for (size_t i = 0; i < main && !s->prober->byte_ns; i++)
		add_further(c, i);
}

/* ---- following frames ---- */

/* A frame of a crossing, or the answer to it, at a port. */
static void note(struct observed_crossing *x, size_t kind, bool request, bool outgoing, size_t port)
{
	struct observed_passage *p = &x->kinds[kind];

	bool alone = observed_is_transport(kind) || (kind == OBSERVED_IP4 && x->to.tcp_port);

	if (request && outgoing && port == x->out)
		observed_passage_note(p, OBSERVED_CROSSED, alone);
	else if (!request && !outgoing && port == x->out)
		observed_passage_note(p, OBSERVED_ANSWERED, alone);
	else if (!request && outgoing && port == x->in)
		observed_passage_note(p, OBSERVED_DELIVERED, alone);
}

/* The MAC address to which a host sends the answer to a frame of `from`. The bridge may flood one
 * to a wrong address, so that it seems to arrive. */
static void note_address(
	struct observed_crossing *x, size_t kind, const uint8_t mac[static LINK_MAC_LEN])
{
	if (x->borrowed)
		return;
	if (!memcmp(mac, x->from.mac, LINK_MAC_LEN)) {
		x->addressed |= 1U << kind;
		return;
	}
	x->misaddressed |= 1U << kind;
	memcpy(x->other_mac, mac, LINK_MAC_LEN);
}

/* Whether an answer is to a request that the host has made itself, to confirm what it knows: such
 * requests are no broadcasts. */
static bool is_own(struct crossings *c, size_t i, bool nd, bool outgoing)
{
	unsigned *n = outgoing ? &c->own[i][nd].delivered : &c->own[i][nd].answered;

	if (!*n)
		return false;
	--*n;
	return true;
}

/* Follow a request for the Ethernet address of a host, or its answer: of ARP, or of neighbour
 * discovery (nd). */
static void follow_resolution(struct crossings *c, size_t port, bool outgoing, enum wire_kind kind,
	const struct wire_read *r)
{
	struct observations *f = c->segment->prober->facts;
	bool nd = kind == WIRE_SOLICIT || kind == WIRE_ADVERT;
	bool request = kind == WIRE_ARP_REQUEST || kind == WIRE_SOLICIT;

	for (size_t i = 0; i < f->n_crossings; i++) {
		struct observed_crossing *x = &f->crossings[i];
		const struct ip_addr *asked = kind == WIRE_ARP_REPLY ? &r->src : &r->target;
		const uint8_t *asker = request ? r->src_mac : r->dst_mac;

		if (!ip_addr_equal(asked, nd ? &x->to.ip6 : &x->to.ip4) ||
			memcmp(asker, x->from.mac, LINK_MAC_LEN) != 0)
			continue;
		if (request && is_unicast(r->dst_mac)) {
			c->own[i][nd].answered += outgoing && port == x->out;
			c->own[i][nd].delivered += outgoing && port == x->out;
		} else if (request || !is_own(c, i, nd, outgoing)) {
			note(x, nd ? OBSERVED_ND : OBSERVED_ARP, request, outgoing, port);
		}
	}
}

/* Follow an ICMP error of a host about a datagram of ours: to a port where nothing listens. */
static void follow_error(struct crossings *c, size_t port, bool outgoing, const struct wire_read *r)
{
	struct observations *f = c->segment->prober->facts;

	for (size_t i = 0; i < f->n_crossings; i++) {
		struct observed_crossing *x = &f->crossings[i];
		bool v4 = r->target.family == AF_INET;

		if (ip_addr_equal(&r->target, v4 ? &x->to.ip4 : &x->to.ip6) &&
			ip_addr_equal(&r->icmp.from, &r->target) &&
			ip_addr_equal(&r->dst, v4 ? &x->from.ip4 : &x->from.ip6))
			note(x, v4 ? OBSERVED_UDP : OBSERVED_UDP6, false, outgoing, port);
	}
}

/* Both fragments of an echo request have to cross. */
static void follow_piece(struct crossings *c, size_t i, size_t port, bool later)
{
	struct observed_crossing *x = &c->segment->prober->facts->crossings[i];

	if (port != x->out)
		return;
	if (later)
		c->pieces[i].later = true;
	else
		c->pieces[i].first = true;
	if (c->pieces[i].first && c->pieces[i].later)
		note(x, OBSERVED_PIECES, true, true, port);
}

/* Follow an echo request of a kind, or something else with its number, or the answer. */
static void follow_kind(struct crossings *c, size_t i, size_t k, size_t port, bool outgoing,
	enum wire_kind kind, const struct wire_read *r)
{
	struct observed_crossing *x = &c->segment->prober->facts->crossings[i];
	bool request = kind != WIRE_ECHO_REPLY;

	if (request && r->tagged != (k == OBSERVED_TAGGED))
		return; /* a bridge has put a tag on it, or taken it off */
	if (request && k == OBSERVED_PIECES && r->fragment) {
		if (outgoing)
			follow_piece(c, i, port, kind == WIRE_LATER_PIECE);
		return;
	}
	note(x, k, request, outgoing, port);
	if (!request && !observed_is_transport(k) && !outgoing && port == x->out)
		note_address(x, k, r->dst_mac);
}

static void follow(
	void *ctx, struct port *port, bool outgoing, enum wire_kind kind, const struct wire_read *r)
{
	struct crossings *c = ctx;
	struct observations *f = c->segment->prober->facts;
	size_t number = (size_t)(port - c->segment->ports);
	size_t code = ((size_t)r->seq - SEGMENT_CROSSING) / TRIES;
	size_t i = code / OBSERVED_KINDS;

	if (kind == WIRE_ARP_REQUEST || kind == WIRE_ARP_REPLY || kind == WIRE_SOLICIT ||
		kind == WIRE_ADVERT)
		follow_resolution(c, number, outgoing, kind, r);
	if (kind == WIRE_ERROR && wire_is_udp_error(r, &c->segment->prober->mark))
		follow_error(c, number, outgoing, r);
	if ((kind != WIRE_ECHO_REQUEST && kind != WIRE_ECHO_REPLY && kind != WIRE_LATER_PIECE) ||
		r->seq < SEGMENT_CROSSING)
		return;
	if (r->seq >= SEGMENT_SERIES)
		series_follow(f, number, outgoing, kind, r);
	else if (i < f->n_crossings)
		follow_kind(c, i, code % OBSERVED_KINDS, number, outgoing, kind, r);
}

/* ---- sending ---- */

/* Whether the bridge gives tags of VLANs a meaning. */
static bool filters_vlans(const struct observations *f, const struct observed_crossing *x)
{
	const struct check_bridge *b = observed_bridge_named(f, f->ports[x->in].bridge);

	return b && b->filters_vlans;
}

/* Whether both hosts have an address for frames of that kind. */
static bool can_send(
	const struct observations *f, const struct observed_crossing *x, enum observed_kind kind)
{
	bool v4 = x->to.ip4.family && x->from.ip4.family && !x->borrowed;
	bool v6 = x->to.ip6.family && x->from.ip6.family && !x->borrowed;

	if (x->further && kind > OBSERVED_IP6)
		return false;
	switch (kind) {
	case OBSERVED_ARP:
		return x->to.ip4.family && (x->from.ip4.family || x->borrowed);
	case OBSERVED_IP4:
		return x->to.ip4.family && x->from.ip4.family;
	case OBSERVED_TCP:
	case OBSERVED_UDP:
	case OBSERVED_MULTICAST:
	case OBSERVED_BROADCAST:
		return v4;
	case OBSERVED_PIECES:
		return v4 && !x->to.tcp_port;
	case OBSERVED_EXPEDITED:
		return (v4 || v6) && !x->to.tcp_port;
	case OBSERVED_TAGGED:
		return (v4 || v6) && !filters_vlans(f, x);
	case OBSERVED_TCP6:
	case OBSERVED_UDP6:
	case OBSERVED_ND:
	case OBSERVED_IP6:
		return x->to.ip6.family && x->from.ip6.family;
	case OBSERVED_LARGE:
		return x->large > SEGMENT_SMALL;
	case OBSERVED_LARGE6:
		return x->large > SEGMENT_SMALL && v6 && x->kinds[OBSERVED_IP4].sent &&
		       x->kinds[OBSERVED_IP6].delivered;
	case OBSERVED_KINDS:
		break;
	}
	return false;
}

/* Whether a frame and its answer have been delivered. */
static bool is_done(const struct observed_crossing *x, enum observed_kind kind)
{
	const struct observed_passage *p = &x->kinds[kind];

	if (observed_is_mute(kind))
		return p->crossed;
	if (kind == OBSERVED_UDP || kind == OBSERVED_UDP6)
		return p->crossed && p->answered; /* by ICMP, which has a kind of its own */
	/* The answer to the bridge's own address ends at the bridge. */
	return (p->crossed && p->answered && p->delivered) ||
	       (x->borrowed && kind != OBSERVED_ARP && p->answered);
}

/* Whether a kind is sent over IPv4. Those of any version are, if both hosts have it. */
static bool is_ip4(const struct observed_crossing *x, enum observed_kind kind)
{
	switch (kind) {
	case OBSERVED_ND:
	case OBSERVED_IP6:
	case OBSERVED_TCP6:
	case OBSERVED_UDP6:
	case OBSERVED_LARGE6:
		return false;
	case OBSERVED_EXPEDITED:
	case OBSERVED_TAGGED:
	case OBSERVED_LARGE:
		return x->kinds[OBSERVED_IP4].sent;
	case OBSERVED_ARP:
	case OBSERVED_IP4:
	case OBSERVED_TCP:
	case OBSERVED_UDP:
	case OBSERVED_PIECES:
	case OBSERVED_MULTICAST:
	case OBSERVED_BROADCAST:
	case OBSERVED_KINDS:
		break;
	}
	return true;
}

/* Replace the target by all hosts, or by those of a group that bridges always forward to (RFC
 * 4541, section 2.1.2): that of multicast DNS, on a port where it does not listen. */
static void make_group(struct wire_ends *ends, enum observed_kind kind)
{
	static const uint8_t group[] = { 0x01, 0x00, 0x5e, 0, 0, 0xfb };

	if (kind == OBSERVED_MULTICAST) {
		ends->dst = (struct ip_addr){ .family = AF_INET, .bytes = { 224, 0, 0, 251 } };
		memcpy(ends->dst_mac, group, LINK_MAC_LEN);
	} else {
		memset(ends->dst.bytes, 255, 4);
		memset(ends->dst_mac, 255, LINK_MAC_LEN);
	}
}

/* Write the next frame of a kind into the prober's `out`. Return: its length. */
static size_t make_frame(const struct crossings *c, size_t i, enum observed_kind kind)
{
	struct prober *p = c->segment->prober;
	const struct observed_crossing *x = &p->facts->crossings[i];
	bool v4 = is_ip4(x, kind);
	struct wire_ends ends = { .src = v4 ? x->from.ip4 : x->from.ip6,
		.dst = v4 ? x->to.ip4 : x->to.ip6 };
	unsigned try = (x->kinds[kind].sent - 1) % TRIES;
	uint16_t number = (uint16_t)(SEGMENT_CROSSING + (i * OBSERVED_KINDS + kind) * TRIES + try);
	size_t len;

	memcpy(ends.src_mac, x->from.mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, x->to.mac, LINK_MAC_LEN);
	switch (kind) {
	case OBSERVED_ARP:
		if (x->borrowed)
			ends.src = (struct ip_addr){ .family = AF_INET };
		wire_arp_request(&ends, p->out);
		return WIRE_ARP_LEN;
	case OBSERVED_ND:
		wire_solicit(&ends, p->out);
		return WIRE_SOLICIT_LEN;
	case OBSERVED_TCP:
	case OBSERVED_TCP6:
		return wire_syn_frame(&ends, &p->mark, number, tcp_ports[try], p->out);
	case OBSERVED_UDP:
	case OBSERVED_UDP6:
		return wire_udp_frame(&ends, &p->mark, number, udp_ports[try], p->out);
	case OBSERVED_MULTICAST:
	case OBSERVED_BROADCAST:
		make_group(&ends, kind);
		return wire_udp_frame(&ends, &p->mark, number, udp_ports[0], p->out);
	case OBSERVED_IP4:
		if (x->to.tcp_port)
			return wire_syn_frame(&ends, &p->mark, number, x->to.tcp_port, p->out);
		break;
	case OBSERVED_IP6:
	case OBSERVED_EXPEDITED:
	case OBSERVED_PIECES:
	case OBSERVED_TAGGED:
	case OBSERVED_LARGE:
	case OBSERVED_LARGE6:
	case OBSERVED_KINDS:
		break;
	}
	len = wire_echo_frame(
		&ends, &p->mark, number, kind >= OBSERVED_LARGE ? x->large : SEGMENT_SMALL, p->out);
	if (kind == OBSERVED_EXPEDITED)
		wire_expedite(p->out);
	return kind == OBSERVED_TAGGED ? wire_add_tag(p->out, len, VLAN) : len;
}

/* Let the frame in the prober's `out` enter the port, in fragments if its kind is that. */
static int inject_kind(
	struct crossings *c, const struct observed_crossing *x, enum observed_kind kind, size_t len)
{
	struct prober *p = c->segment->prober;
	uint32_t ifindex = c->segment->ports[x->in].link.ifindex;
	uint8_t later[SEGMENT_SMALL];
	size_t later_len;
	int err;

	if (kind != OBSERVED_PIECES)
		return inject_frame(c->program, ifindex, p->out, len);
	later_len = wire_cut(p->out, len,
		(uint16_t)(SEGMENT_CROSSING +
			   ((size_t)(x - p->facts->crossings) * OBSERVED_KINDS + kind) * TRIES),
		later);
	err = inject_frame(c->program, ifindex, p->out, WIRE_PIECE_LEN);
	return err < 0 ? err : inject_frame(c->program, ifindex, later, later_len);
}

static bool send_kind(struct crossings *c, size_t i, enum observed_kind kind)
{
	struct prober *p = c->segment->prober;
	struct observed_crossing *x = &p->facts->crossings[i];
	size_t len;
	int err;

	if (!can_send(p->facts, x, kind) || is_done(x, kind))
		return false;
	x->kinds[kind].sent++;
	len = make_frame(c, i, kind);
	if (c->segment->ports[x->out].session)
		prober_pace(p, &c->segment->ports[x->out].free, len, false);
	err = inject_kind(c, x, kind, len);
	if (err < 0)
		p->facts->inject_error = err;
	return true;
}

static bool all_done(const void *ctx)
{
	const struct crossings *c = ctx;
	const struct observations *f = c->segment->prober->facts;

	for (size_t i = 0; i < f->n_crossings; i++)
		for (int kind = 0; kind < OBSERVED_KINDS; kind++)
			if ((kind >= OBSERVED_LARGE) == c->large &&
				can_send(f, &f->crossings[i], (enum observed_kind)kind) &&
				!is_done(&f->crossings[i], (enum observed_kind)kind))
				return false;
	return true;
}

/* Send small frames of all kinds, or large ones, until each has been answered. */
static void send_all(struct crossings *c)
{
	struct prober *p = c->segment->prober;
	struct observations *f = p->facts;
	unsigned sent = 0;

	for (unsigned try = 0; try < TRIES && !prober_is_late(p); try++) {
		for (size_t i = 0; i < f->n_crossings; i++) {
			for (int k = 0; k < OBSERVED_KINDS; k++)
				if ((k >= OBSERVED_LARGE) == c->large)
					sent += send_kind(c, i, (enum observed_kind)k);
			if (f->inject_error)
				return;
			if (sent >= BURST) {
				prober_wait(p, 1, NULL, NULL);
				sent = 0;
			}
		}
		prober_wait(p, try + 1 < TRIES ? TRY_MS : LATE_MS, all_done, c);
	}
}

/* The size of a large packet: what passes through the pseudowire, if that is known. */
static unsigned large_of(const struct segment *s, const struct observed_crossing *x)
{
	const struct port *ports[] = { &s->ports[x->in], &s->ports[x->out] };
	unsigned size = INJECT_MAX - 14;

	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		const struct observed_session *session = ports[i]->session;
		unsigned most = session ? session->largest : size;

		size = most < size ? most : size;
	}
	return size;
}

static const struct link_info *link_by_index(const struct segment *s, uint32_t ifindex)
{
	for (size_t i = 0; i < s->links.n; i++)
		if (s->links.v[i].ifindex == ifindex)
			return &s->links.v[i];
	return NULL;
}

/* What an entry is that leads to a port or to the bridge itself, and not to `out`. */
static void take_entry(struct crossings *c, const struct neigh_info *info, const struct port *out,
	struct observed_entry *ret)
{
	const struct link_info *link = link_by_index(c->segment, info->ifindex);
	bool own = link && link->has_mac && !memcmp(link->mac, info->mac, LINK_MAC_LEN);

	if (!link)
		return;
	if (info->state & NUD_PERMANENT)
		ret->kind = own ? ENTRY_OWN : ENTRY_LOCAL;
	else if (info->ifindex != out->link.ifindex)
		ret->kind = info->state & NUD_NOARP ? ENTRY_STATIC : ENTRY_LEARNED;
	memcpy(ret->device, link->name, IF_NAMESIZE);
	memcpy(ret->mac, info->mac, LINK_MAC_LEN);
}

/* Find the entry by which frames that enter `in` for a host behind `out` go elsewhere. */
static void find_entry(struct crossings *c, const struct port *in, const struct port *out,
	const uint8_t mac[static LINK_MAC_LEN], struct observed_entry *ret)
{
	struct neigh_info info;

	if (query_bridge_entry_by(
		    &c->segment->prober->nl, in->link.master, in->link.ifindex, mac, 0, &info) == 0)
		take_entry(c, &info, out, ret);
}

/* If frames of a crossing are lost in this host, see where the bridge sends what is for the host
 * that they should reach. */
static void find_elsewhere(struct crossings *c, struct observed_crossing *x)
{
	const struct port *in = &c->segment->ports[x->in];
	const struct port *out = &c->segment->ports[x->out];
	bool lost = false;
	bool lost_answers = false;

	for (unsigned k = 0; k < OBSERVED_KINDS; k++) {
		lost |= x->kinds[k].sent && !x->kinds[k].crossed;
		lost_answers |= x->kinds[k].answered && !x->kinds[k].delivered;
	}
	if (lost)
		find_entry(c, in, out, x->to.mac, &x->to_entry);
	if (lost_answers && !x->borrowed)
		find_entry(c, out, in, x->from.mac, &x->from_entry);
}

/* Answers to another MAC address are lost, unless they go by a router, which then sends them to the
 * right one, or the address is a further one of the host. */
static void find_misaddressed(struct crossings *c, struct observed_crossing *x)
{
	struct segment *s = c->segment;
	const struct link_info *in = &s->ports[x->in].link;
	uint32_t port;

	x->misaddressed &= ~x->addressed;
	if (x->misaddressed &&
		query_bridge_port_by(
			&s->prober->nl, in->master, in->ifindex, x->other_mac, 0, &port) == 0 &&
		port == in->ifindex)
		x->misaddressed = 0;
}

void crossings_ask(struct crossings *c)
{
	struct observations *f = c->segment->prober->facts;

	if (!f->n_crossings || f->inject_error)
		return;
	send_all(c);
	for (size_t i = 0; i < f->n_crossings; i++) {
		struct observed_crossing *x = &f->crossings[i];

		if (!x->borrowed && !x->further && !x->to.tcp_port &&
			(is_done(x, OBSERVED_IP4) ||
				(!x->kinds[OBSERVED_IP4].sent && is_done(x, OBSERVED_IP6))))
			x->large = large_of(c->segment, x);
	}
	c->large = true;
	send_all(c);
	if (!f->inject_error)
		series_ask(c->segment, c->program);
	for (size_t i = 0; i < f->n_crossings; i++) {
		find_elsewhere(c, &f->crossings[i]);
		find_misaddressed(c, &f->crossings[i]);
	}
}

/* ---- open and close ---- */

struct crossings *crossings_open(struct segment *segment)
{
	struct crossings *c = calloc(1, sizeof(*c));
	struct observations *f = segment->prober->facts;
	struct rng rng = random_system();

	if (!c)
		return NULL;
	c->segment = segment;
	rng_fill(&rng, c->borrowed, LINK_MAC_LEN);
	c->borrowed[0] = (uint8_t)((c->borrowed[0] & 0xfc) | 0x02);
	c->program = inject_open();
	f->inject_error = c->program < 0 ? c->program : 0;
	f->crossings = calloc(CROSSINGS_MAX, sizeof(*f->crossings));
	if (!f->crossings) {
		crossings_close(c);
		return NULL;
	}
	add_all(c);
	segment->watch = follow;
	segment->watch_ctx = c;
	return c;
}

void crossings_close(struct crossings *c)
{
	if (!c)
		return;
	c->segment->watch = NULL;
	if (c->program >= 0)
		close(c->program);
	free(c);
}
