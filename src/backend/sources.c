/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: kept as long as they serve, forgotten when the way has changed. */
#include "backend/sources.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/log.h"
#include "netlink/query.h"
#include "pkt/bucket.h"
#include "wg/messages.h"

/* Ways whose answers are kept: more than there are peers on most machines. SETS is a power of
 * two. */
#define SETS	512
#define PER_SET 8
#define WAYS	(SETS * PER_SET)

/* Questions a second, and at once: beyond that sources are used as they are. */
#define QUESTIONS_PER_S 200
#define QUESTIONS_BURST 500

/* How much of a sticky source serves. */
enum use {
	USE_UNKNOWN = 0,
	USE_ALL,
	USE_ADDRESS, /* not the interface */
	USE_NOTHING,
	USE_LOOP, /* whatever we send there comes back to us: it is not sent */
};

/* From one of our addresses and interfaces to a peer. */
struct way {
	struct ip_addr to;
	struct ip_addr local;
	uint32_t local_ifindex;
	enum use use;
};

/** What the routing said. */
struct sources {
	struct nl_socket nl;
	struct bucket questions;
	struct bucket words; /* about loops */
	unsigned next;	     /* of a set, to make room */
	struct way ways[WAYS];
};

void sources_open(struct userspace *u)
{
	struct sources *s;

	if (u->sources)
		return;
	s = calloc(1, sizeof(*s));
	if (s && nl_socket_open(&s->nl) < 0) {
		free(s);
		s = NULL;
	}
	u->sources = s;
}

void sources_close(struct userspace *u)
{
	if (!u->sources)
		return;
	nl_socket_close(&u->sources->nl);
	free(u->sources);
	u->sources = NULL;
}

void sources_doubt(struct userspace *u)
{
	if (!u->sources)
		return;
	for (size_t i = 0; i < WAYS; i++)
		if (u->sources->ways[i].use != USE_UNKNOWN) /* what was never used is no memory */
			u->sources->ways[i].use = USE_UNKNOWN;
}

/* Whether the routing has a way to the peer from that source by that interface. */
static bool leads_back(struct nl_socket *nl, const struct endpoint *e, uint32_t fwmark)
{
	const struct route_query query = { .dst = e->addr,
		.src = e->local,
		.mark = fwmark,
		.ifindex = e->local_ifindex,
		.table = true };
	struct route_info route;
	int err = query_route(nl, &query, &route);

	if (err == 0)
		return !route.ifindex || route.ifindex == e->local_ifindex;
	/* else we cannot tell */
	return err != -EHOSTUNREACH && err != -ENETUNREACH && err != -EACCES && err != -EINVAL;
}

/* Whether the address is ours, and of another interface than the one given. */
static bool lives_elsewhere(struct nl_socket *nl, const struct ip_addr *addr, uint32_t ifindex)
{
	const struct route_query query = { .dst = *addr, .table = true };
	struct route_info route;

	return query_route(nl, &query, &route) == 0 && route.type == RTN_LOCAL && route.ifindex &&
	       route.ifindex != ifindex;
}

/* Whether a packet to the peer would leave by the tunnel: read from there and sent once more, it
 * would go round for ever. Source: Linux drivers/net/wireguard/socket.c, "Avoiding routing
 * loop". */
static bool leads_into_tunnel(
	const struct userspace *u, const struct endpoint *e, const struct ip_addr *src)
{
	const struct route_query query = { .dst = e->addr, .src = *src, .mark = u->fwmark };
	struct route_info route;

	return u->tun_ifindex && query_route(&u->sources->nl, &query, &route) == 0 &&
	       route.ifindex == u->tun_ifindex;
}

static bool is_sticky(const struct endpoint *e)
{
	return e->local_ifindex && e->local.family;
}

static enum use find_use(const struct userspace *u, const struct endpoint *e)
{
	static const struct ip_addr any;
	struct nl_socket *nl = &u->sources->nl;
	enum use use = USE_ALL;

	if (is_sticky(e)) {
		if (e->local_ifindex != u->tun_ifindex && leads_back(nl, e, u->fwmark))
			return USE_ALL;
		use = lives_elsewhere(nl, &e->local, e->local_ifindex) ? USE_ADDRESS : USE_NOTHING;
	}
	return leads_into_tunnel(u, e, use == USE_NOTHING ? &any : &e->local) ? USE_LOOP : use;
}

static void tell_loop(struct userspace *u, const struct endpoint *e)
{
	char text[IP_ADDR_TEXT_LEN];

	if (bucket_take(&u->sources->words, u->engine.now, 60 * NS_PER_S, 1))
		log_warning("The route to the peer at %s leads into %s itself: nothing is sent "
			    "there. Leave that address out of AllowedIPs, or give it a route.",
			ip_addr_text(&e->addr, text), u->tun.tap.name);
}

static bool is_way_of(const struct way *w, const struct endpoint *e)
{
	return w->use != USE_UNKNOWN && w->local_ifindex == e->local_ifindex &&
	       ip_addr_equal(&w->to, &e->addr) && ip_addr_equal(&w->local, &e->local);
}

/* The way of the endpoint; or where it is to be kept, in place of whichever comes round. */
static struct way *way_of(struct sources *s, const struct endpoint *e)
{
	uint32_t hash = e->local_ifindex;
	struct way *set;
	struct way *spare;

	for (size_t i = 0; i < sizeof(e->addr.bytes); i += 4)
		hash = (hash ^ load_le32(e->addr.bytes + i)) * 0x9e3779b1U;
	set = &s->ways[((hash >> 16) & (SETS - 1)) * PER_SET];
	spare = &set[s->next++ % PER_SET];
	for (size_t i = 0; i < PER_SET; i++) {
		if (is_way_of(&set[i], e))
			return &set[i];
		if (set[i].use == USE_UNKNOWN)
			spare = &set[i];
	}
	return spare;
}

/* `asks`: the routing may be asked. */
static enum use use_of(struct userspace *u, const struct endpoint *e, bool asks)
{
	struct sources *s = u->sources;
	struct way *w = way_of(s, e);

	if (is_way_of(w, e))
		return w->use;
	if (!asks || !bucket_take(&s->questions, u->engine.now, NS_PER_S / QUESTIONS_PER_S,
			     QUESTIONS_BURST))
		return USE_ALL;
	*w = (struct way){ .to = e->addr,
		.local = e->local,
		.local_ifindex = e->local_ifindex,
		.use = find_use(u, e) };
	if (w->use == USE_LOOP)
		tell_loop(u, e);
	return w->use;
}

/* Return: false if there is no way at all. */
static bool settle(struct userspace *u, struct train *t)
{
	struct endpoint *to = &t->to;

	if (to->scope) /* link-local: there is no other way */
		return true;
	/* anybody can make us send cookie replies, and so ask */
	switch (use_of(u, to, t->base[0] != WG_MSG_COOKIE)) {
	case USE_UNKNOWN:
	case USE_ALL:
		return true;
	case USE_NOTHING:
		endpoint_clear_source(to);
		return true;
	case USE_ADDRESS:
		to->local_ifindex = 0;
		return true;
	case USE_LOOP:
		return false;
	}
	return true;
}

void sources_settle(struct userspace *u, struct train_queue *q)
{
	size_t kept = 0;

	if (!u->sources)
		return;
	for (size_t i = 0; i < q->n; i++)
		if (settle(u, &q->trains[i]))
			q->trains[kept++] = q->trains[i];
		else
			u->engine.drops.n[DROP_TX_LOOP] += q->trains[i].count;
	q->n = kept;
}

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

/* Forget what the routing said of ways that the news concern. */
static void doubt_some(struct sources *s, const struct digest *d)
{
	if (!s || digest_is_empty(d))
		return;
	for (size_t i = 0; i < WAYS; i++) {
		struct way *w = &s->ways[i];

		if (w->use != USE_UNKNOWN &&
			(digest_concerns(d, &w->to) || digest_concerns(d, &w->local) ||
				digest_has_stopped(d, w->local_ifindex)))
			w->use = USE_UNKNOWN;
	}
}

void sources_follow(struct userspace *u, struct news *n, uint32_t ifindex, struct digest *ret)
{
	digest_init(ret, ifindex);
	if (news_read(n, ret) < 0)
		digest_lose(ret);
	doubt_some(u->sources, ret);
	LIST_FOR_EACH(l, &u->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct userspace_peer, link)->path.wg;
		const struct endpoint *e = &peer->endpoint;

		if (digest_moves_source(ret, e) && !still_serves(&n->questions, e, u->fwmark))
			wg_peer_clear_source(peer);
	}
}
