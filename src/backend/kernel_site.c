/* SPDX-License-Identifier: MIT */
/* The kernel's own WireGuard and L2TP as the back end of a site.
 *
 * Theory of operation. The interfaces are kernel objects: packets flow without this process, also
 * when it is killed. It journals each object before it is made, so that `down` finds it, and
 * applies configurations as differences, so that a site that is resumed or reloaded loses no
 * packet. It is needed for what the kernel does not do: it resolves host names, follows the MTUs of
 * routes, makes interfaces again that were deleted, and reports. The private key is in the
 * WireGuard interface alone: if that was deleted, the daemon reads the file again.
 */
#include "backend/kernel_site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/kernel_clock.h"
#include "backend/kernel_mtus.h"
#include "backend/kernel_names.h"
#include "backend/kernel_netlink.h"
#include "backend/kernel_peers.h"
#include "backend/kernel_probe.h"
#include "backend/kernel_refuse.h"
#include "backend/kernel_report.h"
#include "backend/kernel_sessions.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/keytext.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/kernel_undo.h"
#include "host/netdev.h"
#include "netlink/event.h"
#include "netlink/l2tp_nl.h"
#include "netlink/query.h"

/* From an event to the look at what it has changed, so that a burst causes one. */
#define SETTLE (200 * NS_PER_MS)

/* Peers roam without an event: how often their endpoints are queried. */
#define LOOK_AGAIN (30 * NS_PER_S)

/** A site that kernel objects carry. */
struct kernel_site {
	struct backend_site site;
	struct conf_site *conf; /* borrowed */
	struct conf_site *next; /* between apply() and sweep() or revert(), else NULL */
	struct loop *loop;
	struct host *host;
	struct netdev *netdev; /* of `host` */
	struct kernel_netlink k;
	struct kernel_clock clock;
	struct kernel_mtus mtus;
	struct kernel_names names;
	struct wgnl_device before; /* the peers before apply() */
	struct kernel_peers_seen seen;
	struct nl_socket events;
	struct loop_watch events_watch;
	bool following;	 /* `events_watch` is in the loop */
	bool changed;	 /* an event was read */
	bool vanished;	 /* some link: look whether it was the WireGuard interface */
	bool moved;	 /* that is in another network namespace */
	bool port_taken; /* the file's port could not be opened: it is tried again */
	uint32_t fwmark; /* in use */
	uint8_t public_key[KEY_LEN];
	struct mono look; /* when to look at links, routes and peers */
};

static struct kernel_site *kernel_of(struct backend_site *s)
{
	return CONTAINER_OF(s, struct kernel_site, site);
}

static int probe(const struct conf_site *conf, struct error *ret_error)
{
	int err = kernel_refuse(conf, ret_error);

	return err ? err : kernel_probe(conf, ret_error);
}

/* Wipe the keys of a configuration. */
static void forget_keys(struct conf_site *conf)
{
	secret_wipe(conf->interface.private_key, KEY_LEN);
	for (size_t i = 0; i < conf->n_peers; i++)
		secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
}

static void note_time(struct kernel_site *k)
{
	kernel_clock_note(&k->clock, clock_mono(), clock_wall());
}

/* ---- open and close ---- */

static void close_site(struct backend_site *s)
{
	struct kernel_site *k = kernel_of(s);

	host_make_sessions_by(k->host, NULL, NULL);
	if (k->following)
		loop_remove(k->loop, &k->events_watch);
	nl_socket_close(&k->events);
	kernel_names_close(&k->names);
	kernel_mtus_fini(&k->mtus);
	wgnl_device_fini(&k->before);
	free(k->seen.v);
	kernel_netlink_close(&k->k);
	free(k);
}

/* Make the WireGuard interface, unless it was resumed. Return: 0 or -errno, the netdev's error
 * filled. */
static int make_interface(struct netdev *m, const char *name)
{
	struct journal_entry e = { .kind = JOURNAL_WIREGUARD };
	struct link_info link;
	struct nl_msg msg;
	size_t noted;
	int err = 0;

	if (query_link(&m->nl, name, &link) == 0 && kernel_undo_is_wireguard(m, &link))
		return link.group == NETDEV_GROUP_NEW ? netdev_claim(m, &link) : 0;
	snprintf(e.name, sizeof(e.name), "%s", name);
	noted = journal_find(&m->journal, &e);
	if (noted == SIZE_MAX)
		err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_change(m, link_encode_wireguard(&msg, name, NETDEV_GROUP_NEW),
			"ip link add %s type wireguard", name);
	if (err == -EEXIST && noted == SIZE_MAX) /* another program's: not ours to delete */
		journal_remove(&m->journal, m->journal.n - 1);
	if (err == 0)
		err = netdev_find(m, name, &link);
	return err ? err : netdev_claim(m, &link);
}

static int no_memory(struct error *ret_error)
{
	return error_set(ret_error, -ENOMEM,
		"There is no memory for the site:\nFree some memory, and try again.");
}

/* Compute the MTUs for a configuration and the present peers. Return: 0, 1 if they differ from
 * before, or -errno with `ret_error` filled. */
static int compute_mtus(
	struct kernel_site *k, const struct conf_site *conf, struct error *ret_error)
{
	struct wgnl_device device;
	int err = kernel_peers_query(&k->k, conf->interface.name, &device, ret_error);

	if (err < 0)
		return err;
	memcpy(k->public_key, device.public_key, KEY_LEN);
	err = kernel_mtus_compute(&k->mtus, conf, &device, &k->netdev->nl);
	wgnl_device_fini(&device);
	return err < 0 ? no_memory(ret_error) : err;
}

/* For host_up() and host_reload(): the WireGuard interface has its addresses and routes. */
static int make_sessions(void *ctx, const struct conf_site *conf, struct error *ret_error)
{
	struct kernel_site *k = ctx;
	int err = kernel_sessions_make(&k->k, k->netdev, conf, ret_error);

	if (err == 0)
		kernel_mtus_clamp(&k->mtus, k->netdev, conf);
	return err;
}

/* Apply keys and peers, and begin to follow the names. */
static int open_peers(struct kernel_site *k, struct error *ret_error)
{
	bool resumed = host_is_resumed(k->host);
	const struct kernel_peers_step step = {
		/* a resumed site has its mark already, perhaps one that host/ has chosen */
		.what = resumed ? KERNEL_PEERS_ALL & ~KERNEL_PEERS_SOCKET : KERNEL_PEERS_ALL,
		.conf = k->conf,
		.fwmark = k->conf->interface.fwmark
	};
	struct wgnl_device device;
	int err = kernel_peers_query(&k->k, k->conf->interface.name, &device, ret_error);

	if (err < 0)
		return err;
	err = kernel_peers_apply(&k->k, k->netdev, &step, ret_error);
	if (err == 0)
		err = kernel_names_set(
			&k->names, k->loop, k->conf, resumed ? &device : NULL, ret_error);
	wgnl_device_fini(&device);
	return err;
}

static int open_objects(struct kernel_site *k, struct error *ret_error)
{
	int err = kernel_netlink_open(&k->k, k->conf->n_tunnels, ret_error);

	if (err < 0)
		return err;
	err = make_interface(k->netdev, k->conf->interface.name);
	if (err < 0)
		*ret_error = k->netdev->error;
	if (err == 0)
		err = open_peers(k, ret_error);
	forget_keys(k->conf);
	if (err == 0)
		err = compute_mtus(k, k->conf, ret_error);
	host_make_sessions_by(k->host, make_sessions, k);
	return err < 0 ? err : 0;
}

static int open_site(struct loop *loop, struct host *host, struct conf_site *conf,
	struct backend_site **ret, struct error *ret_error)
{
	struct kernel_site *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return no_memory(ret_error);
	k->site.backend = &backend_kernel;
	k->conf = conf;
	k->loop = loop;
	k->host = host;
	k->netdev = host_netdev(host);
	k->names.clock = &k->clock;
	note_time(k);
	err = open_objects(k, ret_error);
	if (err < 0) {
		close_site(&k->site);
		return err;
	}
	*ret = &k->site;
	return 0;
}

static struct kernel_names_target names_target(struct kernel_site *k)
{
	return (struct kernel_names_target){ &k->k, k->conf->interface.name, &k->netdev->nl };
}

static void await_names(struct backend_site *s, struct mono until, int stop_fd)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_names_target target = names_target(k);

	kernel_names_await(&k->names, &target, until, stop_fd);
}

static struct host_mtus mtus(struct backend_site *s)
{
	const struct kernel_site *k = kernel_of(s);

	return (struct host_mtus){ .wg = k->mtus.wg, .sessions = k->mtus.sessions };
}

/* ---- start ---- */

/* Any event may change a route or its MTU, or concern an interface of ours. */
static int visit(void *ctx, const struct nlmsghdr *nlh)
{
	struct kernel_site *k = ctx;
	struct nl_event event;

	if (nl_event_decode(nlh, &event) < 0)
		return 0;
	k->changed = true;
	if (event.kind != NL_EVENT_LINK && event.kind != NL_EVENT_LINK_GONE)
		return 0;
	k->vanished |= event.kind == NL_EVENT_LINK_GONE;
	if (!strcmp(event.link.name, k->conf->interface.name))
		k->moved = event.link.moved; /* false, too, when it has come back */
	return 0;
}

static void on_events(void *ctx, uint32_t events)
{
	struct kernel_site *k = ctx;

	(void)events;
	while (nl_read_events(&k->events, visit, k) == -ENOBUFS)
		k->vanished = k->changed = true; /* events were lost */
	if (!k->changed)
		return;
	k->changed = false;
	kernel_names_routes_changed(&k->names);
	k->look =
		mono_earliest(k->look, k->vanished ? clock_mono() : mono_add(clock_mono(), SETTLE));
}

static int follow_events(struct kernel_site *k)
{
	int err = nl_socket_open_events(&k->events, nl_event_groups());

	if (err < 0)
		return err;
	k->following = loop_watch_input(k->loop, &k->events_watch, nl_socket_fd(&k->events),
			       on_events, k) == 0;
	return k->following ? 0 : -ENOMEM;
}

static int start(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_peers_step socket = {
		.what = KERNEL_PEERS_SOCKET, .conf = k->conf, .fwmark = fwmark
	};
	int err = kernel_peers_apply(&k->k, k->netdev, &socket, ret_error);

	if (err < 0)
		return err;
	k->fwmark = fwmark;
	err = follow_events(k);
	if (err < 0)
		return error_set(ret_error, err,
			"Cannot subscribe to the kernel's link and route events:\n"
			"Is there memory?");
	k->look = mono_add(clock_mono(), SETTLE); /* routes may have changed meanwhile */
	return 0;
}

/* ---- reload ---- */

/* Make the sessions of the present configuration again. */
static int restore_sessions(struct kernel_site *k, struct error *ret_error)
{
	int err = host_make_sessions(k->host, k->conf);

	if (err < 0)
		*ret_error = k->netdev->error;
	return err;
}

static void revert(struct backend_site *s)
{
	struct kernel_site *k = kernel_of(s);
	struct error e;

	if (kernel_peers_restore(&k->k, k->netdev, &k->before, &e) < 0 ||
		restore_sessions(k, &e) < 0 || compute_mtus(k, k->conf, &e) < 0)
		log_error("%s %s", e.problem, e.hint);
	kernel_mtus_clamp(&k->mtus, k->netdev, k->conf);
	wgnl_device_fini(&k->before);
	k->next = NULL;
}

static int apply(struct backend_site *s, struct conf_site *next, struct error *ret_error)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_peers_step new = {
		.what = KERNEL_PEERS_ADD | KERNEL_PEERS_CHANGE, .conf = next, .old = k->conf
	};
	int err = kernel_refuse(next, ret_error);

	if (err == 0 && next->n_tunnels)
		err = kernel_netlink_need_l2tp(&k->k, ret_error);
	if (err == 0)
		err = kernel_peers_query(&k->k, k->conf->interface.name, &k->before, ret_error);
	if (err < 0)
		return err;
	k->next = next;
	err = kernel_peers_apply(&k->k, k->netdev, &new, ret_error);
	if (err == 0)
		err = compute_mtus(k, next, ret_error);
	if (err >= 0)
		return 0;
	revert(s);
	return err;
}

/* Change to the port and mark of the configuration. Return: 0; or -errno with `ret_error` filled,
 * and it is tried again. */
static int change_port(struct kernel_site *k, struct error *ret_error)
{
	const struct kernel_peers_step socket = {
		.what = KERNEL_PEERS_SOCKET, .conf = k->conf, .fwmark = k->fwmark
	};
	struct error e;
	int err = kernel_peers_apply(&k->k, k->netdev, &socket, &e);

	k->port_taken = err == -EADDRINUSE;
	if (k->port_taken)
		return error_set(ret_error, err,
			"UDP port %u is in use by another program. Everything else is reloaded; "
			"still on the port of before, and trying again\n"
			"Find it with `ss -ulpn`, or set another ListenPort.",
			k->conf->interface.listen_port);
	if (err < 0)
		*ret_error = e;
	return err;
}

static int sweep(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_peers_step rest = { .what = KERNEL_PEERS_KEYS | KERNEL_PEERS_REMOVE,
		.conf = k->next };
	struct error of_names;
	int err = kernel_peers_apply(&k->k, k->netdev, &rest, ret_error);

	forget_keys(k->next);
	wgnl_device_fini(&k->before);
	k->conf = k->next;
	k->next = NULL;
	k->fwmark = fwmark;
	k->look = clock_mono();
	if (err == 0)
		err = change_port(k, ret_error);
	if (kernel_names_set(&k->names, k->loop, k->conf, NULL, &of_names) == 0)
		return err;
	if (err < 0)
		log_error("%s %s", of_names.problem, of_names.hint);
	else
		*ret_error = of_names;
	return err < 0 ? err : of_names.code;
}

/* ---- interfaces that others delete ---- */

/* Whether the kernel has a session of that interface's name, which then is in another namespace. */
static bool has_session(struct kernel_site *k, const char *name)
{
	struct l2tpnl_session_list list;
	bool has = false;

	if (l2tpnl_sessions(&k->k.nl, k->k.l2tp, &list) < 0)
		return false; /* the module was unloaded */
	for (size_t i = 0; i < list.n; i++)
		has |= !strcmp(list.v[i].session.ifname, name);
	l2tpnl_sessions_fini(&list);
	return has;
}

static bool is_deleted(struct backend_site *s, const char *name)
{
	struct kernel_site *k = kernel_of(s);

	on_events(k, 0);
	if (!strcmp(name, k->conf->interface.name))
		return !k->moved;
	return !has_session(k, name);
}

/* Make the WireGuard interface and its peers. L2TP's sockets go on, as soon as its addresses are
 * back. */
static int make_interface_again(struct kernel_site *k, struct error *ret_error)
{
	const struct kernel_peers_step all = {
		.what = KERNEL_PEERS_ALL, .conf = k->conf, .fwmark = k->fwmark, .seen = &k->seen
	};
	uint8_t before[KEY_LEN];
	char key[KEY_BASE64_LEN + 1];
	int err = make_interface(k->netdev, k->conf->interface.name);

	if (err < 0)
		*ret_error = k->netdev->error;
	else
		err = kernel_peers_apply(&k->k, k->netdev, &all, ret_error);
	forget_keys(k->conf);
	if (err < 0)
		return err;
	memcpy(before, k->public_key, KEY_LEN);
	err = compute_mtus(k, k->conf, ret_error);
	key_to_base64(k->public_key, key);
	if (memcmp(before, k->public_key, KEY_LEN) != 0)
		log_warning("%s has another key than before, as the file has: its peers must know "
			    "the public key %s",
			k->conf->interface.name, key);
	kernel_names_ask_again(&k->names);
	return err < 0 ? err : 0;
}

static int make_again(struct backend_site *s, const char *name, struct error *ret_error)
{
	struct kernel_site *k = kernel_of(s);
	bool is_wg = !strcmp(name, k->conf->interface.name);
	int err = kernel_netlink_renew(&k->k, !is_wg, ret_error);

	k->look = mono_earliest(k->look, mono_add(clock_mono(), SETTLE));
	if (err < 0)
		forget_keys(k->conf);
	else if (is_wg)
		err = make_interface_again(k, ret_error);
	else
		err = restore_sessions(k, ret_error);
	return err;
}

/* ---- work and report ---- */

/* Some link has vanished. Return: whether it was the WireGuard interface. */
static bool has_lost_interface(struct kernel_site *k)
{
	struct link_info link;

	return query_link(&k->netdev->nl, k->conf->interface.name, &link) == -ENODEV;
}

/* Try again to open the port that was taken. */
static void retry_port(struct kernel_site *k)
{
	struct error ignored;

	if (!k->port_taken || change_port(k, &ignored) == -EADDRINUSE)
		return;
	log_info("%s listens on port %u now", k->conf->interface.name,
		k->conf->interface.listen_port);
}

/* Query the peers: their names, and the MTUs of the routes to them. Return: a set of enum
 * backend_event. */
static unsigned look_at_peers(struct kernel_site *k)
{
	unsigned wg_mtu = k->mtus.budget.wg_mtu;
	struct wgnl_device device;
	struct error error;
	int err;

	if (has_lost_interface(k))
		return 0; /* the guard reports that */
	err = kernel_peers_query(&k->k, k->conf->interface.name, &device, &error);
	if (err < 0) {
		log_warning("%s %s", error.problem, error.hint);
		return 0;
	}
	memcpy(k->public_key, device.public_key, KEY_LEN);
	kernel_names_look(&k->names, &device, &k->netdev->nl);
	err = kernel_mtus_compute(&k->mtus, k->conf, &device, &k->netdev->nl);
	wgnl_device_fini(&device);
	if (wg_mtu != k->mtus.budget.wg_mtu) {
		log_info("the routes to the peers carry packets of %u bytes now, wg MTU %u",
			k->mtus.budget.outer_mtu, k->mtus.budget.wg_mtu);
		kernel_mtus_clamp(&k->mtus, k->netdev, k->conf);
	}
	return err > 0 ? BACKEND_MTUS_CHANGED : 0;
}

static struct mono deadline(struct backend_site *s)
{
	const struct kernel_site *k = kernel_of(s);

	return mono_earliest(k->look, kernel_names_deadline(&k->names));
}

static unsigned work(struct backend_site *s)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_names_target target = names_target(k);
	bool lost;

	note_time(k);
	if (kernel_names_work(&k->names, &target))
		k->look = clock_mono();
	if (!mono_reached(k->look, clock_mono()))
		return 0;
	k->look = mono_add(clock_mono(), LOOK_AGAIN);
	lost = k->vanished && has_lost_interface(k);
	k->vanished = false;
	if (lost)
		return BACKEND_INTERFACE_LOST;
	retry_port(k);
	kernel_mtus_keep_clamp(&k->mtus, k->netdev, k->conf);
	return look_at_peers(k);
}

/* Remember the peers, for when their interface is made again. */
static void remember(struct kernel_peers_seen *seen, const struct backend_peer *v, size_t n)
{
	struct backend_peer *copy = n ? reallocarray(seen->v, n, sizeof(*copy)) : NULL;

	if (!copy)
		return; /* those of before are better than none */
	memcpy(copy, v, n * sizeof(*copy));
	*seen = (struct kernel_peers_seen){ .v = copy, .n = n, .at = clock_mono() };
}

static int peers(struct backend_site *s, struct backend_peer **ret, size_t *ret_n)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_report_input in = {
		.k = &k->k, .conf = k->conf, .budget = &k->mtus.budget, .clock = &k->clock
	};
	int err;

	note_time(k);
	err = kernel_report_peers(&in, ret, ret_n);
	if (err == 0)
		remember(&k->seen, *ret, *ret_n);
	return err;
}

static int report(struct backend_site *s, struct status_report *r)
{
	struct kernel_site *k = kernel_of(s);
	const struct kernel_report_input in = {
		.k = &k->k,
		.conf = k->conf,
		.budget = &k->mtus.budget,
		.names = &k->names,
		.clock = &k->clock,
		.clamped = kernel_mtus_is_clamped(&k->mtus, k->conf),
		.pending_port = k->port_taken ? k->conf->interface.listen_port : 0,
	};

	note_time(k);
	return kernel_report(&in, r);
}

/* Names, the MTUs of routes, and peers for whose changes hooks run, are followed. */
static bool needs_process(const struct conf_site *conf)
{
	struct ip_addr ignored;

	if (conf->interface.peer_up.n || conf->interface.peer_down.n)
		return true;
	for (size_t i = 0; i < conf->n_peers; i++) {
		const char *host = conf->peers[i].endpoint_host;

		if (!conf->interface.mtu || (host && ip_addr_parse(host, &ignored) < 0))
			return true;
	}
	return false;
}

/** What a look at a site without a process needs: too large for the stack. */
struct look {
	struct kernel_site site;
	struct netdev netdev;
};

static int look_at(struct look *l, const struct conf_site *conf, struct status_report *r)
{
	struct kernel_site *k = &l->site;
	const struct kernel_report_input in = {
		.k = &k->k,
		.conf = conf,
		.budget = &k->mtus.budget,
		.names = &k->names,
		.clamped = kernel_mtus_is_clamped(&k->mtus, conf),
	};
	const struct wgnl_device none = { 0 };
	struct error error;
	int err = kernel_netlink_open(&k->k, conf->n_tunnels, &error);

	k->netdev = &l->netdev;
	if (err == 0)
		err = nl_socket_open(&l->netdev.nl);
	if (err == 0)
		err = compute_mtus(k, conf, &error);
	if (err == -ENODEV) /* the interface is gone: the MTUs are those without peers */
		err = kernel_mtus_compute(&k->mtus, conf, &none, &l->netdev.nl);
	err = err < 0 ? status_add_warning(
				r, "The kernel's tunnels cannot be queried: %s", strerror(-err))
		      : kernel_report(&in, r);
	kernel_mtus_fini(&k->mtus);
	nl_socket_close(&l->netdev.nl);
	kernel_netlink_close(&k->k);
	return err;
}

static int observe(const struct conf_site *conf, struct status_report *r)
{
	struct look *l = calloc(1, sizeof(*l));
	int err = l ? look_at(l, conf, r) : -ENOMEM;

	free(l);
	return err;
}

/* All is in the kernel, in the journal and in the file with the keys. */
static int save(struct backend_site *s, struct saved_state *state, struct error *ret_error)
{
	return 0;
}

static int adopt(struct loop *loop, struct host *host, struct conf_site *conf,
	const struct saved_state *saved, struct backend_site **ret, struct error *ret_error)
{
	return host ? open_site(loop, host, conf, ret, ret_error) : probe(conf, ret_error);
}

const struct backend backend_kernel = {
	.name = "kernel",
	.resumes = true,
	.forgets_keys = true,
	.needs_process = needs_process,
	.observe = observe,
	.probe = probe,
	.open = open_site,
	.save = save,
	.adopt = adopt,
	.await_names = await_names,
	.mtus = mtus,
	.start = start,
	.apply = apply,
	.revert = revert,
	.sweep = sweep,
	.deadline = deadline,
	.work = work,
	.peers = peers,
	.is_deleted = is_deleted,
	.make_again = make_again,
	.report = report,
	.close = close_site,
};
