/* SPDX-License-Identifier: MIT */
/* The MTUs of a running site: computed from the routing, followed along the paths to the peers. */
#include "daemon/mtus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "underlay/dns_endpoint.h"
#include "underlay/peer_paths.h"
#include "underlay/sticky_source.h"
#include "wg/overhead.h"

/* wg0 may not fall below this, or the kernel takes its IPv6 addresses away; the engine answers for
 * the rest. */
#define WG_INTERFACE_MTU_MIN 1280

/* Peers that have moved are looked up at once, unless they do nothing else: a look-up asks the
 * kernel, sends a large probe to where the peer seems to be, and may change MTUs, all for one small
 * datagram. */
#define LOOK_UP_NS    (NS_PER_S / 4)
#define LOOK_UP_BURST 8

/* Reports of trains that are lost: as many at once as a site has peers behind one bad router. */
#define REPORT_NS    (60 * NS_PER_S)
#define REPORT_BURST 16

/* MTUs of all interfaces, as the budget has them. Return: 0, or -ENOMEM and `m` is unchanged. */
static int of_interfaces(struct mtus *m, const struct conf_site *conf, struct host_mtus *ret)
{
	size_t n = 0;
	uint32_t *mtus;

	for (size_t i = 0; i < conf->n_tunnels; i++)
		n += conf->tunnels[i].n_sessions;
	mtus = calloc(n + 1, sizeof(*mtus));
	if (!mtus)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < conf->n_tunnels; i++)
		for (size_t k = 0; k < conf->tunnels[i].n_sessions; k++)
			mtus[n++] = mtu_budget_session_mtu(&conf->tunnels[i].sessions[k]);
	free(m->sessions);
	m->sessions = mtus;
	*ret = (struct host_mtus){ .wg = m->budget.wg_mtu, .sessions = mtus };
	if (!conf->interface.mtu && ret->wg < WG_INTERFACE_MTU_MIN)
		ret->wg = WG_INTERFACE_MTU_MIN;
	return 0;
}

int mtus_compute(
	struct mtus *m, const struct conf_site *conf, uint32_t fwmark, struct host_mtus *ret)
{
	struct nl_socket nl = { 0 };

	mtu_budget_compute(conf, nl_socket_open(&nl) < 0 ? NULL : &nl, fwmark, &m->budget);
	nl_socket_close(&nl);
	m->driver->engine.wg_mtu = m->budget.wg_mtu;
	return of_interfaces(m, conf, ret);
}

void mtus_follow(struct mtus *m, const struct conf_site *conf)
{
	bool can = peer_paths_can_follow(conf);
	bool all = !can ||
		   can != m->following; /* else only new peers: what is known of the others stays */

	(void)driver_set_df(m->driver, can ? UDP_DF_SET : UDP_DF_CLEAR);
	peer_paths_look_up(m->underlay, conf, m->budget.wg_mtu, all);
	m->following = can;
}

int mtus_settle(
	struct mtus *m, const struct conf_site *conf, struct host *host, struct error *ret_error)
{
	struct mtu_budget *b = &m->budget;
	uint16_t family = b->outer_family;
	unsigned wg_mtu = peer_paths_smallest(m->underlay, b->wg_mtu, &family);
	struct host_mtus mtus;

	m->driver->engine.mtu_changed = false;
	if (wg_mtu == b->wg_mtu)
		return 0;
	b->outer_family = family;
	b->outer_mtu = wg_underlay_of(wg_mtu, family);
	b->wg_mtu = wg_mtu;
	log_info("the underlay carries packets of %u bytes now, wg MTU %u", b->outer_mtu, wg_mtu);
	return of_interfaces(m, conf, &mtus) < 0 ? 0 : host_set_mtus(host, &mtus, ret_error);
}

static void on_news(void *ctx, uint32_t events)
{
	struct mtus *m = ctx;
	struct changes d;

	(void)events;
	sticky_source_follow(m->underlay, &m->monitor, 0, &d);
	if (!changes_is_empty(&d))
		dns_endpoint_routes_changed(m->underlay);
	m->routes_changed |= peer_paths_concerned(m->underlay, &d);
}

int mtus_listen(struct mtus *m, struct loop *loop)
{
	int err = monitor_open(&m->monitor, MONITOR_ALL);

	if (err < 0)
		return err;
	m->monitor_watch =
		(struct loop_watch){ .fd = monitor_fd(&m->monitor), .callback = on_news, .ctx = m };
	return loop_add(loop, &m->monitor_watch, EPOLLIN);
}

/* Log once for each peer that its path loses long trains, and once that it no longer does. A peer
 * can make that happen as often as it likes, so there is a limit. */
static void report_trains(struct mtus *m)
{
	struct driver *driver = m->driver;
	char to[ENDPOINT_TEXT_LEN];

	driver->engine.trains_changed = false;
	LIST_FOR_EACH(l, &driver->peers)
	{
		struct driver_peer *p = CONTAINER_OF(l, struct driver_peer, link);
		bool limited = p->path.train_max < TRAINS_ANY;

		if (limited == p->trains_reported)
			continue;
		if (limited && p->path.pmtud.state == PMTUD_TRAINS) {
			driver->engine.trains_changed = true; /* how many pass is not known yet */
			continue;
		}
		p->trains_reported = limited;
		if (!bucket_take(&m->reports, clock_mono(), REPORT_NS, REPORT_BURST))
			continue;
		endpoint_text(&p->path.wg.endpoint, to);
		if (!limited)
			log_info("the path to %s carries trains of any length again", to);
		else
			log_warning(
				"The path to %s loses trains of datagrams although single ones "
				"pass: at most %u are sent there at once from now on, at the cost "
				"of speed. Does a router, card or hypervisor on the way segment "
				"UDP wrongly, or limit the rate with a small burst? If `ethtool -K "
				"DEVICE tx-udp-segmentation off` here helps, it is the "
				"segmentation.",
				to, p->path.train_max);
	}
}

struct mono mtus_deadline(const struct mtus *m)
{
	return m->driver->engine.path_unknown ? mono_add(clock_mono(), LOOK_UP_NS) : MONO_NEVER;
}

int mtus_work(
	struct mtus *m, const struct conf_site *conf, struct host *host, struct error *ret_error)
{
	struct driver *driver = m->driver;

	if (driver->udp.last_error == EMSGSIZE)
		m->routes_changed = true;
	driver->udp.last_error = 0;
	if (m->routes_changed)
		peer_paths_refresh(m->underlay);
	m->routes_changed = false;
	if (driver->engine.path_unknown &&
		bucket_take(&m->look_ups, clock_mono(), LOOK_UP_NS, LOOK_UP_BURST)) {
		peer_paths_look_up(m->underlay, conf, m->budget.wg_mtu, false);
		driver_work(driver);
	}
	if (driver->engine.trains_changed)
		report_trains(m);
	return driver->engine.mtu_changed ? mtus_settle(m, conf, host, ret_error) : 0;
}

void mtus_close(struct mtus *m)
{
	monitor_close(&m->monitor);
	free(m->sessions);
	m->sessions = NULL;
}
