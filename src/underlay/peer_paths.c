/* SPDX-License-Identifier: MIT */
/* The MTUs of the paths to the peers, from the routing, and whether the engine probes them. */
#include "underlay/peer_paths.h"

#include <string.h>

#include "base/bytes.h"
#include "path/peer_pmtu.h"
#include "underlay/mtu_budget.h"
#include "underlay/sticky_source.h"

/* Return: our address of a family in the tunnel, or NULL. */
static const struct ip_addr *own_address(const struct conf_site *conf, uint16_t family)
{
	for (size_t i = 0; i < conf->interface.addresses.n; i++)
		if (conf->interface.addresses.v[i].prefix.addr.family == family)
			return &conf->interface.addresses.v[i].prefix.addr;
	return NULL;
}

/* Find the addresses in the tunnel for probes to a peer. Return: whether there are any. */
static bool probe_addresses(const struct conf_site *conf, const struct conf_peer *c,
	const struct ip_addr **ret_local, const struct ip_addr **ret_remote)
{
	for (size_t i = 0; i < conf->n_tunnels; i++) {
		if (conf_peer_for(conf, &conf->tunnels[i].remote) != c)
			continue;
		*ret_local = &conf->tunnels[i].local;
		*ret_remote = &conf->tunnels[i].remote;
		return true;
	}
	for (size_t i = 0; i < c->allowed_ips.n; i++) {
		const struct ip_prefix *p = &c->allowed_ips.v[i].prefix;

		*ret_local = own_address(conf, p->addr.family);
		*ret_remote = &p->addr;
		if (*ret_local && p->len == ip_addr_bits(&p->addr))
			return true;
	}
	return false;
}

bool peer_paths_can_follow(const struct conf_site *conf)
{
	const struct ip_addr *local;
	const struct ip_addr *remote;

	if (conf->interface.mtu || !conf->n_peers)
		return false;
	for (size_t i = 0; i < conf->n_peers; i++)
		if (!probe_addresses(conf, &conf->peers[i], &local, &remote))
			return false;
	return true;
}

static void look_up(
	struct underlay *u, const struct conf_site *conf, struct nl_socket *nl, struct path_peer *p)
{
	const struct endpoint *to = &p->wg.endpoint;
	const struct conf_peer *c = conf_peer_find(conf, p->wg.remote.public_key);
	const struct ip_addr *local;
	const struct ip_addr *remote;
	unsigned mtu =
		mtu_budget_route_mtu(nl, &to->addr, sticky_source_view(u, to).other, *u->fwmark);

	if (!c || !probe_addresses(conf, c, &local, &remote))
		return;
	peer_pmtu_start(u->engine, p, mtu ? mtu : MTU_BUDGET_ASSUMED, local, remote);
}

void peer_paths_look_up(struct underlay *u, const struct conf_site *conf, unsigned wg_mtu, bool all)
{
	bool follow = peer_paths_can_follow(conf);
	struct nl_socket nl = { 0 };
	bool can_ask = follow && nl_socket_open(&nl) == 0;

	LIST_FOR_EACH(l, &u->engine->wg.peers)
	{
		struct path_peer *p = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));

		if (!all && !p->path_unknown)
			continue;
		p->path_unknown = false;
		if (!follow || !p->wg.endpoint.addr.family)
			peer_pmtu_stop(u->engine, p, wg_mtu);
		else
			look_up(u, conf, can_ask ? &nl : NULL, p);
	}
	nl_socket_close(&nl);
}

bool peer_paths_concerned(const struct underlay *u, const struct changes *d)
{
	LIST_FOR_EACH(l, &u->engine->control.followed)
	if (d->n_stopped ||
		changes_concerns(d, &CONTAINER_OF(l, struct path_peer, follow)->wg.endpoint.addr))
		return true;
	return false;
}

void peer_paths_refresh(struct underlay *u)
{
	struct nl_socket nl = { 0 };

	if (list_is_empty(&u->engine->control.followed) || nl_socket_open(&nl) < 0)
		return;
	LIST_FOR_EACH(l, &u->engine->control.followed)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, follow);
		const struct endpoint *to = &peer->wg.endpoint;
		unsigned mtu = mtu_budget_route_mtu(
			&nl, &to->addr, sticky_source_view(u, to).other, *u->fwmark);

		if (mtu)
			peer_pmtu_route(u->engine, peer, mtu);
	}
	nl_socket_close(&nl);
}

unsigned peer_paths_smallest(const struct underlay *u, unsigned otherwise, uint16_t *ret_family)
{
	unsigned smallest = 0;

	LIST_FOR_EACH(l, &u->engine->wg.peers)
	{
		const struct path_peer *peer = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));

		if (smallest && peer->mtu >= smallest)
			continue;
		smallest = peer->mtu;
		if (peer->wg.endpoint.addr.family)
			*ret_family = peer->wg.endpoint.addr.family;
	}
	return smallest ? smallest : otherwise;
}
