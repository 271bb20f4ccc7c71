/* SPDX-License-Identifier: MIT */
/* Probes the gateway at the far end of a pseudowire, below its bridge. */
#include "check/far_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "check/packet_socket.h"

#define FRAMES_A_TURN 256 /* read before other sockets get their turn */

struct far_end {
	struct prober *prober;
	struct loop_watch port; /* frames of the session's interface */
	struct loop_watch icmp; /* IPv6: replies that arrive through WireGuard */
	struct wire_ends ends;
	struct wire_mark mark; /* differs from the prober's, so that its replies do not match */
	uint16_t wanted;       /* sequence number of the outstanding request */
	bool answered;
	uint64_t round_trip;
	bool has_mac;
	uint8_t mac[LINK_MAC_LEN];
};

static void take_answer(struct far_end *e)
{
	if (!e->answered)
		e->round_trip = prober_round_trip(e->prober, e->wanted);
	e->answered = true;
}

static void on_frames(void *ctx, uint32_t events)
{
	struct far_end *e = ctx;
	struct prober *p = e->prober;
	struct packet_socket_meta meta;
	struct wire_read r;

	(void)events;
	for (unsigned n = 0; n < FRAMES_A_TURN; n++) {
		if (packet_socket_receive(e->port.fd, p->in, WIRE_FRAME_MAX, &meta) < 0)
			return;
		if (meta.outgoing ||
			wire_read_frame(p->in, meta.len, &e->mark, &r) != WIRE_ARP_REPLY ||
			!ip_addr_equal(&r.src, &e->ends.dst) ||
			memcmp(r.dst_mac, e->ends.src_mac, LINK_MAC_LEN) != 0)
			continue;
		memcpy(e->mac, r.src_mac, LINK_MAC_LEN);
		e->has_mac = true;
		take_answer(e);
	}
}

static void on_icmp6(void *ctx, uint32_t events)
{
	struct far_end *e = ctx;
	struct prober *p = e->prober;
	ssize_t n;

	(void)events;
	while ((n = recv(e->icmp.fd, p->in, WIRE_FRAME_MAX, 0)) > 0)
		if (wire_is_echo_reply6(p->in, (size_t)n, &e->mark) &&
			load_be16(p->in + 6) == e->wanted)
			take_answer(e);
}

bool far_end_has_answered(const struct far_end *e)
{
	return e->answered;
}

void far_end_ask(struct far_end *e, unsigned size)
{
	struct prober *p = e->prober;
	size_t len;

	e->answered = false;
	e->wanted = prober_number(p);
	if (e->ends.dst.family == AF_INET)
		len = wire_arp_probe(&e->ends, &e->mark, size, p->out);
	else
		len = wire_echo_frame(&e->ends, &e->mark, e->wanted, size, p->out);
	if (packet_socket_send(e->port.fd, p->out, len) < 0) {
		prober_wait(p, 1, NULL, NULL); /* let the queue drain, once */
		(void)packet_socket_send(e->port.fd, p->out, len);
	}
}

uint64_t far_end_round_trip(const struct far_end *e)
{
	return e->round_trip;
}

const uint8_t *far_end_mac(const struct far_end *e)
{
	return e->has_mac ? e->mac : NULL;
}

int far_end_open(struct prober *p, size_t i, const struct link_info *link, struct far_end **ret)
{
	const struct status_report *r = &p->facts->before;
	const struct status_tunnel *t = observed_tunnel_of(r, &r->sessions[i]);
	struct far_end *e;
	int err;

	if (!t)
		return -ENOENT;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->prober = p;
	e->port.fd = e->icmp.fd = -1;
	e->mark = p->mark; /* the payload is the one of all probes, so that any capture recognises
			    * it */
	e->mark.id = (uint16_t)(p->mark.id + 1);
	e->ends.src = t->local;
	e->ends.dst = t->remote;
	memcpy(e->ends.src_mac, link->mac, LINK_MAC_LEN);
	wire_link_local_group(e->ends.dst_mac);
	err = prober_watch(p, &e->port, packet_socket_open(link->ifindex, true), on_frames, e);
	if (!err && t->remote.family == AF_INET6)
		err = prober_watch(
			p, &e->icmp, packet_socket_open_icmp(AF_INET6, r->wg.name), on_icmp6, e);
	if (err < 0) {
		far_end_close(e);
		return err;
	}
	*ret = e;
	return 0;
}

void far_end_close(struct far_end *e)
{
	if (!e)
		return;
	prober_unwatch(e->prober, &e->port);
	prober_unwatch(e->prober, &e->icmp);
	free(e);
}
