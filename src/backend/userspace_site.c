/* SPDX-License-Identifier: MIT */
/* The userspace engine as the back end of a site. */
#include "backend/userspace_site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backend/userspace.h"
#include "backend/wgsock.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "driver/apply.h"
#include "driver/driver_capture.h"
#include "driver/listen.h"
#include "driver/ports.h"
#include "driver/snapshot.h"
#include "driver/sockets.h"
#include "driver/uapi.h"
#include "path/handover.h"
#include "pkt/dropclock.h"
#include "underlay/dns_endpoint.h"
#include "underlay/peer_paths.h"
#include "underlay/pmtu_policy.h"
#include "wg/successor.h"

#define TUN "/dev/net/tun"

/** A site on the userspace engine. */
struct userspace_site {
	struct backend_site site;
	struct conf_site *conf; /* borrowed */
	struct conf_site *next; /* between apply() and sweep() or revert(), else NULL */
	struct loop *loop;
	struct userspace userspace;
	struct driver *driver; /* that of `userspace` */
	struct pmtu_policy mtus;
	struct wgsock wgsock;
	struct drop_clock drop_clock;
	bool adopted;	 /* its descriptors were opened by another process, which serves wg(8) */
	bool drop_in;	 /* an interface of wirespan-wg: no MTU or path is followed */
	uint32_t fwmark; /* requested last */
	unsigned events; /* for the next work() */
};

static struct userspace_site *userspace_of(struct backend_site *s)
{
	return CONTAINER_OF(s, struct userspace_site, site);
}

/* Whether the open file is the kernel's device (Documentation/admin-guide/devices.txt). */
static bool is_tun_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 200);
}

int userspace_site_probe(const struct conf_site *conf, struct error *ret_error)
{
	int fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_device = fd >= 0 && is_tun_device(fd);

	if (fd >= 0)
		close(fd);
	if (is_device)
		return 0;
	if (fd >= 0 || errno == EISDIR)
		return error_set(ret_error, -ENODEV,
			TUN " is not the device of the kernel\n"
			    "Remove it, and make the device: mknod -m 666 " TUN
			    " c 10 200; in a container, pass the device on.");
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return error_set(ret_error, -errno,
			"The userspace engine needs " TUN ", which this host does not have\n"
			"Load the module (modprobe tun); in a container, pass the device on.");
	return error_set(ret_error, -errno,
		"Cannot open " TUN ":\nRun it as root; in a container, pass the device on.");
}

/* ---- open and close ---- */

static void close_site(struct backend_site *s)
{
	struct userspace_site *u = userspace_of(s);

	wgsock_close(&u->wgsock);
	userspace_close(&u->userspace);
	pmtu_policy_close(&u->mtus);
	free(u);
}

/* Compute the MTUs for a configuration. Return: 0, or -ENOMEM with `ret_error` filled. */
static int compute_mtus(
	struct userspace_site *u, const struct conf_site *conf, struct error *ret_error)
{
	int err = pmtu_policy_compute(&u->mtus, conf, u->fwmark);

	return err < 0 ? error_set(ret_error, err,
				 "Cannot compute the MTUs of the interfaces:\n"
				 "Free some memory, and try again.")
		       : 0;
}

int userspace_site_tun_error(int err, struct error *ret_error)
{
	return error_set(ret_error, err, "Cannot make the WireGuard interface:\n%s",
		err == -EPERM ? "Run it as root: it needs CAP_NET_ADMIN."
			      : "Is /dev/net/tun there, and the name in [Interface] free?");
}

/* Offer the descriptors that another process has opened. */
static int offer_all(struct userspace_site *u, const struct userspace_adopted *a)
{
	int err = a->fd4 < 0 && a->fd6 < 0 ? 0 : sockets_offer(u->driver, a->fd4, a->fd6);

	for (size_t i = 0; i < a->n_ports && !err && !a->drop_in; i++)
		err = ports_offer(u->driver, a->ports[i]);
	u->driver->opener = a->opener;
	u->userspace.underlay.resolver_fd = a->resolver_fd;
	u->adopted = true;
	return err;
}

/* Continue with the stored sessions of peers that were just added. */
static void restore(struct userspace_site *u)
{
	size_t n = wg_device_restore(&u->driver->engine.wg, clock_mono(), clock_wall());

	if (n)
		log_info("continuing the sessions of %zu peer%s", n, n == 1 ? "" : "s");
}

static int open_engine(
	struct userspace_site *u, const struct userspace_adopted *adopted, struct error *ret_error)
{
	const struct driver_sizes sizes = {
		.peers = u->conf->n_peers + 8, .allowed_ips = 64, .packet_max = 10240
	};
	int err = userspace_open(
		u->loop, u->drop_in ? &userspace_drop_in_sizes : &sizes, &u->userspace, ret_error);

	if (err < 0)
		return err;
	u->driver = u->userspace.driver;
	u->mtus.underlay = &u->userspace.underlay;
	err = adopted ? offer_all(u, adopted) : 0;
	if (err < 0)
		return error_set(ret_error, err, "Cannot use the monitor's descriptors:\n");
	err = userspace_open_tun(&u->userspace, u->conf->interface.name,
		adopted && u->drop_in ? adopted->ports[0] : -1);
	if (err < 0)
		return userspace_site_tun_error(err, ret_error);
	if (adopted && adopted->keys)
		wg_device_use_service(&u->driver->engine.wg, adopted->keys);
	if (adopted && adopted->store)
		wg_device_use_store(&u->driver->engine.wg, adopted->store);
	err = apply_add(u->driver, u->conf, ret_error);
	conf_site_forget_keys(u->conf);
	restore(u);
	return err;
}

int userspace_site_open(struct loop *loop, struct conf_site *conf,
	const struct userspace_adopted *adopted, struct backend_site **ret, struct error *ret_error)
{
	struct userspace_site *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return error_set(ret_error, -ENOMEM, "Cannot start the engine:\nFree some memory.");
	u->site.backend = &backend_userspace;
	u->conf = conf;
	u->loop = loop;
	u->fwmark = conf->interface.fwmark;
	u->drop_in = adopted && adopted->drop_in;
	err = open_engine(u, adopted, ret_error);
	u->mtus.wg_interface = conf->interface.mtu; /* of wirespan-wg */
	if (!err && !u->drop_in)
		err = compute_mtus(u, conf, ret_error);
	if (err < 0) {
		close_site(&u->site);
		return err;
	}
	*ret = &u->site;
	return 0;
}

static int open_site(struct loop *loop, struct host *host, struct conf_site *conf,
	struct backend_site **ret, struct error *ret_error)
{
	return userspace_site_open(loop, conf, NULL, ret, ret_error);
}

int userspace_site_offer(struct backend_site *s, int fd)
{
	return ports_offer(userspace_of(s)->driver, fd);
}

void userspace_site_discard_offered(struct backend_site *s)
{
	ports_close_offered(userspace_of(s)->driver);
}

/* Parse a request of wg(8). Return: UAPI_SET, or another result if it is none or not valid. */
static enum uapi_step parse_request(struct uapi_request *r, const char *text)
{
	enum uapi_step step = UAPI_MORE;

	while (step == UAPI_MORE && *text) {
		size_t len = strcspn(text, "\n");

		step = uapi_request_line(r, text, len);
		text += len + (text[len] == '\n');
	}
	return step;
}

void userspace_site_discard_stored(struct backend_site *s)
{
	wg_device_discard_stored(&userspace_of(s)->driver->engine.wg);
}

void userspace_site_take_over(
	struct backend_site *s, const struct wg_store *store, const void *text, size_t len)
{
	struct userspace_site *u = userspace_of(s);
	int err;

	wg_device_use_store(&u->driver->engine.wg, store);
	restore(u);
	err = len ? handover_read(&u->driver->engine, text, len) : 0;
	if (err < 0)
		log_warning("What the last engine has passed on cannot be used, as it is %s: some "
			    "frames may be lost at the change.",
			err == -EPROTO ? "of another version" : "damaged");
}

int userspace_site_descriptors(struct backend_site *s, int **ret, size_t *ret_n)
{
	const struct driver *d = userspace_of(s)->driver;
	size_t n = 4; /* the TUN, two sockets, and one more */
	int *fds;

	LIST_FOR_EACH(l, &d->sessions)
	{
		n++;
	}
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	n = 0;
	fds[n++] = d->tun.tap.fd;
	fds[n++] = d->udp.fd4;
	fds[n++] = d->udp.fd6;
	LIST_FOR_EACH(l, &d->sessions)
	{
		fds[n++] = CONTAINER_OF(l, struct driver_session, link)->io.tap.fd;
	}
	*ret_n = 0;
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0) /* not of an interface that was deleted */
			fds[(*ret_n)++] = fds[i];
	*ret = fds;
	return 0;
}

bool userspace_site_is_quiet(struct backend_site *s)
{
	struct driver *d = userspace_of(s)->driver;

	return ports_finish(d) && engine_is_quiet(&d->engine);
}

int userspace_site_hand_over(struct backend_site *s, void **ret_text, size_t *ret_len)
{
	struct engine *e = &userspace_of(s)->driver->engine;
	void *text = malloc(handover_room(e));

	if (!text)
		return -ENOMEM;
	*ret_len = handover_write(e, text);
	*ret_text = text;
	return 0;
}

int userspace_site_wg(struct backend_site *s, const char *request)
{
	struct userspace_site *u = userspace_of(s);
	struct uapi_request r = { 0 };
	int err = -EINVAL;

	if (parse_request(&r, request) == UAPI_SET) {
		err = uapi_set(u->driver, &r.set);
		restore(u);
	}
	uapi_request_fini(&r);
	return err;
}

int userspace_site_show(
	struct backend_site *s, const uint8_t *after, size_t max, char **ret_text, size_t *ret_len)
{
	return uapi_get(userspace_of(s)->driver, after, max, ret_text, ret_len);
}

static void await_names(struct backend_site *s, struct mono until, int stop_fd)
{
	dns_endpoint_await_all(&userspace_of(s)->userspace.underlay, until, stop_fd);
}

static struct host_mtus mtus(struct backend_site *s)
{
	const struct userspace_site *u = userspace_of(s);

	return (struct host_mtus){ .wg = u->mtus.wg_interface, .sessions = u->mtus.sessions };
}

/* ---- start ---- */

static void on_wgsock_removed(void *ctx)
{
	struct userspace_site *u = ctx;

	log_info("the socket of %s was removed: going down", u->conf->interface.name);
	u->events |= BACKEND_END_REQUESTED;
}

/* Open the socket for wg(8). Without it the site works, but wg(8) does not show it. */
static void open_wgsock(struct userspace_site *u)
{
	const char *name = u->conf->interface.name;
	int err = wgsock_open(&u->wgsock, u->loop, &u->userspace, name, -1, on_wgsock_removed, u);

	if (err < 0)
		wgsock_warn(name, err);
}

/* Follow the paths of all peers, with the don't-fragment bit set for probes; or use the configured
 * MTU, with the bit clear. */
static void follow_paths(struct userspace_site *u)
{
	(void)driver_set_df(u->driver, peer_paths_can_follow(u->conf) ? UDP_DF_SET : UDP_DF_CLEAR);
	pmtu_policy_follow(&u->mtus, u->conf);
}

/* Open the port, and follow the peers' paths. Return: 0, or -errno with `ret_error` filled. */
static int start_traffic(struct userspace_site *u, uint32_t fwmark, struct error *ret_error)
{
	uint16_t port = u->conf->interface.listen_port;
	char text[LISTEN_TEXT_LEN];
	int err = driver_start(u->driver, port, fwmark);

	if (err < 0)
		return error_set(ret_error, err, "%s\n%s", listen_problem(port, fwmark, err, text),
			listen_hint(err));
	u->fwmark = fwmark;
	if (!u->adopted)
		open_wgsock(u);
	follow_paths(u);
	driver_work(u->driver);
	return 0;
}

void userspace_site_follow(struct backend_site *s, bool up, unsigned mtu, bool moved)
{
	struct userspace_site *u = userspace_of(s);

	if (moved)
		userspace_tun_moved(&u->userspace);
	(void)userspace_set_mtu(&u->userspace, mtu);
	u->mtus.wg_interface = mtu;
	(void)userspace_set_up(&u->userspace, up);
}

void userspace_site_accept_any_port(struct backend_site *s)
{
	userspace_of(s)->driver->listen.any = true;
}

static int start(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct userspace_site *u = userspace_of(s);
	int err = 0;

	if (u->drop_in) {
		u->driver->udp.port = u->conf->interface.listen_port;
		u->driver->fwmark = fwmark;
	} else {
		err = start_traffic(u, fwmark, ret_error);
	}
	if (err < 0)
		return err;
	err = pmtu_policy_listen(&u->mtus, u->loop);
	return err < 0 ? error_set(ret_error, err,
				 "Cannot subscribe to the kernel's link and route events:\n"
				 "Is there memory?")
		       : 0;
}

/* ---- reload ---- */

static void revert(struct backend_site *s)
{
	struct userspace_site *u = userspace_of(s);
	struct error ignored;

	(void)apply_add(u->driver, u->conf, &ignored);
	apply_sweep(u->driver, u->conf);
	(void)compute_mtus(u, u->conf, &ignored);
	conf_site_forget_keys(u->conf);
	u->next = NULL;
}

static int apply(struct backend_site *s, struct conf_site *next, struct error *ret_error)
{
	struct userspace_site *u = userspace_of(s);
	int err = snapshot_take(u->driver, u->conf);

	if (err < 0) {
		conf_site_forget_keys(u->conf);
		return error_set(ret_error, err,
			"There is no memory for a reload.\nFree some memory, and reload again.");
	}
	err = apply_add(u->driver, next, ret_error);
	conf_site_forget_keys(next);
	if (!err)
		err = compute_mtus(u, next, ret_error);
	u->next = next;
	if (err < 0)
		revert(s);
	return err;
}

/* Change to the port and firewall mark of the configuration. Return: 0; or -errno with `ret_error`
 * filled, and it is retried. */
static int change_port(struct userspace_site *u, struct error *ret_error)
{
	uint16_t have = u->driver->udp.port;
	uint16_t port = u->conf->interface.listen_port ? u->conf->interface.listen_port : have;
	int err = listen_want(u->driver, port, u->fwmark);
	char text[LISTEN_TEXT_LEN];

	if (err < 0)
		return error_set(ret_error, err,
			"%s. Everything else is reloaded; still on port %u, and trying again.\n%s",
			listen_problem(port, u->fwmark, err, text), have, listen_hint(err));
	return 0;
}

static int sweep(struct backend_site *s, uint32_t fwmark, struct error *ret_error)
{
	struct userspace_site *u = userspace_of(s);
	int err;

	conf_site_forget_keys(u->conf);
	u->conf = u->next;
	u->next = NULL;
	u->fwmark = fwmark;
	apply_sweep(u->driver, u->conf);
	follow_paths(u);
	(void)pmtu_policy_settle(&u->mtus, u->conf);
	err = change_port(u, ret_error);
	driver_work(u->driver);
	return err;
}

/* ---- work and report ---- */

static struct mono deadline(struct backend_site *s)
{
	const struct userspace_site *u = userspace_of(s);

	return mono_earliest(userspace_deadline(&u->userspace),
		u->drop_in ? MONO_NEVER : pmtu_policy_deadline(&u->mtus));
}

/* Note which reasons for drops have new ones. The counters are many cache lines, which a wake-up
 * without a drop does not touch. */
static void note_drops(struct userspace_site *u, struct mono now)
{
	struct lane_counters sum;

	if (engine_drops(&u->driver->engine) == u->drop_clock.seen.total)
		return;
	engine_count(&u->driver->engine, &sum);
	drop_clock_tick(&u->drop_clock, &sum.drops, now);
}

static unsigned work(struct backend_site *s)
{
	struct userspace_site *u = userspace_of(s);
	struct driver *d = u->driver;
	unsigned events = u->events;
	unsigned happened = userspace_work(&u->userspace);

	note_drops(u, d->engine.now);
	if (!u->adopted)
		driver_capture_release(d);
	if (!u->drop_in && pmtu_policy_work(&u->mtus, u->conf, happened))
		events |= BACKEND_MTUS_CHANGED;
	driver_tidy(d);
	if (happened & ENGINE_PORT_LOST)
		events |= BACKEND_INTERFACE_LOST;
	u->events = 0;
	return events;
}

static bool is_deleted(struct backend_site *s, const char *name)
{
	return ports_is_deleted(userspace_of(s)->driver, name);
}

int userspace_site_again_error(const char *name, int err, struct error *ret_error)
{
	return error_set(ret_error, err,
		"Cannot make the interface %s again: %s.\n"
		"Is " TUN " there, and the name free (ip link)?",
		name, strerror(-err));
}

static int make_again(struct backend_site *s, const char *name, struct error *ret_error)
{
	int err = ports_make_again(userspace_of(s)->driver, name);

	return err < 0 ? userspace_site_again_error(name, err, ret_error) : 0;
}

static int peers(struct backend_site *s, struct backend_peer **ret, size_t *ret_n)
{
	return userspace_peers(&userspace_of(s)->userspace, ret, ret_n);
}

int userspace_site_report(
	struct backend_site *s, const uint8_t *after, size_t max, struct status_report *r)
{
	struct userspace_site *u = userspace_of(s);
	int err = 0;

	if (!after) {
		driver_work(u->driver);
		note_drops(u, clock_mono());
		drop_clock_ages(&u->drop_clock, clock_mono(), &r->drop_ages_ms);
		err = userspace_report(&u->userspace, u->conf, &u->mtus.budget, r);
	}
	return err ? err : userspace_report_peers(&u->userspace, after, max, r);
}

static int report(struct backend_site *s, struct status_report *r)
{
	return userspace_site_report(s, NULL, SIZE_MAX, r);
}

void userspace_site_release_capture(struct backend_site *s)
{
	driver_capture_release(userspace_of(s)->driver);
}

/* Size of the comment of a capture. */
#define COMMENT_LEN 640

/* The value of tshark's preference l2tp.cookie_size for cookies of this length. */
static const char *tshark_cookie(unsigned len)
{
	return len == 8 ? "8 Byte Cookie" : len == 4 ? "4 Byte Cookie" : "None";
}

/* Write what a reader of the capture has to know: which options dissect the sessions' headers, as
 * L2TPv3 does not carry which it has. */
static void capture_comment(const struct conf_site *conf, char ret[static COMMENT_LEN])
{
	const struct conf_tunnel *t = conf->n_tunnels ? &conf->tunnels[0] : NULL;
	const struct conf_session *s = t && t->n_sessions ? &t->sessions[0] : NULL;
	int n = snprintf(ret, COMMENT_LEN,
		"Site %s, interface %s. A frame, the packet around it and its datagram have the "
		"same peer, receiver index and counter in their comments. It has decrypted traffic "
		"and the cookies of sessions, but no key.",
		conf->name, conf->interface.name);

	if (s && n > 0 && n < COMMENT_LEN)
		snprintf(ret + n, COMMENT_LEN - (size_t)n,
			" To dissect what its first session receives: tshark -o "
			"'l2tp.cookie_size:%s' -o 'l2tp.l2_specific:%s' -d l2tp.pw_type==0,eth",
			tshark_cookie(s->peer_cookie_len),
			s->options.sublayer == L2TP_SUBLAYER_NONE ? "None" : "Default L2-Specific");
}

static int capture(struct backend_site *s, int fd, uint32_t snap, struct error *ret_error)
{
	struct userspace_site *u = userspace_of(s);
	char comment[COMMENT_LEN];
	int err;

	capture_comment(u->conf, comment);
	err = driver_capture_start(u->driver, fd, snap, "wirespan " WIRESPAN_VERSION, comment);
	if (err == -EBUSY)
		return error_set(ret_error, err,
			"Another capture of %s is in progress\n"
			"End it first: one at a time is possible.",
			u->conf->name);
	if (err < 0)
		return error_set(ret_error, err,
			"Cannot begin the capture: %s\n"
			"It needs 6 MB of memory. See LimitMEMLOCK.",
			strerror(-err));
	return 0;
}

const struct backend backend_userspace = {
	.name = "userspace",
	.probe = userspace_site_probe,
	.open = open_site,
	.await_names = await_names,
	.mtus = mtus,
	.start = start,
	.apply = apply,
	.revert = revert,
	.sweep = sweep,
	.deadline = deadline,
	.work = work,
	.is_deleted = is_deleted,
	.make_again = make_again,
	.peers = peers,
	.report = report,
	.capture = capture,
	.close = close_site,
};
