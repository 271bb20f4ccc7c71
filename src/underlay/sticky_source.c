/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: used while a route from them exists, cleared when the route changes. */
#include "underlay/sticky_source.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bucket.h"
#include "base/bytes.h"
#include "base/log.h"
#include "netlink/ifindex.h"
#include "netlink/query.h"
#include "underlay/route_cache.h"
#include "wg/messages.h"

/* Validity of answers that depend on neighbours and forwarding tables, for which there are no
 * events: that a route leads back to us, or that this is undecided. */
#define BACK_NS	  (10 * NS_PER_S)
#define UNSURE_NS (NS_PER_S / 4)

/* How long to wait for the resolution of a next hop before another route is used. If the next hop
 * is in the LAN segment, its reply may arrive only after the tunnel uses another route. */
#define RESOLVE_NS NS_PER_S

/* A bridge floods frames for an address whose entry has expired, until the next frame from there.
 * If our datagrams enter a session for longer than this, and nothing is received from the peer,
 * they do not reach it. */
#define FLOOD_NS     (2 * NS_PER_S)
#define FLOOD_GAP_NS (20 * NS_PER_S) /* between datagrams of the same flood */

/* Validity of cached data about other interfaces. */
#define INTERFACES_NS NS_PER_S

/* Interval between checks why our datagrams enter a session. */
#define LOOK_NS (NS_PER_S / 5)

/* That a peer's route leads back to us is logged once, and again after so long in which it has not,
 * or when something else is done about it. Of many peers so many lines are logged at once, then one
 * every LOG_NS, until all have had theirs. */
#define QUIET_NS  (60 * NS_PER_S)
#define LOG_NS	  (60 * NS_PER_S)
#define LOG_BURST 5

/* Route lookups per second, and the burst: beyond that, sources are used unchecked. */
#define QUESTIONS_PER_S 200
#define QUESTIONS_BURST 500

/* The same limit for reports, separate so that reports do not exhaust the other one. */
#define VIEWS_PER_S 50
#define VIEWS_BURST 100

/* Datagrams of ours that entered a session because the bridge has no entry for the address. */
struct flood {
	struct mono since;
	struct mono last;
	const struct wg_peer *peer; /* for comparison only: the peer may be freed */
	uint64_t rx_bytes;	    /* of the peer, at `since` */
};

/** Cached route lookups and their limits. */
struct sticky_sources {
	struct nl_socket nl;
	struct selfroute own;
	uint32_t *taps; /* those of `own` */
	size_t taps_room;
	struct bucket questions;
	struct bucket views;   /* questions for reports */
	struct mono own_until; /* when to ask for the interfaces of `own` again */
	struct bucket lines;   /* of the log */
	struct mono next_look;
	struct flood flood;
	struct route_cache cache;
};

void sticky_source_open(struct underlay *u)
{
	struct sticky_sources *s;

	if (u->sources)
		return;
	s = calloc(1, sizeof(*s));
	if (s && nl_socket_open(&s->nl) < 0) {
		free(s);
		s = NULL;
	}
	u->sources = s;
}

void sticky_source_close(struct underlay *u)
{
	if (!u->sources)
		return;
	nl_socket_close(&u->sources->nl);
	free(u->sources->taps);
	free(u->sources);
	u->sources = NULL;
}

void sticky_source_invalidate(struct underlay *u)
{
	if (!u->sources)
		return;
	u->sources->own.is_fresh = false;
	route_cache_clear(&u->sources->cache);
}

/* Whether there is a route to the peer from that source by that interface. `ret`: the route; its
 * ifindex is 0 if that is not known. */
static bool leads_back(
	struct nl_socket *nl, const struct endpoint *e, uint32_t fwmark, struct route_info *ret)
{
	const struct route_query query = { .dst = e->addr,
		.src = e->local,
		.mark = fwmark,
		.ifindex = e->local_ifindex,
		.table = true };
	int err;

	*ret = (struct route_info){ 0 };
	err = query_route(nl, &query, ret);
	if (err == 0)
		return !ret->ifindex || ret->ifindex == e->local_ifindex;
	/* otherwise undecidable */
	return err != -EHOSTUNREACH && err != -ENETUNREACH && err != -EACCES && err != -EINVAL;
}

/* Whether the address is ours, but on another interface than the given one. */
static bool lives_elsewhere(struct nl_socket *nl, const struct ip_addr *addr, uint32_t ifindex)
{
	const struct route_query query = { .dst = *addr, .table = true };
	struct route_info route;

	return query_route(nl, &query, &route) == 0 && route.type == RTN_LOCAL && route.ifindex &&
	       route.ifindex != ifindex;
}

static bool is_sticky(const struct endpoint *e)
{
	return e->local_ifindex && e->local.family;
}

/* Return: how much of the sticky source can be used, and by which route. */
static enum source_use find_use(
	const struct underlay *u, const struct endpoint *e, struct route_info *ret)
{
	struct nl_socket *nl = &u->sources->nl;
	struct route_query query = {
		.dst = e->addr, .src = e->local, .mark = *u->fwmark, .ifindex = e->scope
	};
	enum source_use use = SOURCE_ALL;

	if (is_sticky(e)) {
		if (e->local_ifindex != *u->tun_ifindex && leads_back(nl, e, *u->fwmark, ret))
			return SOURCE_ALL;
		use = lives_elsewhere(nl, &e->local, e->local_ifindex) ? SOURCE_ADDRESS
								       : SOURCE_NOTHING;
	}
	if (use == SOURCE_NOTHING)
		query.src.family = 0;
	if (query_route(nl, &query, ret) < 0)
		*ret = (struct route_info){ 0 };
	return use;
}

/* Update the list of our own interfaces. */
static void renew_own(struct underlay *u)
{
	struct sticky_sources *s = u->sources;
	size_t n = 0;

	LIST_FOR_EACH(l, &u->engine->sessions)
	{
		if (n == s->taps_room) {
			size_t room = n ? 2 * n : 16;
			uint32_t *taps = reallocarray(s->taps, room, sizeof(*taps));

			if (!taps)
				break;
			s->taps = taps;
			s->taps_room = room;
		}
		s->taps[n++] = CONTAINER_OF(l, struct path_session, link)->port.ifindex;
	}
	s->own.nl = &s->nl;
	s->own.tun = *u->tun_ifindex;
	s->own.taps = s->taps;
	s->own.n_taps = n;
	if (mono_reached(s->own_until, u->engine->now))
		s->own.is_fresh = false;
	if (!s->own.is_fresh)
		s->own_until = mono_add(u->engine->now, INTERFACES_NS);
}

/* Whether to log, for a peer, that its route leads back to us; if so, it is recorded. */
static bool must_log(struct underlay *u, struct path_peer *p, const struct route_entry *w)
{
	struct path_route_log *l = &p->route_logged;
	struct mono now = u->engine->now;
	bool same = mono_is_set(l->at) && mono_between(l->at, now) < QUIET_NS &&
		    ip_addr_equal(&l->to, &w->to) && l->other == w->other;

	if (!same && !bucket_take(&u->sources->lines, now, LOG_NS, LOG_BURST))
		return false;
	*l = (struct path_route_log){ .to = w->to, .other = w->other, .at = now };
	return !same;
}

/* The same for all peers at an address. */
static bool must_log_any(struct underlay *u, const struct route_entry *w)
{
	bool must = false;

	LIST_FOR_EACH(l, &u->engine->wg.peers)
	{
		struct path_peer *p = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));

		if (ip_addr_equal(&p->wg.endpoint.addr, &w->to) && must_log(u, p, w))
			must = true;
	}
	return must;
}

/* Log that a route leads back to us and what is done about it, unless that was logged. */
static void log_self_route(struct underlay *u, const struct route_entry *w)
{
	char to[IP_ADDR_TEXT_LEN];
	char by[IF_NAMESIZE] = "?";
	char other[IF_NAMESIZE] = "?";

	if (!must_log_any(u, w))
		return;
	ip_addr_text(&w->to, to);
	if (w->other == w->route)
		snprintf(by, sizeof(by), "one next hop");
	else
		ifindex_name(w->route, by);
	ifindex_name(w->other, other);
	if (w->use == SOURCE_OTHER)
		log_warning("The route to the peer at %s leads into the %s itself (by %s): "
			    "datagrams to it leave by %s instead. Give that address a route by "
			    "an uplink.",
			to, w->leads == LEADS_TUNNEL ? "tunnel" : "segment", by, other);
	else if (w->leads == LEADS_TUNNEL)
		log_warning("The route to the peer at %s leads into %s itself: nothing is sent "
			    "there. Leave that address out of AllowedIPs, or give it a route.",
			to, by);
	else
		log_warning("The route to the peer at %s leads into the segment itself (by %s): "
			    "datagrams to it are dropped. Give that address a route by an uplink.",
			to, by);
}

/* Whether to use a route for now although it is undecided where it leads. */
static bool is_given_time(const struct underlay *u, const struct route_entry *w)
{
	if (w->leads == LEADS_UNRESOLVED)
		return mono_between(w->unresolved, u->engine->now) < RESOLVE_NS;
	return w->leads == LEADS_FLOODED; /* the flood also reaches the peer, if it is there */
}

/* Decide what to do about a route that leads back to us, or may do so. `seen`: which of our own
 * interfaces received datagrams that were sent by it; LEADS_OUT: none. */
static void avoid(struct underlay *u, const struct endpoint *e, const struct route_info *route,
	enum leads seen, struct route_entry *w)
{
	const struct route_query query = { .dst = e->addr, .mark = *u->fwmark };
	struct sticky_sources *s = u->sources;
	bool unsure = w->leads == LEADS_UNRESOLVED || w->leads == LEADS_FLOODED;

	w->until = mono_add(u->engine->now, unsure ? UNSURE_NS : BACK_NS);
	if (unsure)
		selfroute_resolve(&s->own, route, &e->addr);
	if (seen == LEADS_OUT && is_given_time(u, w))
		return;
	if (!e->scope) /* link-local: there is no other route */
		w->other = selfroute_other(&s->own, &query, route);
	if (!w->other && w->leads == LEADS_OUT) /* one next hop of several: use this one only */
		w->other = route->ifindex;
	if (seen != LEADS_OUT) {
		w->leads = seen;
		w->until = mono_add(u->engine->now, BACK_NS);
	}
	if (w->other)
		w->use = SOURCE_OTHER;
	else if (w->leads == LEADS_TUNNEL)
		w->use = SOURCE_LOOP;
	if (w->leads == LEADS_SEGMENT || w->leads == LEADS_TUNNEL)
		log_self_route(u, w);
}

/* Packets to an address leave by another interface now: look up the path's MTU anew. */
static void path_changed(struct underlay *u, const struct ip_addr *to)
{
	LIST_FOR_EACH(l, &u->engine->wg.peers)
	{
		struct path_peer *p = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));

		if (ip_addr_equal(&p->wg.endpoint.addr, to))
			engine_forget_path(u->engine, p);
	}
}

/* Look up the route into `w`, which may contain the previous answer. `seen`: as for avoid(). */
static void look_up_route(
	struct underlay *u, const struct endpoint *e, enum leads seen, struct route_entry *w)
{
	struct route_info route;
	struct route_entry found = { .to = e->addr,
		.local = e->local,
		.local_ifindex = e->local_ifindex,
		.asked = u->engine->now };
	uint32_t before = 0;

	found.unresolved = found.asked;
	if (route_entry_is_of(w, e)) {
		before = w->other;
		if (w->leads == LEADS_UNRESOLVED)
			found.unresolved = w->unresolved;
	}
	renew_own(u);
	found.use = find_use(u, e, &route);
	found.route = route.ifindex;
	found.leads = selfroute_of(&u->sources->own, &route, &e->addr);
	if (found.leads != LEADS_OUT || seen != LEADS_OUT)
		avoid(u, e, &route, seen, &found);
	*w = found;
	if (found.other != before)
		path_changed(u, &e->addr);
}

/* Whether `w` belongs to the endpoint and has not expired. */
static bool is_fresh(
	const struct underlay *u, const struct route_entry *w, const struct endpoint *e)
{
	return route_entry_is_of(w, e) && !mono_reached(w->until, u->engine->now);
}

/* Return: the endpoint's cached route, looked up if needed and allowed (`asks`); or NULL. */
static const struct route_entry *cached_route(
	struct underlay *u, const struct endpoint *e, bool asks)
{
	struct sticky_sources *s = u->sources;
	struct route_entry *w = route_cache_find(&s->cache, e);

	if (is_fresh(u, w, e))
		return w;
	if (asks && bucket_take(&s->questions, u->engine->now, NS_PER_S / QUESTIONS_PER_S,
			    QUESTIONS_BURST)) {
		look_up_route(u, e, LEADS_OUT, w);
		return w;
	}
	return route_entry_is_of(w, e) ? w : NULL;
}

struct sticky_source_view sticky_source_view(struct underlay *u, const struct endpoint *e)
{
	struct sticky_sources *s = u->sources;
	struct endpoint to = *e;
	struct route_entry *w;

	endpoint_clear_source(&to);
	if (!s || to.scope || !to.addr.family)
		return (struct sticky_source_view){ 0 };
	w = route_cache_find(&s->cache, &to);
	if (!is_fresh(u, w, &to) &&
		bucket_take(&s->views, u->engine->now, NS_PER_S / VIEWS_PER_S, VIEWS_BURST))
		look_up_route(u, &to, LEADS_OUT, w);
	if (!route_entry_is_of(w, &to))
		return (struct sticky_source_view){ 0 };
	return (struct sticky_source_view){
		.leads = w->leads, .route = w->route, .other = w->other
	};
}

/* Return: false if there is no route at all. */
static bool check_train(struct underlay *u, struct train *t)
{
	struct endpoint *to = &t->to;
	const struct route_entry *w;

	if (to->scope) /* link-local: there is no other route */
		return true;
	/* unauthenticated senders can cause cookie replies, so those cause no lookup */
	w = cached_route(u, to, t->base[0] != WG_MSG_COOKIE);
	switch (w ? w->use : SOURCE_UNKNOWN) {
	case SOURCE_UNKNOWN:
	case SOURCE_ALL:
		return true;
	case SOURCE_NOTHING:
		endpoint_clear_source(to);
		return true;
	case SOURCE_ADDRESS:
		to->local_ifindex = 0;
		return true;
	case SOURCE_OTHER:
		/* Another interface has another address. And IPv6 uses the given interface only
		 * for packets without a source address: Linux net/ipv6/route.c, in its output
		 * route lookup. */
		if (to->local_ifindex != w->other || to->local.family == AF_INET6)
			to->local = (struct ip_addr){ 0 };
		to->local_ifindex = w->other;
		return true;
	case SOURCE_LOOP:
		return false;
	}
	return true;
}

void sticky_source_check(struct underlay *u, struct train_queue *q)
{
	size_t left = 0;

	if (!u->sources)
		return;
	for (size_t i = 0; i < q->n; i++)
		if (check_train(u, &q->trains[i]))
			q->trains[left++] = q->trains[i];
		else
			drop_add(&u->engine->tx.counters.drops, DROP_TX_LOOP, q->trains[i].count);
	q->n = left;
}

/* Whether one of our datagrams entered a session only because the bridge floods temporarily. */
static bool is_flood(
	struct underlay *u, const struct path_port *port, const struct own_datagram *own)
{
	struct flood *f = &u->sources->flood;
	struct mono now = u->engine->now;
	enum arrival arrival;

	renew_own(u);
	arrival = selfroute_arrival(&u->sources->own, port->ifindex, own->mac, own->vlan);
	if (arrival != ARRIVAL_FLOODED)
		return arrival == ARRIVAL_STRAY;
	if (!mono_is_set(f->last) || mono_between(f->last, now) > FLOOD_GAP_NS ||
		f->peer != own->peer || f->rx_bytes != own->peer->rx_bytes)
		*f = (struct flood){
			.since = now, .peer = own->peer, .rx_bytes = own->peer->rx_bytes
		};
	f->last = now;
	return mono_between(f->since, now) < FLOOD_NS;
}

/* Datagrams to `to` have entered our own interfaces, `seen`. Look for another route, unless the
 * routing changed just now and they were sent before the change. */
static void look_again(struct underlay *u, const struct endpoint *to, enum leads seen)
{
	struct route_entry *w = route_cache_find(&u->sources->cache, to);

	if (!route_entry_is_of(w, to))
		look_up_route(u, to, LEADS_OUT, w);
	else if (mono_between(w->asked, u->engine->now) >= LOOK_NS)
		look_up_route(u, to, seen, w);
}

void sticky_source_found_own(
	struct underlay *u, const struct path_port *port, const struct own_datagram *own)
{
	const struct endpoint *to = &own->peer->endpoint;
	struct mono now = u->engine->now;
	struct sticky_sources *s = u->sources;

	if (s && !mono_before(now, s->next_look)) {
		s->next_look = mono_add(now, LOOK_NS);
		if (!port->session)
			look_again(u, to, LEADS_TUNNEL);
		else if (!is_flood(u, port, own))
			look_again(u, to, LEADS_SEGMENT);
	}
}

static bool is_ours(struct nl_socket *nl, const struct ip_addr *addr)
{
	struct route_query query = { .dst = *addr };
	struct route_info route;

	return query_route(nl, &query, &route) == 0 && route.type == RTN_LOCAL;
}

/* Whether the kernel would send a packet from the sticky source by the sticky interface if it
 * could choose. */
static bool still_serves(struct nl_socket *nl, const struct endpoint *e, uint32_t fwmark)
{
	struct route_query query = { .dst = e->addr, .src = e->local, .mark = fwmark };
	struct route_info route;

	if (e->scope) /* link-local: there is no other route */
		query.ifindex = e->scope;
	return (!e->local.family || is_ours(nl, &e->local)) &&
	       query_route(nl, &query, &route) == 0 &&
	       (!e->local_ifindex || route.ifindex == e->local_ifindex);
}

/* Invalidate the answers that the changes affect. */
static void invalidate_some(struct sticky_sources *s, const struct changes *d)
{
	if (!s || changes_is_empty(d))
		return;
	s->own.is_fresh = false;
	route_cache_clear_some(&s->cache, d);
}

void sticky_source_follow(
	struct underlay *u, struct monitor *n, uint32_t ifindex, struct changes *ret)
{
	changes_init(ret, ifindex);
	if (monitor_read(n, ret) < 0)
		changes_lost(ret);
	invalidate_some(u->sources, ret);
	LIST_FOR_EACH(l, &u->engine->wg.peers)
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, link);
		const struct endpoint *e = &peer->endpoint;

		if (changes_moves_source(ret, e) && !still_serves(&n->questions, e, *u->fwmark))
			wg_peer_clear_source(peer);
	}
}
