/* SPDX-License-Identifier: MIT */
/* Detect routes to a peer that lead back to this host: into the tunnel, or into the LAN segment. */
#include "underlay/selfroute.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/event.h"

/* A VLAN on a MACVLAN on a bridge, plus one. */
#define DEPTH_MAX 4

static struct ip_addr next_hop(const struct route_info *route, const struct ip_addr *dst)
{
	return route->gateway.family ? route->gateway : *dst;
}

static bool is_tap(const struct selfroute *s, uint32_t ifindex)
{
	for (size_t i = 0; i < s->n_taps; i++)
		if (s->taps[i] == ifindex)
			return true;
	return false;
}

/* Discard cached answers if interfaces may have changed. */
static void refresh(struct selfroute *s)
{
	if (s->is_fresh)
		return;
	s->is_fresh = true;
	s->bridge = 0;
	s->uplinks_known = false;
}

/* Whether a session's interface is a port of the bridge. The result is cached: there may be many
 * of both. */
static bool has_tap(struct selfroute *s, uint32_t bridge)
{
	struct link_info link;

	refresh(s);
	if (s->bridge == bridge)
		return s->has_tap;
	s->bridge = bridge;
	s->has_tap = false;
	for (size_t i = 0; i < s->n_taps && !s->has_tap; i++)
		s->has_tap =
			query_link_index(s->nl, s->taps[i], &link) == 0 && link.master == bridge;
	return s->has_tap;
}

/* The route leaves by a bridge, or a VLAN on it: the next hop is a neighbour on the route's
 * interface. */
static enum leads through_bridge(struct selfroute *s, uint32_t bridge, uint16_t vlan,
	uint32_t ifindex, const struct ip_addr *hop)
{
	struct neigh_info neigh;
	uint32_t port;

	if (query_neighbour(s->nl, ifindex, hop, &neigh) < 0)
		return has_tap(s, bridge) ? LEADS_UNRESOLVED : LEADS_OUT;
	if (query_bridge_port_by(s->nl, bridge, bridge, neigh.mac, vlan, &port) == 0)
		return is_tap(s, port) ? LEADS_SEGMENT : LEADS_OUT;
	return has_tap(s, bridge) ? LEADS_FLOODED : LEADS_OUT;
}

enum status_leads selfroute_status(enum leads leads)
{
	static const enum status_leads status_of[] = {
		[LEADS_OUT] = STATUS_LEADS_OUT,
		[LEADS_UNRESOLVED] = STATUS_LEADS_UNKNOWN,
		[LEADS_FLOODED] = STATUS_LEADS_UNKNOWN,
		[LEADS_SEGMENT] = STATUS_LEADS_SEGMENT,
		[LEADS_TUNNEL] = STATUS_LEADS_TUNNEL,
	};

	return status_of[leads];
}

enum leads selfroute_of(
	struct selfroute *s, const struct route_info *route, const struct ip_addr *dst)
{
	struct ip_addr hop = next_hop(route, dst);
	uint32_t at = route->ifindex;
	uint16_t vlan = 0;
	struct link_info link;

	if (at && at == s->tun)
		return LEADS_TUNNEL;
	if (!s->n_taps)
		return LEADS_OUT;
	for (unsigned depth = 0; at && depth < DEPTH_MAX; depth++) {
		if (is_tap(s, at))
			return LEADS_SEGMENT;
		if (query_link_index(s->nl, at, &link) < 0)
			return LEADS_OUT;
		if (!strcmp(link.kind, "bridge"))
			return through_bridge(s, at, vlan, route->ifindex, &hop);
		if (link.vlan)
			vlan = link.vlan;
		at = link.lower;
	}
	return LEADS_OUT;
}

void selfroute_resolve(
	const struct selfroute *s, const struct route_info *route, const struct ip_addr *dst)
{
	struct ip_addr hop = next_hop(route, dst);
	struct nl_msg m;
	int err = nl_request(s->nl, neigh_encode_use(&m, route->ifindex, &hop));

	(void)err; /* the route is looked up again if the neighbour stays unresolved */
}

enum arrival selfroute_arrival(const struct selfroute *s, uint32_t tap,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan)
{
	struct link_info link;
	uint32_t port;
	int err;

	if (query_link_index(s->nl, tap, &link) < 0 || !link.master)
		return ARRIVAL_LEARNED;
	err = query_bridge_port_by(s->nl, link.master, tap, mac, vlan, &port);
	if (err == -ENOENT)
		return ARRIVAL_FLOODED;
	return err < 0 || port == tap ? ARRIVAL_LEARNED : ARRIVAL_STRAY;
}

/* Whether packets can leave the host by the interface. */
static bool is_uplink(const struct selfroute *s, const struct link_info *link)
{
	return nl_event_link_runs(link) && !(link->flags & IFF_LOOPBACK) && !link->has_port_state &&
	       link->ifindex != s->tun && !is_tap(s, link->ifindex);
}

static void find_uplinks(struct selfroute *s)
{
	struct link_list links;

	refresh(s);
	if (s->uplinks_known || query_links(s->nl, &links) < 0)
		return;
	s->n_uplinks = 0;
	for (size_t i = 0; i < links.n && s->n_uplinks < SELFROUTE_UPLINKS; i++)
		if (is_uplink(s, &links.v[i]))
			s->uplinks[s->n_uplinks++] = links.v[i].ifindex;
	s->uplinks_known = true;
	free(links.v);
}

static bool is_better(const struct route_info *a, const struct route_info *b)
{
	if (a->dst.len != b->dst.len)
		return a->dst.len > b->dst.len;
	return a->metric < b->metric;
}

/* Return: the shortest prefix that another route may have: that of this route if it has no
 * gateway. */
static uint8_t least_len(
	const struct selfroute *s, const struct route_query *query, const struct route_info *route)
{
	struct route_query q = *query;
	struct route_info found;

	if (route->gateway.family || route->ifindex == s->tun)
		return 0;
	q.ifindex = route->ifindex;
	q.table = true; /* otherwise the answer is for one host */
	return query_route(s->nl, &q, &found) == 0 ? found.dst.len : 0;
}

uint32_t selfroute_other(
	struct selfroute *s, const struct route_query *query, const struct route_info *route)
{
	struct route_query q = { .dst = query->dst, .mark = query->mark, .table = true };
	struct route_info best = { .dst.len = least_len(s, query, route), .metric = UINT32_MAX };

	find_uplinks(s);
	for (size_t i = 0; i < s->n_uplinks; i++) {
		struct route_info found;

		q.ifindex = s->uplinks[i];
		if (q.ifindex == route->ifindex || query_route(s->nl, &q, &found) < 0)
			continue;
		if (!found.ifindex) /* the route has several next hops, including this one */
			found.ifindex = q.ifindex;
		if (found.ifindex == q.ifindex && found.type == RTN_UNICAST &&
			is_better(&found, &best) && selfroute_of(s, &found, &q.dst) == LEADS_OUT)
			best = found;
	}
	return best.ifindex;
}
