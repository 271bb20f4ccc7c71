/* SPDX-License-Identifier: MIT */
/* Probes through a session: finds hosts on the far side of the segment, and sends them echo
 * requests of every size, and at full rate. */
#include "check/session_probe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "check/far_end.h"
#include "check/packet_socket.h"
#include "netlink/query.h"

/* Theory of operation. Frames are sent on the session's own interface, below the bridge: they go
 * through the pseudowire only, and all replies come from the far side. Their source is the bridge's
 * address, so that no switch learns a new one and replies end at our own kernel, which ignores
 * them. Targets: with an IPv4 address on the bridge all hosts of its subnet, by ARP; and always all
 * hosts with IPv6, by an echo request to all nodes, from the bridge's IPv6 address or a temporary
 * one, for which this code answers neighbour solicitations.
 *
 * No such frame is sent through a port that our own bridge blocks (STP): it would make the far
 * bridges learn that our bridge's address is behind that pseudowire. There, and where no host
 * answers because the far bridge blocks its port, the far gateway is probed below its bridge
 * (far_end.h); and then like any host of the segment, through our bridge, to find out whether
 * another path leads to it. */

#define ROUNDS	     3
#define ROUND_MS     700
#define GATHER_MS    250 /* wait after the first reply, for more stations */
#define SWEEP_BITS   10	 /* a subnet with more hosts than 2^10 is not searched */
#define BURST	     64	 /* frames sent between two reads of the socket */
#define ECHOS	     20
#define ECHO_MS	     10
#define SMALL	     84 /* bytes of an IP packet: what ping(8) sends */
#define TRIES	     2
#define LOST_MS	     1000 /* a reply that takes longer counts as lost */
#define WINDOW	     64	  /* outstanding echo requests during the throughput test */
#define FLOOD_MAX    60000
#define STATIONS_MAX 64
#define PATH_ROUNDS  5
#define FAR_ECHOS    10
#define FAR_TRIES    3 /* tries before the far end counts as silent */

/** Probes through one session. */
struct session_probe {
	struct prober *prober;
	struct observed_session *facts;
	const struct status_session *report;
	struct loop_watch watch;
	struct wire_ends ends; /* ends.dst: the station, once found */
	uint8_t mac[LINK_MAC_LEN];
	struct ip_prefix ip4; /* of the bridge; family 0: none */
	struct ip_addr ip6;   /* source of the requests */
	bool ip6_borrowed;    /* only this code answers neighbour solicitations for it */
	uint8_t known[STATIONS_MAX][LINK_MAC_LEN];
	bool finding;
	uint16_t wanted;	 /* sequence number of the outstanding echo request */
	bool answered;		 /* the request was answered */
	bool in_pieces;		 /* the reply came in fragments, made by the station */
	uint64_t flood_first;	 /* replies to numbers from here on belong to the throughput test */
	struct ip_addr target;	 /* host to look for; family 0: any that answers */
	struct link_info link;	 /* the session's interface, or the bridge */
	struct far_end *far_end; /* open once it is probed; then sizes are measured with it */
	struct ip_addr remote;	 /* family 0: replies from this address are ignored now */
};

/* ---- receiving ---- */

static bool is_known(const struct session_probe *s, const uint8_t mac[static LINK_MAC_LEN])
{
	for (unsigned i = 0; i < s->facts->stations && i < STATIONS_MAX; i++)
		if (!memcmp(s->known[i], mac, LINK_MAC_LEN))
			return true;
	return false;
}

/* A host answered. IPv4 addresses are preferred: only IPv4 has the don't-fragment flag. */
static void meet_station(struct session_probe *s, const struct wire_read *r)
{
	struct observed_session *f = s->facts;
	bool better =
		!f->station.family || (f->station.family == AF_INET6 && r->src.family == AF_INET);

	if (!is_known(s, r->src_mac)) {
		if (f->stations < STATIONS_MAX)
			memcpy(s->known[f->stations], r->src_mac, LINK_MAC_LEN);
		f->stations++;
	}
	if (better) {
		f->station = r->src;
		memcpy(f->station_mac, r->src_mac, LINK_MAC_LEN);
	}
}

static void take_echo(struct session_probe *s, const struct wire_read *r)
{
	if (s->finding) {
		if (r->src.family == AF_INET6)
			meet_station(s, r);
		return;
	}
	if (!ip_addr_equal(&r->src, &s->facts->station))
		return;
	if (s->flood_first) {
		s->facts->flood_received++;
		s->facts->flood_us = prober_round_trip(s->prober, (uint16_t)s->flood_first);
		return;
	}
	if (r->seq == s->wanted && !s->answered) {
		s->answered = true;
		s->in_pieces = r->in_pieces;
	}
}

/* Whether an ARP reply is from one of the requested addresses. */
static bool is_asked(const struct session_probe *s, const struct ip_addr *src)
{
	if (s->target.family)
		return ip_addr_equal(src, &s->target);
	return s->ip4.addr.family && ip_prefix_contains(&s->ip4, src);
}

static void answer_solicitation(struct session_probe *s, const struct wire_read *r)
{
	struct wire_ends ends = { .src = s->ip6, .dst = r->src };
	uint8_t frame[WIRE_ADVERT_LEN];

	if (!s->ip6_borrowed || !ip_addr_equal(&r->target, &s->ip6))
		return;
	memcpy(ends.src_mac, s->mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, r->src_mac, LINK_MAC_LEN);
	wire_advertise(&ends, frame);
	(void)packet_socket_send(s->watch.fd, frame, sizeof(frame));
}

/* Whether a MAC address belongs to the far end of the pseudowire itself, not to its bridge. */
static bool is_far_port(const struct session_probe *s, const uint8_t mac[static LINK_MAC_LEN])
{
	const uint8_t *far = s->far_end ? far_end_mac(s->far_end) : NULL;

	return far && !memcmp(far, mac, LINK_MAC_LEN);
}

/* An answer to our bridge's question for the far gateway comes on this pseudowire. One to the
 * port's own address answers what was asked below the bridge, and comes late. */
static void note_path(struct session_probe *s, const struct wire_read *r)
{
	if (!s->remote.family || !ip_addr_equal(&r->src, &s->remote) ||
		memcmp(r->dst_mac, s->mac, LINK_MAC_LEN) != 0)
		return;
	s->facts->path_here = true;
	s->facts->unbridged = is_far_port(s, r->src_mac);
}

static void on_frames(void *ctx, uint32_t events)
{
	struct session_probe *s = ctx;
	struct prober *p = s->prober;
	struct packet_socket_meta meta;
	struct wire_read r;

	(void)events;
	while (packet_socket_receive(s->watch.fd, p->in, WIRE_FRAME_MAX, &meta) == 0) {
		if (meta.outgoing)
			continue;
		s->facts->heard++;
		switch (wire_read_frame(p->in, meta.len, &p->mark, &r)) {
		case WIRE_ARP_REPLY:
			note_path(s, &r);
			if (s->finding && is_asked(s, &r.src))
				meet_station(s, &r);
			break;
		case WIRE_ECHO_REPLY:
			note_path(s, &r);
			take_echo(s, &r);
			break;
		case WIRE_SOLICIT:
			answer_solicitation(s, &r);
			break;
		case WIRE_OTHER:
		case WIRE_ERROR:
			break;
		}
	}
}

/* ---- finding hosts ---- */

static void send_frame(struct session_probe *s, const uint8_t *frame, size_t len)
{
	int err = packet_socket_send(s->watch.fd, frame, len);

	if (err == -ENOBUFS || err == -EAGAIN) { /* let the queue drain, once */
		prober_wait(s->prober, 1, NULL, NULL);
		err = packet_socket_send(s->watch.fd, frame, len);
	}
	if (err < 0)
		s->facts->error = err;
}

static void ask_arp(struct session_probe *s, const struct ip_addr *who)
{
	struct wire_ends ends = { .src = s->ip4.addr, .dst = *who };
	uint8_t frame[WIRE_ARP_LEN];

	memcpy(ends.src_mac, s->mac, LINK_MAC_LEN);
	wire_arp_request(&ends, frame);
	send_frame(s, frame, sizeof(frame));
	s->facts->asked++;
}

static void sweep_subnet(struct session_probe *s)
{
	unsigned bits = 32U - s->ip4.len;
	uint32_t ours = load_be32(s->ip4.addr.bytes);
	uint32_t first = bits > SWEEP_BITS ? 0 : ours & ~((1U << bits) - 1);

	if (bits > SWEEP_BITS || bits < 1)
		return;
	for (uint32_t i = 0; i < 1U << bits; i++) {
		struct ip_addr who = { .family = AF_INET };

		if (first + i == ours || (bits > 1 && (i == 0 || i == (1U << bits) - 1)))
			continue;
		store_be32(who.bytes, first + i);
		ask_arp(s, &who);
		if (i % BURST == BURST - 1)
			prober_wait(s->prober, 1, NULL, NULL);
	}
}

/* Send an echo request to all IPv6 nodes, or to the host that the user named. */
static void ask_ip6(struct session_probe *s)
{
	struct prober *p = s->prober;
	struct wire_ends ends = { .src = s->ip6 };
	size_t len;

	memcpy(ends.src_mac, s->mac, LINK_MAC_LEN);
	wire_all_nodes(&ends.dst, ends.dst_mac);
	if (s->target.family == AF_INET6)
		ends.dst = s->target; /* to the all-nodes MAC address: no resolution needed */
	len = wire_echo_frame(&ends, &p->mark, prober_number(p), SMALL, p->out);
	send_frame(s, p->out, len);
	s->facts->asked++;
}

static bool has_station(const void *ctx)
{
	const struct session_probe *s = ctx;

	return s->facts->station.family != 0;
}

static void ask_everybody(struct session_probe *s)
{
	uint16_t family = s->target.family;

	if (family != AF_INET && s->ip6.family)
		ask_ip6(s);
	if (family == AF_INET)
		ask_arp(s, &s->target);
	else if (!family && s->ip4.addr.family)
		sweep_subnet(s);
}

static bool is_answered(const void *ctx)
{
	const struct session_probe *s = ctx;

	return s->answered;
}

/* Send one echo request as an IP packet of `size` bytes, and wait. Return: whether it was
 * answered. */
static bool ask_size(struct session_probe *s, unsigned size, unsigned ms)
{
	struct prober *p = s->prober;
	size_t len;

	s->answered = false;
	s->in_pieces = false;
	s->wanted = prober_number(p);
	len = wire_echo_frame(&s->ends, &p->mark, s->wanted, size, p->out);
	send_frame(s, p->out, len);
	prober_wait(p, ms, is_answered, s);
	return s->answered;
}

static void find_station(struct session_probe *s, unsigned rounds)
{
	s->finding = true;
	for (unsigned round = 0; round < rounds && !has_station(s); round++) {
		ask_everybody(s);
		prober_wait(s->prober, ROUND_MS, has_station, s);
	}
	s->finding = false;
}

bool session_probe_find(struct session_probe *s)
{
	struct observed_session *f = s->facts;

	s->target = s->prober->target;
	find_station(s, ROUNDS);
	if (!has_station(s) && s->target.family) { /* it is not behind this session */
		s->target = (struct ip_addr){ 0 };
		find_station(s, ROUNDS);
	}
	if (!has_station(s))
		return false;
	s->finding = true;
	prober_wait(s->prober, GATHER_MS, NULL, NULL);
	s->finding = false;
	s->ends.dst = f->station;
	s->ends.src = f->station.family == AF_INET ? s->ip4.addr : s->ip6;
	memcpy(s->ends.src_mac, s->mac, LINK_MAC_LEN);
	memcpy(s->ends.dst_mac, f->station_mac, LINK_MAC_LEN);
	for (unsigned i = 0; i < ECHOS; i++) {
		f->echo.sent++;
		if (ask_size(s, SMALL, LOST_MS))
			observed_echo_answer(&f->echo, prober_round_trip(s->prober, s->wanted));
		else if (i >= 4 && !f->echo.received)
			break;
		prober_wait(s->prober, ECHO_MS, NULL, NULL);
	}
	return f->echo.received > 0;
}

/* ---- the far gateway ---- */

bool session_probe_ask_far_end(struct session_probe *s, size_t i)
{
	struct observed_session *f = s->facts;

	if (!s->link.has_mac || far_end_open(s->prober, i, &s->link, &s->far_end) < 0)
		return false;
	for (unsigned n = 0; n < FAR_ECHOS; n++) {
		f->far_end.sent++;
		if (far_end_ask(s->far_end, SMALL, LOST_MS))
			observed_echo_answer(&f->far_end, far_end_round_trip(s->far_end));
		else if (f->far_end.sent >= FAR_TRIES && !f->far_end.received)
			break;
		prober_wait(s->prober, ECHO_MS, NULL, NULL);
	}
	f->unbridged = is_far_port(s, f->station_mac) && f->stations == 1;
	return f->far_end.received > 0;
}

/* ---- sizes ---- */

/** Result of one size. */
struct passage {
	bool passes;
	bool whole_out; /* and ours was not fragmented */
	bool whole_in;	/* nor was the reply */
};

static const struct status_session *session_in(
	const struct status_report *r, const struct status_session *like)
{
	for (size_t i = 0; i < r->sessions_len; i++)
		if (r->sessions[i].tunnel_id == like->tunnel_id &&
			r->sessions[i].session_id == like->session_id)
			return &r->sessions[i];
	return NULL;
}

/* The session's counters of fragments. */
static void count_fragments(struct session_probe *s, uint64_t *ret_out, uint64_t *ret_in)
{
	struct status_report report = { 0 };
	const struct status_session *now = NULL;

	if (prober_status(s->prober, &report) == 0)
		now = session_in(&report, s->report);
	*ret_out = now ? now->fragmented : 0;
	*ret_in = now ? now->reassembled : 0;
	status_report_fini(&report);
}

/* Other traffic may be fragmented at the same time, which only increases the counters: one try
 * without fragments is proof. */
static struct passage try_size(struct session_probe *s, unsigned size)
{
	const struct observed_echo *echo = s->far_end ? &s->facts->far_end : &s->facts->echo;
	unsigned ms = (unsigned)(echo->max_us / 250 + 100); /* four round trips */
	struct passage best = { 0 };

	if (ms > LOST_MS)
		ms = LOST_MS;
	for (unsigned try = 0; try < TRIES && !(best.whole_out && best.whole_in); try++) {
		uint64_t out[2];
		uint64_t in[2];

		count_fragments(s, &out[0], &in[0]);
		/* a busy host may answer late once */
		if (!(s->far_end ? far_end_ask(s->far_end, size, try ? LOST_MS : ms)
				 : ask_size(s, size, try ? LOST_MS : ms)))
			continue;
		count_fragments(s, &out[1], &in[1]);
		best.passes = true;
		best.whole_out |= out[0] == out[1];
		best.whole_in |= in[0] == in[1];
		if (s->in_pieces) {
			s->facts->station_cuts = true;
			best.whole_in = true; /* larger replies are not measured */
		}
	}
	return best;
}

static bool is_whole(const struct passage *p)
{
	return p->passes && p->whole_out && p->whole_in;
}

/* The largest size in [low, high] that passes without fragments, given that `low` does. */
static unsigned search(struct session_probe *s, unsigned low, unsigned high, bool whole)
{
	while (low < high) {
		unsigned middle = low + (high - low + 1) / 2;
		struct passage p = try_size(s, middle);

		if (whole ? is_whole(&p) : p.passes)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Only our own engine counts fragments and reassembled packets. */
static bool counts_fragments(const struct session_probe *s)
{
	return !strcmp(s->prober->facts->before.backend, "userspace");
}

void session_probe_measure_sizes(struct session_probe *s)
{
	struct observed_session *f = s->facts;
	unsigned budget = s->report->budget;
	struct passage all, at, above = { 0 };

	f->limit = s->report->mtu;
	if (f->limit <= SMALL || !budget)
		return;
	f->outward = s->far_end != NULL;
	all = try_size(s, f->limit);
	if (!counts_fragments(s)) {
		f->largest = all.passes ? f->limit : search(s, SMALL, f->limit - 1, false);
		return;
	}
	if (is_whole(&all)) {
		f->largest = f->whole = f->limit;
		return;
	}
	if (budget >= f->limit)
		budget = f->limit - 1;
	at = try_size(s, budget);
	above = try_size(s, budget + 1);
	if (is_whole(&at) && !is_whole(&above))
		f->whole = budget;
	else if (is_whole(&at))
		f->whole = search(s, budget + 1, f->limit - 1, true);
	else
		f->whole = search(s, SMALL, budget - 1, true);
	if (f->whole == budget)
		f->in_pieces = above.passes && above.whole_out;
	f->largest = all.passes ? f->limit : search(s, f->whole, f->limit - 1, false);
}

/* ---- throughput ---- */

void session_probe_flood(struct session_probe *s, unsigned ms)
{
	struct prober *p = s->prober;
	struct observed_session *f = s->facts;
	struct mono end = mono_add(clock_mono(), ms * NS_PER_MS);
	unsigned size = f->whole ? f->whole : SMALL;
	size_t len;
	uint64_t answered = 0;
	struct mono moved = clock_mono();

	p->seq = 1; /* numbers go up to FLOOD_MAX: none is used twice */
	s->flood_first = 1;
	f->flood_size = size;
	while (f->flood_sent < FLOOD_MAX && !mono_reached(end, clock_mono())) {
		if (f->flood_received != answered) {
			answered = f->flood_received;
			moved = clock_mono();
		}
		if (f->flood_sent - f->flood_received >= WINDOW &&
			mono_between(moved, clock_mono()) < 50 * NS_PER_MS) {
			prober_turn(p);
			continue;
		}
		len = wire_echo_frame(&s->ends, &p->mark, prober_number(p), size, p->out);
		if (packet_socket_send(s->watch.fd, p->out, len) < 0) {
			prober_turn(p);
			continue;
		}
		f->flood_sent++;
	}
	prober_wait(p, 200, NULL, NULL);
	s->flood_first = 0;
}

/* ---- open and close ---- */

/* The source addresses of frames: those of the bridge, or of the session itself. */
static int find_addresses(struct session_probe *s, const struct link_info *port)
{
	struct ifaddr_list addresses = { 0 };
	int err = query_addresses(&s->prober->nl, AF_UNSPEC, &addresses);

	if (err < 0)
		return err;
	for (size_t i = 0; i < addresses.n; i++) {
		const struct ifaddr_info *a = &addresses.v[i];

		if (a->ifindex != port->ifindex)
			continue;
		if (a->prefix.addr.family == AF_INET && !s->ip4.addr.family)
			s->ip4 = a->prefix;
		if (a->prefix.addr.family == AF_INET6 &&
			(!s->ip6.family || a->scope == RT_SCOPE_LINK))
			s->ip6 = a->prefix.addr;
	}
	free(addresses.v);
	s->ip6_borrowed = !s->ip6.family;
	if (s->ip6_borrowed)
		s->ip6 = wire_link_local(port->mac);
	return 0;
}

static int open_segment(struct session_probe *s, const char *name)
{
	struct prober *p = s->prober;
	struct link_info link, port;
	int err = query_link(&p->nl, name, &link);

	if (err < 0)
		return err;
	if (!(link.flags & IFF_UP))
		return -ENETDOWN;
	port = link;
	if (link.master)
		err = query_link_index(&p->nl, link.master, &port);
	if (err < 0 || !port.has_mac)
		return err < 0 ? err : -EINVAL;
	s->link = link;
	memcpy(s->mac, port.mac, LINK_MAC_LEN);
	err = find_addresses(s, &port);
	if (err < 0)
		return err;
	s->watch.fd = packet_socket_open(link.ifindex, true);
	if (s->watch.fd < 0)
		return s->watch.fd;
	return loop_add(&p->loop, &s->watch, EPOLLIN);
}

int session_probe_open(struct prober *p, size_t i, struct session_probe **ret)
{
	struct session_probe *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->prober = p;
	s->facts = &p->facts->sessions[i];
	s->report = &p->facts->before.sessions[i];
	s->watch = (struct loop_watch){ .fd = -1, .callback = on_frames, .ctx = s };
	err = open_segment(s, s->report->name);
	if (err < 0) {
		session_probe_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

static void stop(struct session_probe *s)
{
	if (s->watch.fd < 0)
		return;
	loop_remove(&s->prober->loop, &s->watch);
	close(s->watch.fd);
}

void session_probe_close(struct session_probe *s)
{
	if (!s)
		return;
	far_end_close(s->far_end);
	stop(s);
	free(s);
}

void session_probe_ask_path(
	struct session_probe *s, const struct ip_addr *remote, const char *bridge)
{
	struct observed_session answer = { 0 };
	struct session_probe through = { .prober = s->prober,
		.facts = &answer,
		.report = s->report,
		.watch = { .fd = -1, .callback = on_frames, .ctx = &through },
		.target = *remote };

	if (open_segment(&through, bridge) < 0) {
		stop(&through);
		return;
	}
	through.ip4 = (struct ip_prefix){ 0 }; /* as far_end.h: who asks need not be known there */
	prober_wait(s->prober, ECHO_MS, NULL, NULL); /* read what has come to this session before */
	s->remote = *remote;
	find_station(&through, PATH_ROUNDS);
	prober_wait(s->prober, ECHO_MS, NULL, NULL); /* also read the socket of this session */
	s->remote = (struct ip_addr){ 0 };
	stop(&through);
	s->facts->path_tried = true;
	s->facts->path_found = has_station(&through);
}
