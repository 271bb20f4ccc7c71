/* SPDX-License-Identifier: MIT */
/* What leaves and enters on the underlay while the probes run: it should be WireGuard, whole, and
 * nothing in clear. */
#include "check/underlay.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/packet.h"
#include "netlink/query.h"
#include "pkt/headers.h"

#define SNAP	 512	 /* bytes read of each packet: every header, and the probes' mark */
#define LOWER_UP 0x10000 /* IFF_LOWER_UP, which <net/if.h> does not have */
#define LAST_MS	 20	 /* for what is still on its way to our sockets */

/** Listening on one interface. */
struct ear {
	struct loop_watch watch;
	struct underlay *underlay;
	size_t number; /* in the facts */
};

/** Listening on all of them. */
struct underlay {
	struct prober *prober;
	struct ear *ears;
	size_t n_ears;
};

static bool is_too_big(const struct check_icmp *icmp)
{
	return icmp->ipv6 ? icmp->type == 2 : icmp->code == 4;
}

/* Somebody complains about a datagram. */
static void hear_error(struct check_facts *f, const struct wire_read *r)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct endpoint *to = &f->before.peers[i].endpoint;

		if (r->proto != PROTO_UDP || !ip_addr_equal(&r->target, &to->addr) ||
			r->destination_port != to->port)
			continue;
		if (is_too_big(&r->icmp))
			f->peers[i].too_big = true;
		else
			f->peers[i].error = r->icmp;
	}
}

/* Whether an address is one of those inside the tunnel. */
static bool is_inside(const struct check_facts *f, const struct ip_addr *a)
{
	for (size_t i = 0; i < f->before.tunnels_len; i++)
		if (ip_addr_equal(a, &f->before.tunnels[i].local) ||
			ip_addr_equal(a, &f->before.tunnels[i].remote))
			return true;
	return false;
}

/* A packet to or from a peer's endpoint. */
static void hear_peer(struct check_facts *f, struct check_underlay *u, size_t i, bool outgoing,
	const struct wire_read *r)
{
	const struct endpoint *peer = &f->before.peers[i].endpoint;
	uint16_t theirs = outgoing ? r->destination_port : r->source_port;
	uint16_t ours = outgoing ? r->source_port : r->destination_port;

	if (r->proto != PROTO_UDP)
		return;
	if (r->fragment) {
		u->fragments++;
		return;
	}
	if (ours != f->before.wg.listen_port)
		return;
	if (outgoing && theirs == peer->port)
		f->peers[i].datagrams_out++;
	else if (!outgoing)
		f->peers[i].datagrams_in++;
	u->wireguard++;
}

static void hear(struct ear *e, const struct packet_meta *meta)
{
	struct prober *p = e->underlay->prober;
	struct check_facts *f = p->facts;
	struct check_underlay *u = &f->underlays[e->number];
	struct wire_read r;
	enum wire_kind kind;

	if (wire_has_nonce(p->in, meta->len, &p->mark)) {
		u->clear++;
		return;
	}
	if (meta->protocol != ETHERTYPE_4 && meta->protocol != ETHERTYPE_6)
		return;
	kind = wire_read_packet(p->in, meta->len, &p->mark, &r);
	if (kind == WIRE_ERROR && !meta->outgoing)
		hear_error(f, &r);
	if (kind != WIRE_OTHER)
		return;
	if (is_inside(f, &r.dst) || is_inside(f, &r.src)) {
		u->clear++;
		return;
	}
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct ip_addr *other = meta->outgoing ? &r.dst : &r.src;

		if (ip_addr_equal(other, &f->before.peers[i].endpoint.addr))
			hear_peer(f, u, i, meta->outgoing, &r);
	}
}

static void on_packets(void *ctx, uint32_t events)
{
	struct ear *e = ctx;
	struct packet_meta meta;

	(void)events;
	while (packet_receive(e->watch.fd, e->underlay->prober->in, SNAP, &meta) == 0)
		hear(e, &meta);
}

/* The number of an interface among the facts, listening to it from now on; or -errno. */
static int listen_on(struct underlay *u, uint32_t ifindex)
{
	struct prober *p = u->prober;
	struct check_facts *f = p->facts;
	struct check_underlay *facts = &f->underlays[f->n_underlays];
	struct ear *e = &u->ears[u->n_ears];
	struct link_info link;
	int fd, err;

	for (size_t i = 0; i < f->n_underlays; i++)
		if (f->underlays[i].ifindex == ifindex)
			return (int)i;
	err = query_link_index(&p->nl, ifindex, &link);
	if (err < 0)
		return err;
	*facts = (struct check_underlay){ .ifindex = ifindex,
		.mtu = link.mtu,
		.up = link.flags & IFF_UP && link.flags & LOWER_UP };
	memcpy(facts->name, link.name, sizeof(facts->name));
	fd = packet_open(ifindex, false);
	if (fd < 0) {
		facts->error = fd;
		return (int)f->n_underlays++;
	}
	*e = (struct ear){ .watch = { .fd = fd, .callback = on_packets, .ctx = e },
		.underlay = u,
		.number = f->n_underlays };
	facts->error = loop_add(&p->loop, &e->watch, EPOLLIN);
	u->n_ears++;
	return (int)f->n_underlays++;
}

static void find_way(struct underlay *u, size_t i)
{
	struct prober *p = u->prober;
	struct check_peer *peer = &p->facts->peers[i];
	const struct endpoint *to = &p->facts->before.peers[i].endpoint;
	struct route_query query = {
		.dst = to->addr, .mark = p->facts->before.wg.fwmark, .ifindex = to->scope
	};
	struct route_info route;
	int number;

	if (!to->addr.family)
		return;
	peer->route_error = query_route(&p->nl, &query, &route);
	if (peer->route_error < 0 || !route.ifindex)
		return;
	number = listen_on(u, route.ifindex);
	if (number >= 0)
		snprintf(peer->underlay, sizeof(peer->underlay), "%s",
			p->facts->underlays[number].name);
}

struct underlay *underlay_open(struct prober *p)
{
	struct underlay *u = calloc(1, sizeof(*u));
	size_t n = p->facts->n_peers;

	if (!u)
		return NULL;
	u->prober = p;
	u->ears = calloc(n + 1, sizeof(*u->ears));
	p->facts->underlays = calloc(n + 1, sizeof(*p->facts->underlays));
	if (!u->ears || !p->facts->underlays) {
		free(u->ears);
		free(u);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		find_way(u, i);
	return u;
}

void underlay_close(struct underlay *u)
{
	if (!u)
		return;
	prober_wait(u->prober, LAST_MS, NULL, NULL);
	for (size_t i = 0; i < u->n_ears; i++) {
		struct ear *e = &u->ears[i];

		u->prober->facts->underlays[e->number].not_captured += packet_lost(e->watch.fd);
		loop_remove(&u->prober->loop, &e->watch);
		close(e->watch.fd);
	}
	free(u->ears);
	free(u);
}
