/* SPDX-License-Identifier: MIT */
/* Compute a site's MTUs: from the route to its peers, or from the file, down to each session. */
#include "underlay/mtu_budget.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "netlink/query.h"
#include "wg/overhead.h"

/* The kernel removes the IPv6 addresses of an interface whose MTU falls below this. */
#define WG_INTERFACE_MTU_MIN 1280

unsigned mtu_budget_route_mtu(
	struct nl_socket *nl, const struct ip_addr *to, uint32_t ifindex, uint32_t fwmark)
{
	struct route_query query = { .dst = *to, .ifindex = ifindex, .mark = fwmark };
	struct route_info route;

	if (!nl || query_route(nl, &query, &route) < 0)
		return 0;
	return route.mtu;
}

void mtu_budget_take(struct mtu_budget *b, unsigned route_mtu, uint16_t family)
{
	unsigned mtu = route_mtu ? route_mtu : MTU_BUDGET_ASSUMED;
	unsigned wg = wg_mtu_of(mtu, family);

	if (b->wg_mtu && wg >= b->wg_mtu)
		return;
	*b = (struct mtu_budget){ .outer_mtu = mtu,
		.outer_family = family,
		.outer_measured = route_mtu != 0,
		.wg_mtu = wg };
}

void mtu_budget_finish(struct mtu_budget *b, const struct conf_site *conf)
{
	if (!b->wg_mtu)
		mtu_budget_take(b, 0, AF_INET6);
	if (conf->interface.mtu)
		b->wg_mtu = conf->interface.mtu;
}

void mtu_budget_compute(
	const struct conf_site *conf, struct nl_socket *nl, uint32_t fwmark, struct mtu_budget *ret)
{
	struct mtu_budget b = { 0 };

	for (size_t i = 0; i < conf->n_peers; i++) {
		struct ip_addr addr;

		if (!conf->peers[i].endpoint_host ||
			ip_addr_parse(conf->peers[i].endpoint_host, &addr) < 0)
			continue;
		mtu_budget_take(&b, mtu_budget_route_mtu(nl, &addr, 0, fwmark), addr.family);
	}
	mtu_budget_finish(&b, conf);
	*ret = b;
}

uint32_t mtu_budget_wg_interface(const struct mtu_budget *b, const struct conf_site *conf)
{
	return !conf->interface.mtu && b->wg_mtu < WG_INTERFACE_MTU_MIN ? WG_INTERFACE_MTU_MIN
									: b->wg_mtu;
}

uint32_t *mtu_budget_sessions(const struct conf_site *conf)
{
	uint32_t *mtus = calloc(conf_session_count(conf) + 1, sizeof(*mtus));
	struct conf_session_walk walk = { conf };
	const struct conf_session *session;

	while (mtus && (session = conf_next_session(&walk)))
		mtus[walk.i - 1] = mtu_budget_session_mtu(session);
	return mtus;
}

struct mtu_options mtu_budget_options(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session)
{
	return (struct mtu_options){
		.underlay = b->outer_mtu,
		.wg_mtu = b->wg_mtu,
		.outer_family = b->outer_family,
		.inner_family = tunnel->remote.family,
		.encap = tunnel->encap,
		.sublayer = session->options.sublayer,
		.cookie_len = (unsigned)size_max(session->cookie_len, session->peer_cookie_len),
	};
}

int mtu_budget_ladder(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session, struct mtu_ladder *ret)
{
	struct mtu_options o = mtu_budget_options(b, tunnel, session);

	return mtu_ladder_compute(&o, ret);
}

unsigned mtu_budget_session_mtu(const struct conf_session *session)
{
	return session->mtu ? session->mtu : MTU_BUDGET_MEMBER;
}

unsigned mtu_budget_kernel_mtu(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session)
{
	struct mtu_ladder ladder;

	if (session->mtu)
		return session->mtu;
	return mtu_budget_ladder(b, tunnel, session, &ladder) < 0 ? 0 : ladder.session;
}
