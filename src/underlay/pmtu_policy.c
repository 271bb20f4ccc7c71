/* SPDX-License-Identifier: MIT */
/* The MTUs of a running site: computed from the routing, and updated as the peers' paths change. */
#include "underlay/pmtu_policy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "underlay/dns_endpoint.h"
#include "underlay/peer_paths.h"
#include "underlay/sticky_source.h"
#include "wg/overhead.h"

/* The path of a peer that has moved is looked up at once, up to this rate: a lookup queries the
 * kernel, sends a large probe to the apparent address of the peer, and may change MTUs, all caused
 * by one small datagram. */
#define LOOK_UP_NS    (NS_PER_S / 4)
#define LOOK_UP_BURST 8

/* How long changes of interfaces' MTUs are collected: on a host with containers interfaces come and
 * go, and to look up the routes takes a query for each peer. */
#define LINKS_NS (NS_PER_S / 2)

/* Limit of log messages about lost trains. The burst is the number of peers that a site may have
 * behind one bad router. */
#define REPORT_NS    (60 * NS_PER_S)
#define REPORT_BURST 16

/* Compute the MTUs of all interfaces from the budget. Return: 0, or -ENOMEM and they are
 * unchanged. */
static int set_interfaces(struct pmtu_policy *p, const struct conf_site *conf)
{
	uint32_t *mtus = mtu_budget_sessions(conf);

	if (!mtus)
		return -ENOMEM;
	free(p->sessions);
	p->sessions = mtus;
	p->wg_interface = mtu_budget_wg_interface(&p->budget, conf); /* for smaller paths, the
									engine answers with ICMP */
	return 0;
}

int pmtu_policy_compute(struct pmtu_policy *p, const struct conf_site *conf, uint32_t fwmark)
{
	struct nl_socket nl = { 0 };

	mtu_budget_compute(conf, nl_socket_open(&nl) < 0 ? NULL : &nl, fwmark, &p->budget);
	nl_socket_close(&nl);
	p->underlay->engine->wg_mtu = p->budget.wg_mtu;
	return set_interfaces(p, conf);
}

void pmtu_policy_follow(struct pmtu_policy *p, const struct conf_site *conf)
{
	bool can = peer_paths_can_follow(conf);
	bool all = !can ||
		   can != p->following; /* otherwise only new peers; the others keep their paths */

	peer_paths_look_up(p->underlay, conf, p->budget.wg_mtu, all);
	p->following = can;
}

bool pmtu_policy_settle(struct pmtu_policy *p, const struct conf_site *conf)
{
	struct mtu_budget *b = &p->budget;
	uint16_t family = b->outer_family;
	unsigned wg_mtu = peer_paths_smallest(p->underlay, b->wg_mtu, &family);

	p->events &= ~ENGINE_MTU_CHANGED;
	if (wg_mtu == b->wg_mtu)
		return false;
	b->outer_family = family;
	b->outer_mtu = wg_underlay_of(wg_mtu, family);
	b->wg_mtu = wg_mtu;
	log_info("the underlay carries packets of %u bytes now, wg MTU %u", b->outer_mtu, wg_mtu);
	return set_interfaces(p, conf) == 0;
}

static void on_events(void *ctx, uint32_t events)
{
	struct pmtu_policy *p = ctx;
	struct changes d;

	(void)events;
	sticky_source_follow(p->underlay, &p->monitor, 0, &d);
	if (!changes_is_empty(&d))
		dns_endpoint_routes_changed(p->underlay);
	if (link_mtus_update(&p->links, &d) && !mono_is_set(p->links_due))
		p->links_due = mono_add(clock_mono(), LINKS_NS);
	p->routes_changed |= peer_paths_concerned(p->underlay, &d);
}

int pmtu_policy_listen(struct pmtu_policy *p, struct loop *loop)
{
	int err = monitor_open(&p->monitor, MONITOR_ALL);

	if (err < 0)
		return err;
	return loop_watch_input(loop, &p->monitor_watch, monitor_fd(&p->monitor), on_events, p);
}

/* Log once for each peer that its path loses long trains, and once that it no longer does. A peer
 * can cause that at will, so the messages are rate-limited. */
static void report_trains(struct pmtu_policy *p)
{
	struct engine *e = p->underlay->engine;
	char to[ENDPOINT_TEXT_LEN];

	p->events &= ~ENGINE_TRAINS_CHANGED;
	LIST_FOR_EACH(l, &e->wg.peers)
	{
		struct path_peer *peer = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));
		bool limited = peer->train_max < TRAINS_ANY;

		if (limited == peer->trains_reported)
			continue;
		if (limited && peer->pmtud.state == PMTUD_TRAINS) {
			/* the number that passes is not known yet */
			p->events |= ENGINE_TRAINS_CHANGED;
			continue;
		}
		peer->trains_reported = limited;
		if (!bucket_take(&p->reports, clock_mono(), REPORT_NS, REPORT_BURST))
			continue;
		endpoint_text(&peer->wg.endpoint, to);
		if (!limited)
			log_info("the path to %s carries trains of any length again", to);
		else
			log_warning(
				"The path to %s loses trains of datagrams although single ones "
				"pass: at most %u are sent there at once from now on, at the cost "
				"of speed. Does a router, card or hypervisor on the path segment "
				"UDP wrongly, or limit the rate with a small burst? If `ethtool -K "
				"DEVICE tx-udp-segmentation off` here helps, it is the "
				"segmentation.",
				to, peer->train_max);
	}
}

struct mono pmtu_policy_deadline(const struct pmtu_policy *p)
{
	unsigned events = p->events | p->underlay->engine->events;
	struct mono due =
		events & ENGINE_PATH_UNKNOWN ? mono_add(clock_mono(), LOOK_UP_NS) : MONO_NEVER;

	return mono_earliest(due, p->links_due);
}

bool pmtu_policy_work(struct pmtu_policy *p, const struct conf_site *conf, unsigned events)
{
	p->events |= events;
	if (mono_is_set(p->links_due) && mono_reached(p->links_due, clock_mono())) {
		p->links_due = MONO_NEVER;
		p->routes_changed = true;
	}
	if (p->routes_changed || events & ENGINE_TOO_BIG)
		peer_paths_refresh(p->underlay);
	p->routes_changed = false;
	if (p->events & ENGINE_PATH_UNKNOWN &&
		bucket_take(&p->look_ups, clock_mono(), LOOK_UP_NS, LOOK_UP_BURST)) {
		p->events &= ~ENGINE_PATH_UNKNOWN;
		peer_paths_look_up(p->underlay, conf, p->budget.wg_mtu, false);
		p->underlay->work(p->underlay->ctx);
	}
	if (p->events & ENGINE_TRAINS_CHANGED)
		report_trains(p);
	return p->events & ENGINE_MTU_CHANGED && pmtu_policy_settle(p, conf);
}

void pmtu_policy_close(struct pmtu_policy *p)
{
	monitor_close(&p->monitor);
	free(p->sessions);
	p->sessions = NULL;
}
