/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: kept as long as they serve, forgotten when the way has changed. */
#include "backend/sources.h"

#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "netlink/query.h"

static bool is_ours(struct nl_socket *nl, const struct ip_addr *addr)
{
	struct route_query query = { .dst = *addr };
	struct route_info route;

	return query_route(nl, &query, &route) == 0 && route.type == RTN_LOCAL;
}

/* Whether a packet from the sticky source would leave by the sticky interface, were it free to
 * choose. */
static bool still_serves(struct nl_socket *nl, const struct endpoint *e, uint32_t fwmark)
{
	struct route_query query = { .dst = e->addr, .src = e->local, .mark = fwmark };
	struct route_info route;

	if (e->scope) /* link-local: there is no other way */
		query.ifindex = e->scope;
	return (!e->local.family || is_ours(nl, &e->local)) &&
	       query_route(nl, &query, &route) == 0 &&
	       (!e->local_ifindex || route.ifindex == e->local_ifindex);
}

void sources_check(struct userspace *u, struct nl_socket *nl, const struct digest *d)
{
	LIST_FOR_EACH(l, &u->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct userspace_peer, link)->path.wg;
		const struct endpoint *e = &peer->endpoint;

		if (digest_moves_source(d, &e->local, e->local_ifindex) &&
			!still_serves(nl, e, u->fwmark))
			wg_peer_clear_source(peer);
	}
}
