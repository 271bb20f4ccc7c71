/* SPDX-License-Identifier: MIT */
/* Finds switches whose spanning tree blocks their port toward a bridge of ours. */
#include "check/blocked.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "check/probe_pace.h"

#define HELLO_MS  2200 /* a spanning tree sends each two seconds, usually */
#define GATHER_MS 150
#define ROUNDS	  3
#define ROUND_MS  200

/** The search behind one port. */
struct search {
	struct port *port;
	bool direct; /* the switch that was found answers on `port` as other hosts do */
};

/** All searches, which are in step: the time does not grow with the number of ports. */
struct searches {
	struct segment *segment;
	struct search *v;
	size_t n;
	bool asking; /* the switches are known, and asked for on all ports */
};

/* ---- where ---- */

/* Whether a frame of a spanning tree came by another port of the bridge, which forwards it. */
static bool has_tree_beside(const struct segment *s, const struct port *port)
{
	for (size_t i = 0; i < s->n; i++)
		if (&s->ports[i] != port && s->ports[i].facts->tree &&
			segment_share_bridge(&s->ports[i], port))
			return true;
	return false;
}

static bool runs_tree(const struct port *port)
{
	const struct check_bridge *b =
		observed_bridge_named(port->segment->prober->facts, port->facts->bridge);

	return b && b->runs_stp;
}

/* Whether frames of a spanning tree leave by the port, and reach the switches behind it: the far
 * gateway forwards them only if it takes no part in the tree itself. */
static bool sends_tree(const struct segment *s, const struct port *port)
{
	return runs_tree(port) ? !port->session : has_tree_beside(s, port);
}

/* Whether no host but the far gateway is found behind a port. */
static bool is_empty(const struct port *port)
{
	if (!*port->facts->bridge || !segment_is_usable(port) || !port->n_ip4)
		return false;
	for (unsigned i = 0; i < port->facts->n_stations && i < OBSERVED_STATIONS; i++)
		if (!port->facts->stations[i].gateway)
			return false;
	return port->facts->probed && (!port->session || port->facts->n_stations);
}

static bool any_tree(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (is_empty(&s->ports[i]) && !sends_tree(s, &s->ports[i]))
			return false;
	return true;
}

/* ---- asking ---- */

/* An answer to a frame below the bridge: that of a switch. */
static void find(struct search *search, const struct port *port, const struct wire_read *r)
{
	struct observed_port *facts = search->port->facts;

	if (port == search->port && !facts->blocked.family &&
		!memcmp(r->dst_mac, port->link.mac, LINK_MAC_LEN))
		facts->blocked = r->src;
}

/* An answer to a usual request: whether it is that of the switch that was found. */
static void find_again(struct search *search, const struct port *port, const struct wire_read *r)
{
	struct observed_port *facts = search->port->facts;

	if (!ip_addr_equal(&r->src, &facts->blocked) ||
		memcmp(r->dst_mac, port->mac, LINK_MAC_LEN) != 0)
		return;
	if (port == search->port)
		search->direct = true;
	else if (segment_share_bridge(port, search->port))
		memcpy(facts->detour, port->facts->name, IF_NAMESIZE);
}

static void watch(
	void *ctx, struct port *port, bool outgoing, enum wire_kind kind, const struct wire_read *r)
{
	struct searches *all = ctx;

	if (outgoing || kind != WIRE_ARP_REPLY)
		return;
	for (size_t i = 0; i < all->n; i++) {
		if (all->asking)
			find_again(&all->v[i], port, r);
		else
			find(&all->v[i], port, r);
	}
}

static bool is_found(const struct search *search)
{
	return search->port->facts->blocked.family != 0;
}

static bool all_found(const void *ctx)
{
	const struct searches *all = ctx;

	for (size_t i = 0; i < all->n; i++)
		if (!is_found(&all->v[i]))
			return false;
	return true;
}

static bool needs_detour(const struct search *search)
{
	return is_found(search) && !*search->port->facts->detour;
}

static bool all_have_detours(const void *ctx)
{
	const struct searches *all = ctx;

	for (size_t i = 0; i < all->n; i++)
		if (needs_detour(&all->v[i]))
			return false;
	return true;
}

static bool is_known(const struct port *port, const struct ip_addr *a)
{
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_addr_equal(&port->ip4[i].addr, a))
			return true;
	for (unsigned i = 0; i < port->facts->n_stations && i < OBSERVED_STATIONS; i++)
		if (ip_addr_equal(&port->facts->stations[i].ip4, a))
			return true;
	return false;
}

/* Ask for the `i`th host of each subnet of a port, in frames that switches take for those of their
 * protocol. Return: whether there are more. */
static bool ask_below(struct search *search, uint32_t i, unsigned *sent)
{
	struct port *port = search->port;
	struct prober *p = port->segment->prober;
	struct wire_ends ends = { .dst = { .family = AF_INET } };
	bool more = false;

	memcpy(ends.src_mac, port->link.mac, LINK_MAC_LEN);
	wire_bridge_group(ends.dst_mac);
	for (size_t n = 0; n < port->n_ip4 && !is_found(search); n++) {
		uint32_t hosts = probe_pace_hosts(&port->ip4[n]);
		uint32_t base = load_be32(port->ip4[n].addr.bytes) & ~(hosts + 1);

		if (i >= hosts)
			continue;
		more = true;
		store_be32(ends.dst.bytes, base + i + 1);
		if (is_known(port, &ends.dst))
			continue;
		segment_send(port, p->out, wire_arp_probe(&ends, &p->mark, SEGMENT_SMALL, p->out));
		++*sent;
	}
	return more;
}

static void ask_all_below(struct searches *all)
{
	struct prober *p = all->segment->prober;
	struct probe_pace pace = { 0 };
	bool more = true;

	for (uint32_t i = 0; more && !prober_is_late(p); i++) {
		more = false;
		for (size_t k = 0; k < all->n; k++) {
			unsigned sent = 0;
			unsigned ms;

			more |= ask_below(&all->v[k], i, &sent);
			ms = probe_pace_note(&pace, sent);
			if (ms)
				prober_wait(p, ms, NULL, NULL);
		}
	}
	prober_wait(p, GATHER_MS, all_found, all);
}

/* Ask for a switch as for any host, on all ports of the bridge. */
static void ask_around(struct segment *s, const struct search *search)
{
	for (size_t i = 0; i < s->n; i++)
		if (segment_share_bridge(&s->ports[i], search->port) &&
			segment_is_usable(&s->ports[i]))
			segment_ask_arp(&s->ports[i], &search->port->facts->blocked);
}

static void ask_all_around(struct searches *all)
{
	struct prober *p = all->segment->prober;

	all->asking = true;
	for (unsigned round = 0; round < ROUNDS && !all_have_detours(all); round++) {
		if (prober_is_late(p))
			return;
		for (size_t i = 0; i < all->n; i++)
			if (needs_detour(&all->v[i]))
				ask_around(all->segment, &all->v[i]);
		prober_wait(p, ROUND_MS, all_have_detours, all);
	}
}

static void search_all(struct searches *all)
{
	struct segment *s = all->segment;

	s->watch = watch;
	s->watch_ctx = all;
	ask_all_below(all);
	ask_all_around(all);
	s->watch = NULL;
	s->watch_ctx = NULL;
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].direct)
			all->v[i].port->facts->blocked = (struct ip_addr){ 0 };
}

void blocked_find(struct segment *s)
{
	struct searches all = { .segment = s, .v = calloc(s->n + 1, sizeof(*all.v)) };

	if (!all.v)
		return;
	if (!any_tree(s))
		prober_wait(s->prober, HELLO_MS, any_tree, s);
	for (size_t i = 0; i < s->n; i++)
		if (is_empty(&s->ports[i]) && sends_tree(s, &s->ports[i]))
			all.v[all.n++].port = &s->ports[i];
	if (all.n && !prober_is_late(s->prober))
		search_all(&all);
	free(all.v);
}
