/* SPDX-License-Identifier: MIT */
/* Detect routes to a peer that lead back to this host: into the tunnel, or into the LAN segment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ctlproto/status.h"
#include "netlink/query.h"

/*
 * Theory of operation
 *
 * A datagram that is routed to the WireGuard interface, or through a bridge to the interface of a
 * session, comes back to the engine that sent it. The WireGuard interface is seen in the route. For
 * a bridge the route is not enough, because it may also lead to a network card (on a gateway with
 * one card it does): what counts is the port behind which the bridge has learned the next hop's
 * Ethernet address. It is unknown while the next hop is not resolved, and when the bridge has
 * removed the aged entry and floods.
 *
 * Where a route leads back, any route of another interface is better, even a less specific or less
 * preferred one. Only for a destination on the link it has to be as specific, because the address
 * of a neighbour is valid on that link alone.
 */

/** Where a route leads. */
enum leads {
	LEADS_OUT = 0,	  /* to other hosts, as far as known */
	LEADS_UNRESOLVED, /* through a bridge with a session, to a next hop that is not resolved */
	LEADS_FLOODED,	  /* likewise, and the bridge has not learned the next hop's address */
	LEADS_SEGMENT,	  /* to the interface of a session */
	LEADS_TUNNEL,	  /* to the WireGuard interface */
};

/* Most interfaces that are tried for another route; others are ignored. */
#define SELFROUTE_UPLINKS 16

/** Our own interfaces, and the netlink socket for queries. */
struct selfroute {
	struct nl_socket *nl;
	uint32_t tun;	      /* ifindex of the WireGuard interface; 0: none */
	const uint32_t *taps; /* ifindexes of the sessions' interfaces */
	size_t n_taps;
	bool is_fresh;	 /* members below are valid; false when interfaces may have changed */
	uint32_t bridge; /* the bridge queried last; 0: none */
	bool has_tap;	 /* whether a session's interface is a port of `bridge` */
	bool uplinks_known;
	size_t n_uplinks;
	uint32_t uplinks[SELFROUTE_UPLINKS]; /* that are up, no ports, and not ours */
};

/** Return: where the route to `dst` leads. `route` is an answer of query_route(). */
enum leads selfroute_of(
	struct selfroute *s, const struct route_info *route, const struct ip_addr *dst);

/** Return: `leads` as a status report has it, where what is not resolved and what is flooded are
 * both unknown. */
enum status_leads selfroute_status(enum leads leads);

/** Make the kernel resolve the next hop of a route that is LEADS_UNRESOLVED or LEADS_FLOODED, so
 * that selfroute_of() has an answer shortly after. */
void selfroute_resolve(
	const struct selfroute *s, const struct route_info *route, const struct ip_addr *dst);

/** Why a bridge sent a frame for an Ethernet address to a session's interface. */
enum arrival {
	ARRIVAL_LEARNED, /* the address was learned there, or there is no bridge */
	ARRIVAL_FLOODED, /* the address is unknown: the frame was flooded to all ports */
	ARRIVAL_STRAY,	 /* the address has since been learned at another port */
};

/** Query the bridge of the session's interface `tap`. `vlan` 0: the frame had no tag. */
enum arrival selfroute_arrival(const struct selfroute *s, uint32_t tap,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan);

/**
 * Find another route for packets to query->dst with query->mark: the most specific, then most
 * preferred route of an interface that is up, leads LEADS_OUT, and is not route->ifindex. `route`
 * is the answer to `query`. Return: the ifindex, or 0 if there is none.
 */
uint32_t selfroute_other(
	struct selfroute *s, const struct route_query *query, const struct route_info *route);
