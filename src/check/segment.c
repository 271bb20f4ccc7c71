/* SPDX-License-Identifier: MIT */
/* The ports of the site's bridges: captures and sends frames below the bridge, and finds the hosts
 * on the side of each port. */
#include "check/segment.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

#define LOOP_ROUNDS   4
#define LOOP_MS	      40
#define ROUND_MS      500
#define FRAMES_A_TURN 256 /* most frames to read from one socket in a row */
#define ASKED_MAX     8	  /* most stations of a port that get an echo request */
#define ECHOS	      3
#define ECHO_MS	      20
#define LATE_MS	      300
#define PATH_ROUNDS   3
#define SILENT_MAX    3 /* most stations of a port that get a SYN */

/* ---- receiving ---- */

static struct observed_station *station_with(struct observed_port *p, const uint8_t *mac)
{
	for (unsigned i = 0; i < p->n_stations && i < OBSERVED_STATIONS; i++)
		if (!memcmp(p->stations[i].mac, mac, LINK_MAC_LEN))
			return &p->stations[i];
	return NULL;
}

/* Whether an address is that of a peer on the underlay, which may share a LAN with members. */
static bool is_endpoint(const struct observations *f, const struct ip_addr *a)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (ip_addr_equal(&f->before.peers[i].endpoint.addr, a))
			return true;
	return false;
}

/* Whether a host is to be asked by another address of it than before: by the one that was asked
 * for; or by its link-local one, from which and to which all hosts of a segment have a route. A
 * host that does not use that one yet answers with another. */
static bool is_better(
	const struct port *port, const struct ip_addr *address, const struct ip_addr *before)
{
	if (!before->family || ip_addr_equal(address, &port->asked))
		return true;
	return ip_addr_is_link_local(address) && !ip_addr_is_link_local(before) &&
	       !ip_addr_equal(before, &port->asked);
}

/* A host answered on this port. */
static void meet_station(struct port *port, const struct wire_read *r)
{
	struct observed_port *f = port->facts;
	struct observed_station *s = station_with(f, r->src_mac);

	if (is_endpoint(port->segment->prober->facts, &r->src)) {
		memcpy(f->endpoint_mac, r->src_mac, LINK_MAC_LEN);
		f->has_endpoint = true;
		return;
	}
	if (!s && f->n_stations >= OBSERVED_STATIONS) {
		f->n_stations++; /* an upper bound: this one may be counted twice */
		return;
	}
	if (!s) {
		s = &f->stations[f->n_stations++];
		memcpy(s->mac, r->src_mac, LINK_MAC_LEN);
	}
	if (r->src.family == AF_INET && is_better(port, &r->src, &s->ip4))
		s->ip4 = r->src;
	else if (r->src.family == AF_INET6 && is_better(port, &r->src, &s->ip6))
		s->ip6 = r->src;
}

bool segment_share_bridge(const struct port *a, const struct port *b)
{
	return a == b || (*a->facts->bridge && !strcmp(a->facts->bridge, b->facts->bridge));
}

static bool is_learned(const struct port *port, const struct ip_addr *a)
{
	const struct segment *s = port->segment;

	for (size_t i = 0; i < s->n_learned; i++)
		if (segment_share_bridge(port, s->learned[i].port) &&
			ip_addr_equal(&s->learned[i].addr, a))
			return true;
	return false;
}

/* An address occurs in a frame of a port: that of a host, perhaps. Replies to ARP show whether. */
static void learn_address(struct port *port, const struct ip_addr *a)
{
	struct segment *s = port->segment;
	bool unicast =
		a->family == AF_INET && a->bytes[0] > 0 && a->bytes[0] < 224 && a->bytes[0] != 127;

	if (!unicast || port->n_ip4 || s->n_learned >= SEGMENT_LEARNED || is_learned(port, a))
		return;
	s->learned[s->n_learned].addr = *a;
	s->learned[s->n_learned++].port = port;
}

/* Learn addresses from a frame: those of ARP; of IP the sender, if the frame does not leave the
 * link, or both ends, if they seem to be neighbours: others are far away. */
static void learn_frame(struct port *port, enum wire_kind kind, const struct wire_read *r)
{
	bool arp = kind == WIRE_ARP_REQUEST || kind == WIRE_ARP_REPLY;
	bool near = arp || !memcmp(r->src.bytes, r->dst.bytes, 2);

	if (near || r->dst.bytes[0] >= 224)
		learn_address(port, &r->src);
	if (near)
		learn_address(port, kind == WIRE_ARP_REQUEST ? &r->target : &r->dst);
}

/* Whether an ARP reply is from one of the requested addresses. */
static bool is_asked(const struct port *port, const struct ip_addr *src)
{
	if ((port->asked.family && ip_addr_equal(src, &port->asked)) || is_learned(port, src))
		return true;
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_prefix_contains(&port->ip4[i], src))
			return true;
	return false;
}

/* Whether an address is one of the bridge. */
static bool is_ours(const struct port *port, const struct ip_addr *a)
{
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_addr_equal(&port->ip4[i].addr, a))
			return true;
	return false;
}

/* Whether a frame is from an interface of this host: Linux answers ARP for all its addresses on
 * each of them, and another one may be in the members' network, too. */
static bool is_this_host(const struct segment *s, const uint8_t *mac)
{
	for (size_t i = 0; i < s->links.n; i++)
		if (s->links.v[i].has_mac && !memcmp(s->links.v[i].mac, mac, LINK_MAC_LEN))
			return true;
	return false;
}

static void take_arp(struct port *port, const struct wire_read *r)
{
	struct segment *s = port->segment;
	struct observed_station *station;

	if (s->finding && !memcmp(r->dst_mac, port->mac, LINK_MAC_LEN) && is_ours(port, &r->src)) {
		if (is_this_host(s, r->src_mac))
			return;
		port->facts->twin = r->src;
		memcpy(port->facts->twin_mac, r->src_mac, LINK_MAC_LEN);
		return;
	}
	if (s->finding && !memcmp(r->dst_mac, port->mac, LINK_MAC_LEN) && is_asked(port, &r->src))
		meet_station(port, r);
	if (!s->classifying || memcmp(r->dst_mac, port->link.mac, LINK_MAC_LEN) != 0)
		return;
	for (unsigned i = 0; i < port->facts->n_stations && i < OBSERVED_STATIONS; i++) {
		station = &port->facts->stations[i];
		station->gateway |= ip_addr_equal(&station->ip4, &r->src);
	}
}

/* The far gateway's own address in the tunnel is known: a station that has it is the gateway. */
static void take_remote(struct port *port, const struct wire_read *r)
{
	struct observed_station *station = station_with(port->facts, r->src_mac);

	if (port->segment->classifying && station && port->tunnel &&
		!memcmp(r->dst_mac, port->mac, LINK_MAC_LEN) &&
		ip_addr_equal(&r->src, &port->tunnel->remote))
		station->gateway = true;
}

static void take_echo(struct port *port, const struct wire_read *r)
{
	const struct observed_station *station = port->station;
	uint64_t us = prober_round_trip(port->segment->prober, r->seq);

	if (port->segment->finding && r->src.family == AF_INET6)
		meet_station(port, r);
	if (!station ||
		!(ip_addr_equal(&r->src, &station->ip4) || ip_addr_equal(&r->src, &station->ip6)))
		return;
	if (port->silent && r->source_port)
		port->silent->tcp_port = r->source_port;
	if (port->load) {
		load_take(port->load, r->seq, us);
		return;
	}
	if (port->flooding) {
		port->session->flood_received++;
		port->session->flood_us = prober_round_trip(port->segment->prober, 1);
		return;
	}
	if (port->echo && port->echo->received < port->echo->sent)
		observed_echo_answer(port->echo, us);
	if (r->seq == port->wanted && !port->answered) {
		port->answered = true;
		port->in_pieces = r->in_pieces;
	}
}

static void send_frame(struct port *port, const uint8_t *frame, size_t len, bool numbered)
{
	int err;

	if (port->session && !port->flooding && !port->load)
		prober_pace(port->segment->prober, &port->free, len, numbered);
	err = packet_socket_send(port->watch.fd, frame, len);
	if (err == -ENOBUFS || err == -EAGAIN) { /* let the queue drain, once */
		prober_wait(port->segment->prober, 1, NULL, NULL);
		err = packet_socket_send(port->watch.fd, frame, len);
	}
	if (err < 0 && port->session)
		port->session->error = err;
}

void segment_send(struct port *port, const uint8_t *frame, size_t len)
{
	send_frame(port, frame, len, false);
}

void segment_send_numbered(struct port *port, size_t len)
{
	send_frame(port, port->segment->prober->out, len, true);
}

/* Answer a neighbour solicitation for the source address of our probes. For the bridge's own
 * address the kernel also answers, unless a filter drops the solicitation. Not where the spanning
 * tree blocks the port: the far bridge would learn that our address is behind it. */
static void answer_solicitation(struct port *port, const struct wire_read *r)
{
	struct wire_ends ends = { .src = port->ip6, .dst = r->src };
	uint8_t frame[WIRE_ADVERT_LEN];

	if (!ip_addr_equal(&r->target, &port->ip6) || !segment_is_usable(port))
		return;
	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, r->src_mac, LINK_MAC_LEN);
	wire_advertise(&ends, frame);
	(void)packet_socket_send(port->watch.fd, frame, sizeof(frame));
}

/* A loop probe that comes to a blocked port is no loop: the spanning tree has cut it there. */
static void take_loop_probe(struct port *port, const struct wire_read *r)
{
	const struct segment *s = port->segment;

	port->facts->returned++;
	if (r->seq < s->n)
		memcpy(port->facts->returned_from, s->ports[r->seq].facts->name, IF_NAMESIZE);
}

/* An answer to our bridge's question for the far gateway comes on this pseudowire. One to the
 * port's own address answers what was asked below the bridge, and comes late. */
static void note_path(struct port *port, const struct wire_read *r)
{
	if (port->session && port->remote.family && ip_addr_equal(&r->src, &port->remote) &&
		!memcmp(r->dst_mac, port->mac, LINK_MAC_LEN))
		port->session->path_here = true;
}

static void note_tree(struct port *port, const struct wire_read *r)
{
	uint8_t group[LINK_MAC_LEN];

	wire_bridge_group(group);
	port->facts->tree |= !memcmp(r->dst_mac, group, LINK_MAC_LEN);
}

/* Duplicate address detection (RFC 4862): a solicitation without a sender. The host uses the
 * address soon. */
static void note_trial(struct port *port, const struct wire_read *r)
{
	static const struct ip_addr none = { .family = AF_INET6 };

	if (ip_addr_equal(&r->src, &none))
		port->trying = clock_mono();
}

static void take_frame(struct port *port, enum wire_kind kind, const struct wire_read *r)
{
	switch (kind) {
	case WIRE_ARP_REPLY:
		note_path(port, r);
		take_arp(port, r);
		take_remote(port, r);
		break;
	case WIRE_ECHO_REPLY:
		note_path(port, r);
		if (r->seq < SEGMENT_CROSSING)
			take_echo(port, r);
		break;
	case WIRE_SOLICIT:
		note_trial(port, r);
		answer_solicitation(port, r);
		break;
	case WIRE_LOOP_PROBE:
		take_loop_probe(port, r);
		break;
	case WIRE_OTHER:
		note_tree(port, r);
		break;
	case WIRE_ARP_REQUEST:
	case WIRE_ADVERT:
	case WIRE_ECHO_REQUEST:
	case WIRE_LATER_PIECE:
	case WIRE_ERROR:
		break;
	}
}

static void on_frames(void *ctx, uint32_t events)
{
	struct port *port = ctx;
	struct segment *s = port->segment;
	struct prober *p = s->prober;
	struct packet_socket_meta meta;
	struct wire_read r;

	(void)events;
	for (unsigned i = 0; i < FRAMES_A_TURN; i++) {
		enum wire_kind kind;

		if (packet_socket_receive(port->watch.fd, p->in, WIRE_FRAME_MAX, &meta) < 0)
			return;
		kind = wire_read_frame(p->in, meta.len, &p->mark, &r);
		r.tagged = meta.tagged;
		if (s->watch && (!r.tagged || kind == WIRE_ECHO_REQUEST))
			s->watch(s->watch_ctx, port, meta.outgoing, kind, &r);
		if (r.tagged && kind != WIRE_LOOP_PROBE)
			continue; /* a host gets what it has asked for without a tag, or not */
		learn_frame(port, kind, &r);
		if (!meta.outgoing)
			take_frame(port, kind, &r);
	}
}

/* ---- loops ---- */

bool segment_is_usable(const struct port *port)
{
	return port->watch.fd >= 0 && !check_port_is_held(port->facts->state);
}

bool segment_find_loops(struct segment *s)
{
	uint8_t frame[WIRE_LOOP_PROBE_LEN];

	for (unsigned round = 0; round < LOOP_ROUNDS; round++) {
		for (size_t i = 0; i < s->n; i++) {
			if (!segment_is_usable(&s->ports[i]))
				continue;
			wire_loop_probe(s->ports[i].mac, &s->prober->mark, (uint16_t)i, frame);
			segment_send(&s->ports[i], frame, sizeof(frame));
		}
		prober_wait(s->prober, LOOP_MS, NULL, NULL);
		if (observed_loop(s->prober->facts))
			return true;
	}
	return false;
}

/* ---- finding hosts ---- */

struct ip_addr segment_source4(const struct port *port, const struct ip_addr *to)
{
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_prefix_contains(&port->ip4[i], to))
			return port->ip4[i].addr;
	return port->n_ip4 ? port->ip4[0].addr : (struct ip_addr){ 0 };
}

void segment_ask_arp(struct port *port, const struct ip_addr *who)
{
	struct wire_ends ends = { .src = segment_source4(port, who), .dst = *who };
	uint8_t frame[WIRE_ARP_LEN];

	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	wire_arp_request(&ends, frame);
	segment_send(port, frame, sizeof(frame));
	if (port->session)
		port->session->asked++;
}

/* Send an echo request to all IPv6 nodes, or to `who` alone. */
void segment_ask_ip6(struct port *port, const struct ip_addr *who)
{
	struct prober *p = port->segment->prober;
	struct wire_ends ends = { .src = port->ip6 };
	size_t len;

	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	wire_all_nodes(&ends.dst, ends.dst_mac);
	if (who)
		ends.dst = *who; /* to the all-nodes MAC address: no resolution needed */
	len = wire_echo_frame(&ends, &p->mark, prober_number(p), SEGMENT_SMALL, p->out);
	segment_send_numbered(port, len);
	if (port->session)
		port->session->asked++;
}

/* Ask whether a station is the far gateway: for its address, in a frame that ends at the far
 * gateway (far_end.h); and for the far gateway's address in the tunnel, in a frame to the station.
 * A Linux host answers for all its addresses on every interface. */
static void ask_identity(struct port *port, const struct observed_station *station)
{
	struct prober *p = port->segment->prober;
	struct wire_ends ends = { .dst = station->ip4 };

	if (station->gateway)
		return;
	memcpy(ends.src_mac, port->link.mac, LINK_MAC_LEN);
	wire_link_local_group(ends.dst_mac);
	if (ends.dst.family)
		segment_send(port, p->out, wire_arp_probe(&ends, &p->mark, SEGMENT_SMALL, p->out));
	if (!port->facts->classified)
		return;
	ends.dst = port->tunnel->remote;
	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, station->mac, LINK_MAC_LEN);
	segment_send(port, p->out, wire_arp_probe(&ends, &p->mark, SEGMENT_SMALL, p->out));
}

/* Members and underlay may share a network: a host on a port to members that has the address of a
 * peer's endpoint is a far gateway, too, and may answer for its other addresses. */
static void find_gateways_here(struct observed_port *port)
{
	for (unsigned n = 0; n < port->n_stations && n < OBSERVED_STATIONS; n++)
		port->stations[n].gateway |=
			port->has_endpoint &&
			!memcmp(port->stations[n].mac, port->endpoint_mac, LINK_MAC_LEN);
}

/* Whether the far gateway is found behind each session where hosts answer. */
static bool gateways_are_known(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++) {
		const struct observed_port *f = s->ports[i].facts;
		bool known = !s->ports[i].session || !f->n_stations;

		for (unsigned n = 0; n < f->n_stations && n < OBSERVED_STATIONS; n++)
			known |= f->stations[n].gateway;
		if (!known)
			return false;
	}
	return true;
}

static void find_gateways(struct segment *s)
{
	struct prober *p = s->prober;

	for (size_t i = 0; i < s->n; i++)
		if (!s->ports[i].session)
			find_gateways_here(s->ports[i].facts);
	s->classifying = true;
	for (unsigned round = 0; round < ECHOS; round++) {
		for (size_t i = 0; i < s->n; i++) {
			struct port *port = &s->ports[i];

			if (!port->session || !segment_is_usable(port))
				continue;
			port->facts->classified =
				port->tunnel && port->tunnel->remote.family == AF_INET;
			for (unsigned n = 0; n < port->facts->n_stations && n < ASKED_MAX; n++)
				ask_identity(port, &port->facts->stations[n]);
		}
		prober_wait(p, ECHO_MS, NULL, NULL);
	}
	prober_wait(p, 2 * ECHO_MS, NULL, NULL);
	prober_wait(p, LATE_MS, gateways_are_known, s);
	s->classifying = false;
}

bool segment_can_ask(const struct port *port, const struct observed_station *to)
{
	return to->ip6.family || (to->ip4.family && port->n_ip4);
}

/* Send a SYN to a port of a station. */
static void ask_tcp(struct port *port, const struct wire_ends *ends, uint16_t tcp_port)
{
	struct prober *p = port->segment->prober;

	port->wanted = prober_number(p);
	segment_send_numbered(port, wire_syn_frame(ends, &p->mark, port->wanted, tcp_port, p->out));
}

struct wire_ends segment_ends(const struct port *port, const struct observed_station *to)
{
	struct wire_ends ends = { .src = segment_source4(port, &to->ip4), .dst = to->ip4 };

	if (!to->ip4.family || !port->n_ip4) {
		ends.dst = to->ip6;
		ends.src = port->ip6;
	}
	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, to->mac, LINK_MAC_LEN);
	return ends;
}

void segment_ask(struct port *port, const struct observed_station *to, unsigned size)
{
	struct prober *p = port->segment->prober;
	struct wire_ends ends = segment_ends(port, to);
	size_t len;

	port->station = to;
	port->answered = port->in_pieces = false;
	if (to->tcp_port && ends.dst.family == AF_INET) {
		ask_tcp(port, &ends, to->tcp_port);
		return;
	}
	port->wanted = prober_number(p);
	len = wire_echo_frame(&ends, &p->mark, port->wanted, size, p->out);
	segment_send_numbered(port, len);
}

/* Whether every port's station that was asked has answered. */
static bool all_answered(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (s->ports[i].echo && s->ports[i].echo->received < s->ports[i].echo->sent)
			return false;
	return true;
}

/* Ask the `n`th station of every port for echoes, or only those that answer TCP alone. */
static void ask_stations(struct segment *s, unsigned n, bool by_tcp)
{
	bool any = false;

	for (unsigned round = 0; round < ECHOS; round++) {
		for (size_t i = 0; i < s->n; i++) {
			struct port *port = &s->ports[i];
			struct observed_station *station = &port->facts->stations[n];

			if (!segment_is_usable(port) || n >= port->facts->n_stations ||
				!segment_can_ask(port, station) || (by_tcp && !station->tcp_port))
				continue;
			any = true;
			port->echo = &station->echo;
			station->echo.sent++;
			segment_ask(port, station, SEGMENT_SMALL);
		}
		if (any)
			prober_wait(s->prober, ECHO_MS, NULL, NULL);
	}
	if (any)
		prober_wait(s->prober, LATE_MS, all_answered, s);
	for (size_t i = 0; i < s->n; i++)
		s->ports[i].echo = NULL;
}

static bool all_silent_answered(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (s->ports[i].silent && !s->ports[i].silent->tcp_port)
			return false;
	return true;
}

/* Send SYNs to the `n`th station of every port, if it has answered no echo request. Ports that are
 * often open, and one that is closed nearly everywhere: a reset is an answer, too. */
static void ask_silent(struct segment *s, unsigned n)
{
	static const uint16_t tcp_ports[] = { 9, 22, 80, 443, 445 };
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		struct port *port = &s->ports[i];
		struct observed_station *to = &port->facts->stations[n];
		struct wire_ends ends = { .src = segment_source4(port, &to->ip4), .dst = to->ip4 };

		if (!segment_is_usable(port) || n >= port->facts->n_stations || !to->ip4.family ||
			!port->n_ip4 || to->echo.received)
			continue;
		memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
		memcpy(ends.dst_mac, to->mac, LINK_MAC_LEN);
		port->station = port->silent = to;
		for (size_t k = 0; k < ARRAY_LEN(tcp_ports); k++)
			ask_tcp(port, &ends, tcp_ports[k]);
		any = true;
	}
	if (any)
		prober_wait(s->prober, LATE_MS, all_silent_answered, s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->ports[i].silent && s->ports[i].silent->tcp_port)
			s->ports[i].silent->echo = (struct observed_echo){ 0 };
		s->ports[i].silent = NULL;
	}
}

/* Ask stations that answer no echo request by TCP, and count the answers of those that do. */
static void ask_silent_stations(struct segment *s)
{
	for (unsigned n = 0; n < SILENT_MAX && !prober_is_late(s->prober); n++) {
		ask_silent(s, n);
		ask_stations(s, n, true);
	}
}

void segment_ask_hosts(struct segment *s)
{
	find_gateways(s);
	for (unsigned n = 0; n < ASKED_MAX && !prober_is_late(s->prober); n++)
		ask_stations(s, n, false);
	ask_silent_stations(s);
}

/* The largest MTU of the sessions in a bridge; 0: none is in it. */
static unsigned session_mtu(const struct segment *s, const char *bridge)
{
	unsigned mtu = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->ports[i].session && !strcmp(s->ports[i].facts->bridge, bridge) &&
			s->ports[i].facts->mtu > mtu)
			mtu = s->ports[i].facts->mtu;
	return mtu;
}

void segment_ask_jumbo(struct segment *s)
{
	struct ip_addr any = { 0 };

	for (unsigned try = 0; try < ECHOS; try++)
		for (size_t i = 0; i < s->n; i++) {
			struct port *port = &s->ports[i];
			struct observed_station *station = observed_main_station(port->facts, &any);
			unsigned mtu = session_mtu(s, port->facts->bridge);

			if (port->session || !segment_is_usable(port) || !station || !mtu ||
				station->tcp_port || port->facts->mtu <= mtu ||
				port->facts->large_answered)
				continue;
			segment_ask(port, station, port->facts->mtu);
			prober_wait(s->prober, 2 * ECHO_MS, NULL, NULL);
			port->facts->large_answered = port->answered && !port->in_pieces;
		}
}

/* ---- open and close ---- */

struct port *segment_session_port(const struct segment *s, size_t i)
{
	const struct observed_session *session = &s->prober->facts->sessions[i];

	for (size_t n = 0; n < s->n; n++)
		if (s->ports[n].session == session)
			return &s->ports[n];
	return NULL;
}

/* The source addresses of frames: those of the bridge, or of the port itself. */
static void find_addresses(
	struct port *port, const struct link_info *owner, const struct ifaddr_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ifaddr_info *a = &list->v[i];

		if (a->ifindex != owner->ifindex)
			continue;
		if (a->prefix.addr.family == AF_INET && port->n_ip4 < SEGMENT_SUBNETS)
			port->ip4[port->n_ip4++] = a->prefix;
		if (a->prefix.addr.family == AF_INET6 &&
			(!port->ip6.family || a->scope == RT_SCOPE_LINK))
			port->ip6 = a->prefix.addr;
	}
	if (!port->ip6.family)
		port->ip6 = ip_addr_link_local(owner->mac);
}

static int open_port(struct port *port, const char *name, const struct ifaddr_list *addresses)
{
	struct prober *p = port->segment->prober;
	struct link_info owner;
	int err = query_link(&p->nl, name, &port->link);

	port->watch.fd = -1;
	if (err < 0)
		return err;
	if (!(port->link.flags & IFF_UP))
		return -ENETDOWN;
	owner = port->link;
	if (port->link.master)
		err = query_link_index(&p->nl, port->link.master, &owner);
	if (err < 0 || !owner.has_mac || !port->link.has_mac)
		return err < 0 ? err : -EINVAL;
	memcpy(port->mac, owner.mac, LINK_MAC_LEN);
	find_addresses(port, &owner, addresses);
	port->facts->no_ip4 = !port->n_ip4;
	return prober_watch(
		p, &port->watch, packet_socket_open(port->link.ifindex, true), on_frames, port);
}

/* The session whose interface a port is, or NULL. */
static struct observed_session *session_of(const struct observations *f, const char *name)
{
	const struct status_session *s = status_session_find(&f->before, name);

	return s ? &f->sessions[s - f->before.sessions] : NULL;
}

int segment_open(struct segment *s, struct prober *p)
{
	struct observations *f = p->facts;
	struct ifaddr_list addresses = { 0 };
	int err = query_addresses(&p->nl, AF_UNSPEC, &addresses);

	*s = (struct segment){ .prober = p };
	if (err < 0)
		return err;
	err = query_links(&p->nl, &s->links);
	if (err < 0) {
		free(addresses.v);
		return err;
	}
	s->ports = calloc(f->n_ports + 1, sizeof(*s->ports));
	for (size_t i = 0; s->ports && i < f->n_ports; i++) {
		struct port *port = &s->ports[s->n++];

		port->segment = s;
		port->facts = &f->ports[i];
		port->session = session_of(f, f->ports[i].name);
		if (port->session)
			port->tunnel = observed_tunnel_of(
				&f->before, &f->before.sessions[port->session - f->sessions]);
		port->error = open_port(port, f->ports[i].name, &addresses);
	}
	free(addresses.v);
	return s->ports ? 0 : -ENOMEM;
}

void segment_close(struct segment *s)
{
	for (size_t i = 0; i < s->n; i++)
		prober_unwatch(s->prober, &s->ports[i].watch);
	free(s->ports);
	free(s->links.v);
	*s = (struct segment){ 0 };
}

/* The requests pass through the bridge like those of any host of the segment. ARP requests have no
 * IPv4 sender address (RFC 5227): a reply does not depend on an address of ours. */
bool segment_ask_bridge(struct segment *s, const char *name, const struct ip_addr *remote)
{
	struct ifaddr_list none = { 0 };
	struct observed_port facts = { 0 };
	struct port through = { .segment = s, .facts = &facts };

	if (open_port(&through, name, &none) == 0) {
		through.asked = *remote;
		s->finding = true;
		for (unsigned round = 0; round < PATH_ROUNDS && !facts.n_stations; round++) {
			if (remote->family == AF_INET)
				segment_ask_arp(&through, remote);
			else
				segment_ask_ip6(&through, remote);
			prober_wait(s->prober, ROUND_MS, NULL, NULL);
		}
		s->finding = false;
	}
	prober_unwatch(s->prober, &through.watch);
	return facts.n_stations > 0;
}
