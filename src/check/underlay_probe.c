/* SPDX-License-Identifier: MIT */
/* Captures the underlay while the probes run: all packets should be WireGuard, unfragmented, and
 * none in clear text. */
#include "check/underlay_probe.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/packet_socket.h"
#include "netlink/query.h"
#include "pkt/headers.h"
#include "underlay/selfroute.h"

#define SNAP	      512     /* bytes captured of each packet: all headers, and the probes' mark */
#define LOWER_UP      0x10000 /* IFF_LOWER_UP, which <net/if.h> does not have */
#define FRAMES_A_TURN 256     /* read before other sockets get their turn */
#define LAST_MS	      20      /* time for packets still queued for our sockets */
#define RESOLVE_MS    300     /* time for next-hop resolution */
#define RESOLVE_MAX   3	      /* limit on the number of these waits */

/** Capture on one interface. */
struct ear {
	struct loop_watch watch;
	struct underlay_probe *underlay;
	size_t number; /* index in the facts */
};

/** Captures on all interfaces. */
struct underlay_probe {
	struct prober *prober;
	struct ear *ears;
	size_t n_ears;
	struct selfroute own; /* the site's interfaces */
	uint32_t *taps;	      /* number of entries in `own` */
	unsigned unresolved;  /* next hops that were unresolved at first */
};

static bool is_too_big(const struct observed_icmp *icmp)
{
	return icmp->ipv6 ? icmp->type == 2 : icmp->code == 4;
}

/* An ICMP error about one of our datagrams. */
static void note_error(struct observations *f, const struct wire_read *r)
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

/* Whether an address is inside the tunnel. */
static bool is_inside(const struct observations *f, const struct ip_addr *a)
{
	for (size_t i = 0; i < f->before.tunnels_len; i++)
		if (ip_addr_equal(a, &f->before.tunnels[i].local) ||
			ip_addr_equal(a, &f->before.tunnels[i].remote))
			return true;
	return false;
}

/* A packet to or from a peer's endpoint. */
static void note_peer(struct observations *f, struct observed_underlay *u, size_t i, bool outgoing,
	const struct wire_read *r)
{
	const struct endpoint *peer = &f->before.peers[i].endpoint;
	uint16_t theirs = outgoing ? r->destination_port : r->source_port;
	uint16_t ours = outgoing ? r->source_port : r->destination_port;

	if (r->proto != PROTO_UDP)
		return;
	if (r->fragment) {
		u->fragments++;
		u->fragments_out += outgoing;
		if (!outgoing && r->first_len > f->peers[i].first_fragment)
			f->peers[i].first_fragment = r->first_len;
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

static void note_packet(struct ear *e, const struct packet_socket_meta *meta)
{
	struct prober *p = e->underlay->prober;
	struct observations *f = p->facts;
	struct observed_underlay *u = &f->underlays[e->number];
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
		note_error(f, &r);
	if (kind != WIRE_OTHER)
		return;
	if (is_inside(f, &r.dst) || is_inside(f, &r.src)) {
		u->clear++;
		return;
	}
	for (size_t i = 0; i < f->n_peers; i++) {
		const struct ip_addr *other = meta->outgoing ? &r.dst : &r.src;

		if (ip_addr_equal(other, &f->before.peers[i].endpoint.addr))
			note_peer(f, u, i, meta->outgoing, &r);
	}
}

static void on_packets(void *ctx, uint32_t events)
{
	struct ear *e = ctx;
	struct packet_socket_meta meta;

	(void)events;
	for (unsigned n = 0; n < FRAMES_A_TURN; n++) {
		if (packet_socket_receive(e->watch.fd, e->underlay->prober->in, SNAP, &meta) < 0)
			return;
		note_packet(e, &meta);
	}
}

/* The index of an interface in the facts, on which a capture now runs; or -errno. */
static int listen_on(struct underlay_probe *u, uint32_t ifindex)
{
	struct prober *p = u->prober;
	struct observations *f = p->facts;
	struct observed_underlay *facts = &f->underlays[f->n_underlays];
	struct ear *e = &u->ears[u->n_ears];
	struct link_info link;
	int fd, err;

	for (size_t i = 0; i < f->n_underlays; i++)
		if (f->underlays[i].ifindex == ifindex)
			return (int)i;
	err = query_link_index(&p->nl, ifindex, &link);
	if (err < 0)
		return err;
	*facts = (struct observed_underlay){ .ifindex = ifindex,
		.mtu = link.mtu,
		.up = link.flags & IFF_UP && link.flags & LOWER_UP };
	memcpy(facts->name, link.name, sizeof(facts->name));
	memcpy(facts->mac, link.mac, sizeof(facts->mac));
	fd = packet_socket_open(ifindex, false);
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

/* Look up the route. Next hops that are unresolved get one short wait. */
static enum leads find_leads(
	struct underlay_probe *u, const struct route_info *route, const struct ip_addr *to)
{
	enum leads leads = selfroute_of(&u->own, route, to);

	if (leads != LEADS_UNRESOLVED && leads != LEADS_FLOODED)
		return leads;
	selfroute_resolve(&u->own, route, to);
	if (u->unresolved++ < RESOLVE_MAX)
		prober_wait(u->prober, RESOLVE_MS, NULL, NULL);
	return selfroute_of(&u->own, route, to);
}

/* Find out whether the route leads back to us, and if so another route. Return: the ifindex that
 * packets leave by; 0: none. */
static uint32_t find_uplink(struct underlay_probe *u, const struct route_query *query,
	const struct route_info *route, struct status_route *ret)
{
	enum leads leads = find_leads(u, route, &query->dst);
	uint32_t other =
		leads == LEADS_OUT || query->ifindex ? 0 : selfroute_other(&u->own, query, route);

	ret->leads = selfroute_status(leads);
	if (leads != LEADS_OUT)
		(void)if_indextoname(route->ifindex, ret->interface);
	(void)if_indextoname(other, ret->sent_by);
	if (other)
		return other;
	return leads == LEADS_SEGMENT || leads == LEADS_TUNNEL ? 0 : route->ifindex;
}

/* An endpoint on the link of the underlay has an Ethernet address. */
static void look_up_neighbour(struct underlay_probe *u, const struct route_info *route,
	struct observed_peer *peer, const struct ip_addr *endpoint)
{
	struct neigh_info neigh;

	if (route->gateway.family ||
		query_neighbour(&u->prober->nl, route->ifindex, endpoint, &neigh) < 0)
		return;
	memcpy(peer->mac, neigh.mac, LINK_MAC_LEN);
	peer->has_mac = true;
}

static void look_up_route(struct underlay_probe *u, size_t i)
{
	struct prober *p = u->prober;
	struct observed_peer *peer = &p->facts->peers[i];
	const struct endpoint *to = &p->facts->before.peers[i].endpoint;
	struct route_query query = {
		.dst = to->addr, .mark = p->facts->before.wg.fwmark, .ifindex = to->scope
	};
	struct route_info route;
	uint32_t uplink;
	int number;

	if (!to->addr.family)
		return;
	peer->route_error = query_route(&p->nl, &query, &route);
	if (peer->route_error < 0 || !route.ifindex)
		return;
	peer->source = route.source;
	look_up_neighbour(u, &route, peer, &to->addr);
	uplink = find_uplink(u, &query, &route, &peer->route);
	if (!uplink)
		return;
	number = listen_on(u, uplink);
	if (number >= 0)
		snprintf(peer->underlay, sizeof(peer->underlay), "%s",
			p->facts->underlays[number].name);
}

static void free_underlay(struct underlay_probe *u)
{
	free(u->taps);
	free(u->ears);
	free(u);
}

static void find_own(struct underlay_probe *u)
{
	const struct status_report *r = &u->prober->facts->before;

	for (size_t i = 0; i < r->sessions_len; i++)
		u->taps[i] = if_nametoindex(r->sessions[i].name);
	u->own = (struct selfroute){ .nl = &u->prober->nl,
		.tun = if_nametoindex(r->wg.name),
		.taps = u->taps,
		.n_taps = r->sessions_len };
}

struct underlay_probe *underlay_probe_open(struct prober *p)
{
	struct underlay_probe *u = calloc(1, sizeof(*u));
	size_t n = p->facts->n_peers;

	if (!u)
		return NULL;
	u->prober = p;
	u->ears = calloc(n + 1, sizeof(*u->ears));
	u->taps = calloc(p->facts->n_sessions + 1, sizeof(*u->taps));
	p->facts->underlays = calloc(n + 1, sizeof(*p->facts->underlays));
	if (!u->ears || !u->taps || !p->facts->underlays) {
		free_underlay(u);
		return NULL;
	}
	find_own(u);
	for (size_t i = 0; i < n; i++)
		look_up_route(u, i);
	return u;
}

void underlay_probe_close(struct underlay_probe *u)
{
	if (!u)
		return;
	prober_wait(u->prober, LAST_MS, NULL, NULL);
	for (size_t i = 0; i < u->n_ears; i++) {
		struct ear *e = &u->ears[i];

		u->prober->facts->underlays[e->number].not_captured +=
			packet_socket_lost(e->watch.fd);
		prober_unwatch(u->prober, &e->watch);
	}
	free_underlay(u);
}
