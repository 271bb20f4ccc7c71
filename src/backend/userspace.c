/* SPDX-License-Identifier: MIT */
/* The userspace back end: joins the engine's driver and its underlay (routing and DNS). */
#include "backend/userspace.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "driver/listen.h"
#include "driver/peers.h"
#include "driver/ports.h"
#include "driver/report.h"
#include "netlink/ifindex.h"
#include "netlink/query.h"
#include "underlay/dns_endpoint.h"
#include "underlay/selfroute.h"
#include "underlay/sticky_source.h"
#include "wg/overhead.h"

/* ---- calls from the driver to the underlay ---- */

static void sockets_changed(void *ctx)
{
	struct userspace *u = ctx;

	sticky_source_open(&u->underlay);
	sticky_source_invalidate(&u->underlay);
}

static void check_trains(void *ctx, struct train_queue *q)
{
	struct userspace *u = ctx;

	sticky_source_check(&u->underlay, q);
}

static void found_own(void *ctx, const struct path_port *port, const struct own_datagram *own)
{
	struct userspace *u = ctx;

	sticky_source_found_own(&u->underlay, port, own);
}

static int set_name(void *ctx, struct path_peer *peer, const char *host, uint16_t port, bool moves)
{
	struct userspace *u = ctx;

	return dns_endpoint_set(&u->underlay, peer, host, port, moves);
}

static void forget_name(void *ctx, struct path_peer *peer)
{
	dns_endpoint_forget(peer);
}

static void ask_for_names(void *ctx)
{
	struct userspace *u = ctx;

	dns_endpoint_run_all(&u->underlay);
}

/* ---- calls from the underlay to the driver ---- */

static void do_work(void *ctx)
{
	struct userspace *u = ctx;

	driver_work(u->driver);
}

/* ---- open and close both ---- */

/* A UDP datagram carries packets of 65535 bytes at most. */
const struct driver_sizes userspace_drop_in_sizes = {
	.peers = 64, .allowed_ips = 256, .packet_max = 65535
};

int userspace_open(struct loop *loop, const struct driver_sizes *sizes, struct userspace *ret,
	struct error *ret_error)
{
	const struct driver_underlay calls = {
		.sockets_changed = sockets_changed,
		.check_trains = check_trains,
		.found_own = found_own,
		.set_name = set_name,
		.forget_name = forget_name,
		.work = ask_for_names,
		.ctx = ret,
	};
	struct driver_options options;
	struct driver *d;
	int err = driver_options_from(getenv("WIRESPAN_OPTIONS"), &options);

	if (err < 0)
		return error_set(ret_error, err,
			"Cannot read WIRESPAN_OPTIONS:\nSee wirespan(8), ENVIRONMENT.");
	err = driver_open(loop, &options, sizes, &calls, &d);
	if (err < 0 && options.aead)
		return error_set(ret_error, err,
			"Cannot start the engine with aead=%s in WIRESPAN_OPTIONS:\n"
			"Leave it out: the fastest AEAD provider that works is chosen then.",
			options.aead);
	if (err < 0)
		return error_set(ret_error, err, "Cannot start the engine:\nIs there memory?");
	*ret = (struct userspace){
		.driver = d,
		.underlay = {
			.engine = &d->engine,
			.loop = loop,
			.udp = &d->udp,
			.fwmark = &d->fwmark,
			.tun_name = d->tun.tap.name,
			.tun_ifindex = &d->tun_ifindex,
			.work = do_work,
			.ctx = ret,
		},
	};
	return 0;
}

void userspace_close(struct userspace *u)
{
	if (!u->driver)
		return;
	driver_close(u->driver);
	dns_endpoint_close_all(&u->underlay);
	sticky_source_close(&u->underlay);
	*u = (struct userspace){ 0 };
}

/* ---- the TUN ---- */

int userspace_open_tun(struct userspace *u, const char *name, int fd)
{
	return fd < 0 ? ports_open_tun(u->driver, name) : ports_adopt_tun(u->driver, fd);
}

int userspace_drop_in_tun_error(int fd, int err, struct error *ret_error)
{
	const char *hint = error_limit_hint(err);

	return error_set(ret_error, err, "%s: %s.\n%s",
		fd < 0 ? "Cannot create the TUN interface (is /dev/net/tun there, and the name "
			 "free?)"
		       : "WG_TUN_FD is not a TUN that we can use",
		strerror(-err), hint ? hint : "");
}

const char *userspace_tun_name(const struct userspace *u)
{
	return u->driver->tun.tap.name;
}

int userspace_query_tap(const struct tap *tun, struct link_info *ret)
{
	struct monitor there;
	char name[IFNAMSIZ];
	int err = monitor_open_tun(&there, tun->fd, MONITOR_LINKS);

	if (err < 0)
		return err;
	err = tap_name(tun, name);
	if (!err)
		err = query_link(&there.questions, name, ret);
	monitor_close(&there);
	return err;
}

int userspace_query_tun(const struct userspace *u, struct link_info *ret)
{
	return userspace_query_tap(&u->driver->tun.tap, ret);
}

void userspace_tun_moved(struct userspace *u)
{
	u->driver->tun_ifindex = 0;
}

bool userspace_set_mtu(struct userspace *u, unsigned mtu)
{
	bool changed = mtu != u->driver->engine.wg_mtu;

	u->driver->engine.wg_mtu = mtu;
	LIST_FOR_EACH(l, &u->driver->peers)
	CONTAINER_OF(l, struct driver_peer, link)->path.mtu = mtu;
	return changed;
}

bool userspace_set_up(struct userspace *u, bool up)
{
	if (up == u->driver->wanted)
		return false;
	if (up)
		listen_up(u->driver);
	else
		listen_down(u->driver);
	return true;
}

uint16_t userspace_open_port(const struct userspace *u)
{
	return u->driver->running ? u->driver->udp.port : 0;
}

/* ---- events ---- */

void userspace_read_monitor(
	struct userspace *u, struct monitor *m, uint32_t ifindex, struct changes *ret)
{
	sticky_source_follow(&u->underlay, m, ifindex, ret);
}

struct mono userspace_deadline(const struct userspace *u)
{
	return mono_earliest(driver_deadline(u->driver), listen_deadline(u->driver));
}

unsigned userspace_work(struct userspace *u)
{
	struct driver *d = u->driver;

	if (mono_reached(driver_deadline(d), clock_mono()))
		driver_work(d);
	listen_work(d);
	driver_tidy(d);
	return engine_take_events(&d->engine);
}

/* ---- the peers, for the daemon to follow them ---- */

/* Return: the MTU of the path to a peer, or 0 while probes look for it or are not answered. */
static uint32_t known_mtu(const struct path_peer *p)
{
	if (!p->following)
		return wg_underlay_of(p->mtu, p->wg.endpoint.addr.family);
	return p->pmtud.state == PMTUD_COMPLETE || p->pmtud.state == PMTUD_TRAINS ? p->pmtud.current
										  : 0;
}

int userspace_peers(const struct userspace *u, struct backend_peer **ret, size_t *ret_n)
{
	struct mono now = clock_mono();
	struct backend_peer *v = calloc(u->driver->engine.wg.peer_count + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	LIST_FOR_EACH(l, &u->driver->peers)
	{
		const struct path_peer *p = &CONTAINER_OF(l, struct driver_peer, link)->path;

		memcpy(v[n].public_key, p->wg.remote.public_key, KEY_LEN);
		v[n].endpoint = p->wg.endpoint;
		v[n].handshake_age_ms = p->wg.last_handshake.sec
						? mono_between(p->wg.handshake_at, now) / NS_PER_MS
						: BACKEND_PEER_NEVER;
		v[n].rx_bytes = p->wg.rx_bytes;
		v[n].tx_bytes = p->wg.tx_bytes;
		v[n++].mtu = known_mtu(p);
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* ---- status report ---- */

static struct status_route route_of(struct underlay *u, const struct endpoint *e)
{
	struct sticky_source_view view = sticky_source_view(u, e);
	struct status_route r = { .leads = selfroute_status(view.leads) };

	if (view.leads == LEADS_OUT && !view.other)
		return r;
	if (view.route != view.other) /* otherwise it is another of several next hops */
		ifindex_name(view.route, r.interface);
	ifindex_name(view.other, r.sent_by);
	return r;
}

/* Whether the underlay's MTU is known: from the route, or from a peer whose probes confirm it. */
static bool is_measured(const struct driver *d, const struct mtu_budget *budget)
{
	if (budget->outer_measured)
		return true;
	LIST_FOR_EACH(l, &d->engine.control.followed)
	{
		const struct path_peer *p = CONTAINER_OF(l, struct path_peer, follow);

		if (p->mtu == budget->wg_mtu && p->pmtud.state == PMTUD_COMPLETE)
			return true;
	}
	return false;
}

/* Add a peer, with the name of its endpoint and the route to it. */
static int report_peer(struct userspace *u, const struct driver_peer *p, struct status_report *r)
{
	struct status_peer *s;

	if (report_engine_peer(u->driver, p, r) < 0)
		return -ENOMEM;
	s = &r->peers[r->peers_len - 1];
	s->route = route_of(&u->underlay, &s->endpoint);
	return dns_endpoint_report(&u->underlay, &p->path, s->endpoint_name, r);
}

int userspace_report_peers(
	struct userspace *u, const uint8_t *after, size_t max, struct status_report *r)
{
	struct list *head = &u->driver->peers;
	struct list *l = head->next;

	if (after) {
		const struct driver_peer *p = peers_find(u->driver, after);

		if (!p)
			return -ENOENT;
		l = p->link.next;
	}
	for (; l != head && max; l = l->next, max--)
		if (report_peer(u, CONTAINER_OF(l, struct driver_peer, link), r) < 0)
			return -ENOMEM;
	return 0;
}

/* Return: the MTU ladder of the session, with the MTU of the path to its peer. */
static struct mtu_ladder report_session_mtus(const struct userspace *u, const struct conf_tunnel *t,
	const struct conf_session *c, const struct mtu_budget *budget, struct status_session *s)
{
	struct wg_peer *found = wg_allowedips_lookup(&u->driver->engine.wg.allowed, &t->remote);
	struct mtu_budget own = *budget; /* with the MTU of the path to this session's peer */
	struct mtu_ladder ladder = { 0 };
	unsigned mss = l2tp_options_mss(&c->options);

	if (found)
		own.wg_mtu = path_peer_of(found)->mtu;
	(void)mtu_budget_ladder(&own, t, c, &ladder);
	s->mtu = mtu_budget_session_mtu(c);
	s->budget = ladder.session;
	s->mss4 = (uint16_t)(mss ? mss : ladder.mss4);
	s->mss6 = (uint16_t)(mss ? mss : ladder.mss6);
	return ladder;
}

/* In the order in which report_engine() listed the sessions. */
static void report_mtus(const struct userspace *u, const struct conf_site *conf,
	const struct mtu_budget *budget, struct status_report *r)
{
	struct status_session *s = r->sessions;

	r->wg.mtu = budget->wg_mtu;
	r->budget = (struct status_budget){
		.outer_mtu = budget->outer_mtu,
		.outer_ipv6 = budget->outer_family == AF_INET6,
		.outer_measured = is_measured(u->driver, budget),
		.wg_mtu = budget->wg_mtu,
	};
	for (size_t i = 0; i < conf->n_tunnels; i++)
		for (size_t k = 0; k < conf->tunnels[i].n_sessions; k++, s++) {
			struct mtu_ladder ladder = report_session_mtus(
				u, &conf->tunnels[i], &conf->tunnels[i].sessions[k], budget, s);

			if (r->budget.inner_ip && s->budget >= r->budget.inner_ip)
				continue;
			r->budget.inner_ip = s->budget;
			r->budget.mss4 = (uint16_t)ladder.mss4;
			r->budget.mss6 = (uint16_t)ladder.mss6;
		}
}

int userspace_report(struct userspace *u, const struct conf_site *conf,
	const struct mtu_budget *budget, struct status_report *r)
{
	int err = report_engine(u->driver, conf, r);

	if (err < 0)
		return err;
	report_mtus(u, conf, budget, r);
	return 0;
}
