/* SPDX-License-Identifier: MIT */
/* Probes inside the tunnel: echo requests to each peer's tunnel address, and unexpected packets on
 * the WireGuard interface. */
#include "check/tunnel_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "check/packet_socket.h"
#include "judge/inside.h"
#include "netlink/query.h"
#include "pkt/headers.h"
#include "wg/overhead.h"

#define SNAP	      512
#define ROUNDS	      5
#define ROUND_MS      50
#define ANSWER_MS     600
#define HANDSHAKE_MS  6500 /* WireGuard retries a handshake after 5.3 s at the latest */
#define FULL_ROUNDS   4
#define TRAIN	      4	   /* large requests at once, which show how fast the path is */
#define TRAIN_PEERS   8	   /* of more peers, all trains would be a load */
#define TRAIN_MS      1000 /* a path of 64 kbit/s has carried a train */
#define FRAMES_A_TURN 256  /* read before other sockets get their turn */

/** Sockets and the current request. */
struct tunnel_probe {
	struct prober *prober;
	struct loop_watch capture;
	struct loop_watch icmp4;
	struct loop_watch icmp6;
	bool full;		   /* replies belong to the large requests */
	struct round_trips *trips; /* or to these, if not NULL */
};

/* ---- packets on the interface ---- */

/* Remote's kernel rejects our L2TP packets. */
static void note_refusal(struct observations *f, const struct wire_read *r)
{
	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct status_tunnel *t =
			observed_tunnel_of(&f->before, &f->before.sessions[i]);

		if (!t || !ip_addr_equal(&t->remote, &r->target))
			continue;
		if (t->encap == L2TP_ENCAP_UDP ? r->proto == PROTO_UDP &&
							 r->destination_port == t->destination_port
					       : r->proto == PROTO_L2TP)
			f->sessions[i].refusal = r->icmp;
	}
}

static void on_capture(void *ctx, uint32_t events)
{
	struct tunnel_probe *in = ctx;
	struct prober *p = in->prober;
	struct packet_socket_meta meta;
	struct wire_read r;

	(void)events;
	for (unsigned n = 0; n < FRAMES_A_TURN; n++) {
		enum wire_kind kind;

		if (packet_socket_receive(in->capture.fd, p->in, SNAP, &meta) < 0)
			return;
		kind = wire_read_packet(p->in, meta.len, &p->mark, &r);
		if (kind == WIRE_OTHER)
			inside_count(p->facts, &r, meta.outgoing);
		if (meta.outgoing)
			continue;
		if (kind == WIRE_ERROR)
			note_refusal(p->facts, &r);
		for (size_t i = 0; kind == WIRE_ECHO_REPLY && i < p->facts->n_peers; i++)
			p->facts->peers[i].seen_inside +=
				ip_addr_equal(&r.src, &p->facts->peers[i].tunnel);
	}
}

/* ---- echo ---- */

static void collect(struct round_trips *trips, uint64_t us)
{
	if (trips->received < ROUND_TRIPS_MAX)
		trips->us[trips->received++] = us;
}

static void take_answer(struct tunnel_probe *in, const struct ip_addr *from, uint16_t seq)
{
	struct observations *f = in->prober->facts;

	if (in->trips) {
		if (ip_addr_equal(from, &f->peers[in->trips->peer].tunnel))
			collect(in->trips, prober_round_trip(in->prober, seq));
		return;
	}
	for (size_t i = 0; i < f->n_peers; i++)
		if (ip_addr_equal(from, &f->peers[i].tunnel))
			observed_echo_answer(in->full ? &f->peers[i].full : &f->peers[i].echo,
				prober_round_trip(in->prober, seq));
}

static void on_icmp4(void *ctx, uint32_t events)
{
	struct tunnel_probe *in = ctx;
	struct prober *p = in->prober;
	struct wire_read r;
	ssize_t n;

	(void)events;
	while ((n = recv(in->icmp4.fd, p->in, WIRE_FRAME_MAX, 0)) > 0)
		if (wire_read_packet(p->in, (size_t)n, &p->mark, &r) == WIRE_ECHO_REPLY)
			take_answer(in, &r.src, r.seq);
}

static void on_icmp6(void *ctx, uint32_t events)
{
	struct tunnel_probe *in = ctx;
	struct prober *p = in->prober;
	struct sockaddr_in6 from;
	ssize_t n;

	(void)events;
	for (;;) {
		socklen_t len = sizeof(from);
		struct ip_addr src;

		n = recvfrom(
			in->icmp6.fd, p->in, WIRE_FRAME_MAX, 0, (struct sockaddr *)&from, &len);
		if (n <= 0)
			return;
		src = ip_addr_v6(&from.sin6_addr);
		if (wire_is_echo_reply6(p->in, (size_t)n, &p->mark))
			take_answer(in, &src, load_be16(p->in + 6));
	}
}

static void ask(struct tunnel_probe *in, struct observed_peer *peer, struct observed_echo *echo,
	size_t size)
{
	struct prober *p = in->prober;
	bool v4 = peer->tunnel.family == AF_INET;
	size_t len = size - (v4 ? IP4_HEADER_LEN : IP6_HEADER_LEN);
	struct endpoint to = { .addr = peer->tunnel };
	struct sockaddr_in6 addr;
	socklen_t addr_len = endpoint_to_sockaddr(&to, &addr);

	wire_echo(peer->tunnel.family, &p->mark, prober_number(p), p->out, len);
	if (sendto(v4 ? in->icmp4.fd : in->icmp6.fd, p->out, len, 0, (struct sockaddr *)&addr,
		    addr_len) < 0)
		peer->send_error = -errno;
	echo->sent++;
}

/* ---- peers ---- */

static bool is_asleep(const struct observations *f, size_t i)
{
	return f->before.peers[i].state != STATUS_PEER_ESTABLISHED;
}

/* Whether every peer that got an echo request has answered, or an ICMP error shows that it will
 * not. */
static bool all_awake(const void *ctx)
{
	const struct tunnel_probe *in = ctx;
	const struct observations *f = in->prober->facts;

	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].echo.sent && !f->peers[i].echo.received && !f->peers[i].error.seen)
			return false;
	return true;
}

static bool all_answered(const void *ctx)
{
	const struct tunnel_probe *in = ctx;
	const struct observations *f = in->prober->facts;

	for (size_t i = 0; i < f->n_peers; i++) {
		const struct observed_echo *e = in->full ? &f->peers[i].full : &f->peers[i].echo;

		if (e->sent > e->received)
			return false;
	}
	return true;
}

/* Start a handshake first where there is no session: the time it takes is not the tunnel's
 * latency. */
static void wake_peers(struct tunnel_probe *in)
{
	struct observations *f = in->prober->facts;

	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].tunnel.family && is_asleep(f, i) &&
			f->before.peers[i].endpoint.addr.family)
			ask(in, &f->peers[i], &f->peers[i].echo,
				wire_echo_min(f->peers[i].tunnel.family) + 2 * WIRE_NONCE_LEN);
	prober_wait(in->prober, HANDSHAKE_MS, all_awake, in);
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].echo.received)
			f->peers[i].echo = (struct observed_echo){ 0 };
}

/* Whether more probes to a peer are useful. */
static bool is_askable(const struct observations *f, size_t i)
{
	const struct observed_peer *peer = &f->peers[i];

	return peer->tunnel.family && (!is_asleep(f, i) || peer->seen_inside);
}

/* The size of large requests to a peer: the interface's MTU, or what the path was found to carry;
 * larger packets are the sender's to cut. */
static unsigned large_size(const struct observations *f, size_t i)
{
	const struct status_peer *peer = &f->before.peers[i];
	unsigned most = wg_mtu_of(peer->path.mtu, peer->endpoint.addr.family);
	bool measured = peer->path.answers && peer->path.state != STATUS_PATH_GIVEN;

	return measured && most < f->before.wg.mtu ? most : f->before.wg.mtu;
}

/* Answers to a train come no faster than the path takes its packets: so the frames that follow are
 * sent no faster. */
static void note_paths(struct tunnel_probe *in)
{
	const struct observations *f = in->prober->facts;

	for (size_t i = 0; i < f->n_peers; i++) {
		const struct observed_echo *e = &f->peers[i].full;

		if (e->received > 1)
			prober_note_path(in->prober,
				(e->received - 1) * wg_underlay_of(f->peers[i].full_size, AF_INET),
				e->max_us - e->min_us);
	}
}

/* Large requests: first a train of them, then single ones where none was answered. */
static void ask_large(struct tunnel_probe *in)
{
	struct observations *f = in->prober->facts;
	unsigned n = f->n_peers > TRAIN_PEERS ? 1 : TRAIN;

	in->full = true;
	for (unsigned round = 0; round < FULL_ROUNDS && !prober_is_late(in->prober); round++) {
		for (size_t i = 0; i < f->n_peers; i++) {
			struct observed_peer *peer = &f->peers[i];
			unsigned size = large_size(f, i);

			if (!peer->echo.received || peer->full.received || size < 576)
				continue;
			peer->full_size = size;
			for (unsigned k = 0; k < n; k++)
				ask(in, peer, &peer->full, size);
		}
		prober_wait(in->prober, n > 1 ? TRAIN_MS : ANSWER_MS / 2, all_answered, in);
		if (n > 1)
			note_paths(in);
		n = 1;
	}
}

void tunnel_probe_ask_peers(struct tunnel_probe *in)
{
	struct observations *f = in->prober->facts;

	in->full = false;
	wake_peers(in);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < f->n_peers; i++)
			if (is_askable(f, i))
				ask(in, &f->peers[i], &f->peers[i].echo,
					wire_echo_min(f->peers[i].tunnel.family) +
						2 * WIRE_NONCE_LEN);
		prober_wait(in->prober, ROUND_MS, NULL, NULL);
	}
	prober_wait(in->prober, ANSWER_MS, all_answered, in);
	for (size_t i = 0; i < f->n_peers; i++)
		prober_note_round_trip(in->prober, f->peers[i].echo.max_us);
	ask_large(in);
}

void tunnel_probe_collect(struct tunnel_probe *in, struct round_trips *trips)
{
	in->trips = trips;
}

void tunnel_probe_ask_again(struct tunnel_probe *in)
{
	struct observed_peer *peer = &in->prober->facts->peers[in->trips->peer];
	struct observed_echo one = { 0 };

	if (in->trips->sent >= ROUND_TRIPS_MAX)
		return;
	in->trips->sent++;
	ask(in, peer, &one, wire_echo_min(peer->tunnel.family) + 2 * WIRE_NONCE_LEN);
}

/* ---- sockets ---- */

int tunnel_probe_open(struct prober *p, struct tunnel_probe **ret)
{
	const char *name = p->facts->before.wg.name;
	struct tunnel_probe *in = calloc(1, sizeof(*in));
	struct link_info link;
	int err;

	if (!in)
		return -ENOMEM;
	in->prober = p;
	in->capture.fd = in->icmp4.fd = in->icmp6.fd = -1;
	*ret = in;
	err = query_link(&p->nl, name, &link);
	if (!err)
		err = prober_watch(
			p, &in->capture, packet_socket_open(link.ifindex, false), on_capture, in);
	if (!err)
		err = prober_watch(
			p, &in->icmp4, packet_socket_open_icmp(AF_INET, name), on_icmp4, in);
	if (!err)
		(void)prober_watch(
			p, &in->icmp6, packet_socket_open_icmp(AF_INET6, name), on_icmp6, in);
	return err;
}

void tunnel_probe_stop_capture(struct tunnel_probe *in)
{
	prober_unwatch(in->prober, &in->capture);
}

void tunnel_probe_close(struct tunnel_probe *in)
{
	if (!in)
		return;
	prober_unwatch(in->prober, &in->capture);
	prober_unwatch(in->prober, &in->icmp4);
	prober_unwatch(in->prober, &in->icmp6);
	free(in);
}
