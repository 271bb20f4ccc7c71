/* SPDX-License-Identifier: MIT */
/* Finds switches whose spanning tree blocks their port toward a bridge of ours. */
#include "check/blocked.h"

#include <string.h>

#include "base/bytes.h"

#define HELLO_MS   2200 /* a spanning tree sends each two seconds, usually */
#define LEAST_BITS 24	/* larger subnets are not searched */
#define MOST_BITS  30	/* smaller ones hold no host but the bridge, or a single one */
#define BURST	   16
#define GATHER_MS  150
#define ROUNDS	   3
#define ROUND_MS   200

/** The search behind one port. */
struct search {
	struct port *port;
	bool asking; /* the switch is known, and asked for on all ports */
	bool direct; /* it answers on `port` as other hosts do */
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

static void watch(
	void *ctx, struct port *port, bool outgoing, enum wire_kind kind, const struct wire_read *r)
{
	struct search *search = ctx;
	struct observed_port *facts = search->port->facts;

	if (outgoing || kind != WIRE_ARP_REPLY)
		return;
	if (!search->asking) {
		if (port == search->port && !facts->blocked.family &&
			!memcmp(r->dst_mac, port->link.mac, LINK_MAC_LEN))
			facts->blocked = r->src;
		return;
	}
	if (!ip_addr_equal(&r->src, &facts->blocked) ||
		memcmp(r->dst_mac, port->mac, LINK_MAC_LEN) != 0)
		return;
	if (port == search->port)
		search->direct = true;
	else if (segment_share_bridge(port, search->port))
		memcpy(facts->detour, port->facts->name, IF_NAMESIZE);
}

static bool is_found(const void *ctx)
{
	const struct search *search = ctx;

	return search->port->facts->blocked.family != 0;
}

static bool has_detour(const void *ctx)
{
	const struct search *search = ctx;

	return *search->port->facts->detour;
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

/* Ask for each address of a subnet, in frames that switches take for those of their protocol. */
static void ask_below(struct search *search, const struct ip_prefix *subnet)
{
	struct port *port = search->port;
	struct prober *p = port->segment->prober;
	bool searched = subnet->len >= LEAST_BITS && subnet->len <= MOST_BITS;
	uint32_t hosts = searched ? UINT32_MAX >> subnet->len : 0;
	uint32_t base = load_be32(subnet->addr.bytes) & ~hosts;
	struct wire_ends ends = { .dst = { .family = AF_INET } };

	memcpy(ends.src_mac, port->link.mac, LINK_MAC_LEN);
	wire_bridge_group(ends.dst_mac);
	for (uint32_t i = 1; i < hosts && !is_found(search) && !prober_is_late(p); i++) {
		store_be32(ends.dst.bytes, base + i);
		if (!is_known(port, &ends.dst))
			segment_send(port, p->out,
				wire_arp_probe(&ends, &p->mark, SEGMENT_SMALL, p->out));
		if (i % BURST == 0)
			prober_wait(p, 1, NULL, NULL);
	}
}

/* Ask for the switch as for any host, on all ports of the bridge. */
static void ask_around(struct search *search)
{
	struct segment *s = search->port->segment;
	const struct ip_addr *who = &search->port->facts->blocked;

	search->asking = true;
	for (unsigned round = 0; round < ROUNDS && !has_detour(search); round++) {
		for (size_t i = 0; i < s->n; i++)
			if (segment_share_bridge(&s->ports[i], search->port) &&
				segment_is_usable(&s->ports[i]))
				segment_ask_arp(&s->ports[i], who);
		prober_wait(s->prober, ROUND_MS, has_detour, search);
	}
}

static void search_behind(struct port *port)
{
	struct search search = { .port = port };
	struct segment *s = port->segment;

	s->watch = watch;
	s->watch_ctx = &search;
	for (size_t i = 0; i < port->n_ip4; i++)
		ask_below(&search, &port->ip4[i]);
	prober_wait(s->prober, GATHER_MS, is_found, &search);
	if (is_found(&search))
		ask_around(&search);
	if (search.direct)
		port->facts->blocked = (struct ip_addr){ 0 };
	s->watch = NULL;
	s->watch_ctx = NULL;
}

void blocked_find(struct segment *s)
{
	if (!any_tree(s))
		prober_wait(s->prober, HELLO_MS, any_tree, s);
	for (size_t i = 0; i < s->n && !prober_is_late(s->prober); i++)
		if (is_empty(&s->ports[i]) && sends_tree(s, &s->ports[i]))
			search_behind(&s->ports[i]);
}
