/* SPDX-License-Identifier: MIT */
/* Run a site: start it, serve signals and requests in the event loop, reload it, stop it. */
#include "daemon/site_daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/select.h"
#include "backend/userspace.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctl/server.h"
#include "daemon/detach.h"
#include "daemon/memlock.h"
#include "daemon/notify.h"
#include "daemon/wgsock.h"
#include "driver/apply.h"
#include "driver/driver.h"
#include "driver/listen.h"
#include "driver/ports.h"
#include "driver/report.h"
#include "driver/snapshot.h"
#include "host/host.h"
#include "host/route_plan.h"
#include "host/rundir.h"
#include "loop/loop.h"
#include "pkt/dropclock.h"
#include "underlay/dns_endpoint.h"
#include "underlay/peer_paths.h"
#include "underlay/pmtu_policy.h"

/* Routes to prefixes shorter than this may cover the name servers, too. */
#define FAR_LEN 8

/* How long the installation of such routes waits for the names of peers. */
#define NAMES_PATIENCE (10 * NS_PER_S)

/** A running site. All members may be zero: run_fini() undoes only what exists. */
struct site_daemon {
	const struct site_daemon_config *config;
	struct conf_site conf;
	struct loop loop;
	struct notify notify;
	struct userspace userspace;
	struct driver *driver; /* the back end's driver, or NULL */
	struct host *host;
	struct pmtu_policy mtus;
	struct ctl_server *ctl;
	struct loop_watch ctl_watch;
	struct wgsock wgsock;
	struct loop_watch signal_watch;
	struct mono begun;
	struct drop_clock drop_clock;
	struct choice choice;
	pid_t hook; /* the process that runs hooks, or 0 */
	enum host_hook hook_kind;
	struct detach detach;
	bool detached;
	bool memory_locked;
	bool ready;
	bool stopping;
	int exit_code;
};

/* Size of both sentences of a struct error. */
#define SENTENCES_LEN 660

/* Write "Problem. Hint." as one line into `ret`. */
static const char *sentences(const struct error *e, char ret[static SENTENCES_LEN])
{
	size_t len = strlen(e->problem);

	snprintf(ret, SENTENCES_LEN, "%s%s %s", e->problem,
		len && e->problem[len - 1] == '.' ? "" : ".", e->hint);
	return ret;
}

static int log_error_text(const struct error *e)
{
	char text[SENTENCES_LEN];

	log_error("%s", sentences(e, text));
	return e->code;
}

static int run_failed(const char *what, int err, const char *hint)
{
	log_error("%s: %s. %s", what, strerror(-err), hint);
	return err;
}

/* ---- the configuration ---- */

/* Load the file. Prints every problem, and returns the first error. Return: 0, or -EINVAL with
 * nothing to free. */
static int run_load(struct site_daemon *r, struct conf_site *ret, struct error *e)
{
	struct conf_report report = { 0 };
	bool ok;

	r->config->load(r->config->path, ret, &report);
	*e = (struct error){ .code = -EINVAL,
		.problem = "The configuration was not read: no memory." };
	for (size_t i = 0; i < report.n; i++) {
		char *text = conf_problem_text(&report.v[i], ret);

		if (text)
			fputs(text, stderr);
		free(text);
	}
	for (size_t i = report.n; i-- > 0;) {
		const struct conf_problem *p = &report.v[i];

		if (p->severity != CONF_ERROR)
			continue;
		snprintf(e->problem, sizeof(e->problem), "%s:%u: %s",
			ret->files && ret->n_files > p->at.file ? ret->files[p->at.file]
								: r->config->path,
			p->at.line, p->text);
		snprintf(e->hint, sizeof(e->hint), "%s", p->hint ? p->hint : "");
	}
	ok = conf_report_ok(&report);
	conf_report_fini(&report);
	if (!ok)
		conf_site_fini(ret);
	return ok ? 0 : -EINVAL;
}

/* Refuse changes that a reload cannot make, because it would be another site. */
static int run_comparable(
	const struct conf_site *have, const struct conf_site *next, struct error *e)
{
	if (!strcmp(have->interface.name, next->interface.name))
		return 0;
	*e = (struct error){ .code = -EOPNOTSUPP };
	snprintf(e->problem, sizeof(e->problem), "[Interface] Name has changed from %s to %s.",
		have->interface.name, next->interface.name);
	snprintf(e->hint, sizeof(e->hint), "Use `wirespan down` and `wirespan up` for that.");
	return e->code;
}

/* ---- hooks, readiness, stopping ---- */

static void run_end(struct site_daemon *r, int exit_code)
{
	r->exit_code = exit_code;
	loop_stop(&r->loop);
}

/* Start the hooks of one kind. Return: whether some are running now. */
static bool run_hooks(struct site_daemon *r, enum host_hook kind, int *ret_err)
{
	struct error e;

	*ret_err = host_hook_start(r->host, kind, &r->hook, &e);
	if (*ret_err < 0)
		log_error_text(&e);
	r->hook_kind = kind;
	return !*ret_err && r->hook > 0;
}

static void run_stop(struct site_daemon *r)
{
	int err;

	if (r->stopping)
		return;
	r->stopping = true;
	notify_stopping(&r->notify);
	if (r->hook)
		return; /* PostUp must end before it is undone: on_child() continues */
	if (!r->ready || !run_hooks(r, HOST_HOOK_PRE_DOWN, &err))
		run_end(r, r->ready ? 0 : 1);
}

static void run_ready(struct site_daemon *r)
{
	r->ready = true;
	log_info("%s is up (%s %s, port %u, wg MTU %u)", r->conf.name, r->conf.interface.name,
		aead_name(&r->driver->engine.aead), r->driver->udp.port, r->mtus.budget.wg_mtu);
	notify_ready(&r->notify, "running");
	if (r->detached && detach_ready(&r->detach) < 0)
		run_stop(r);
}

/* ---- requests ---- */

/* Copy the engine's state into the configuration that a failed reload returns to. Return: 0, or
 * -errno with `e` filled. */
static int run_recall(struct site_daemon *r, struct error *e)
{
	int err = snapshot_take(r->driver, &r->conf);

	if (err < 0) {
		*e = (struct error){ .code = err };
		snprintf(e->problem, sizeof(e->problem), "There is no memory for a reload.");
		snprintf(e->hint, sizeof(e->hint), "Free some memory, and reload again.");
	}
	return err;
}

/* The MTUs of the interfaces, as the MTU policy has computed them. */
static struct host_mtus run_mtus(const struct site_daemon *r)
{
	return (struct host_mtus){ .wg = r->mtus.wg_interface, .sessions = r->mtus.sessions };
}

/* Set the MTUs of the interfaces. Return: 0, or -errno with `e` filled. */
static int run_set_mtus(struct site_daemon *r, struct error *e)
{
	const struct host_mtus mtus = run_mtus(r);

	return host_set_mtus(r->host, &mtus, e);
}

/* Follow the paths of all peers, with the don't-fragment bit set for probes; or use the configured
 * MTU, with the bit clear. */
static void run_follow(struct site_daemon *r)
{
	(void)driver_set_df(r->driver, peer_paths_can_follow(&r->conf) ? UDP_DF_SET : UDP_DF_CLEAR);
	pmtu_policy_follow(&r->mtus, &r->conf);
}

/* Add the new parts of `next`, and reconfigure the host. Return: 0, or -errno with `e` filled. */
static int run_change_to(struct site_daemon *r, const struct conf_site *next, struct error *e)
{
	struct host_mtus mtus;
	int err = apply_add(r->driver, next, e);

	if (!err)
		err = pmtu_policy_compute(&r->mtus, next, host_fwmark(r->host));
	mtus = run_mtus(r);
	return err < 0 ? err : host_reload(r->host, next, &mtus, e);
}

/* Return to the state before run_change_to(); the host's part converges with the next reload. */
static void run_change_back(struct site_daemon *r)
{
	struct error ignored;

	(void)apply_add(r->driver, &r->conf, &ignored);
	apply_sweep(r->driver, &r->conf);
	(void)pmtu_policy_compute(&r->mtus, &r->conf, host_fwmark(r->host));
}

/* Change to the port and firewall mark of the configuration. Return: 0; or -errno with `e` filled,
 * and it is retried. */
static int run_listen(struct site_daemon *r, struct error *e)
{
	uint16_t port =
		r->conf.interface.listen_port ? r->conf.interface.listen_port : r->driver->udp.port;
	uint32_t fwmark = host_fwmark(r->host);
	int err = listen_want(r->driver, port, fwmark);
	char text[LISTEN_TEXT_LEN];

	if (err < 0) {
		*e = (struct error){ .code = err };
		snprintf(e->problem, sizeof(e->problem),
			"%s. Everything else is reloaded; still on port %u, and trying again.",
			listen_problem(port, fwmark, err, text), r->driver->udp.port);
		snprintf(e->hint, sizeof(e->hint), "%s", listen_hint(err));
	}
	return err;
}

static int run_reload(struct site_daemon *r, struct error *e)
{
	struct conf_site next;
	int err = run_load(r, &next, e);

	r->driver->engine.wg.spent = true; /* reading the file has left copies of keys */
	if (err < 0)
		return err;
	err = run_comparable(&r->conf, &next, e);
	if (!err)
		err = run_recall(r, e);
	if (!err) {
		err = run_change_to(r, &next, e);
		if (err < 0)
			run_change_back(r);
	}
	snapshot_forget_keys(&r->conf);
	if (err < 0) {
		conf_site_fini(&next);
		return err;
	}
	apply_sweep(r->driver, &next);
	conf_site_fini(&r->conf);
	snapshot_forget_keys(&next);
	r->conf = next;
	run_follow(r);
	if (pmtu_policy_settle(&r->mtus, &r->conf) && run_set_mtus(r, e) < 0)
		log_error_text(e);
	host_conf_moved(r->host, &r->conf);
	err = run_listen(r, e);
	driver_work(r->driver);
	return err;
}

static int run_status(struct site_daemon *r, struct status_report *s)
{
	snprintf(s->site, sizeof(s->site), "%s", r->conf.name);
	snprintf(s->version, sizeof(s->version), "%s", WIRESPAN_VERSION);
	snprintf(s->backend, sizeof(s->backend), "%s", r->choice.backend);
	snprintf(s->backend_reason, sizeof(s->backend_reason), "%s", r->choice.reason);
	s->pid = (uint32_t)getpid();
	s->uptime_ms = mono_between(r->begun, clock_mono()) / NS_PER_MS;
	driver_work(r->driver);
	drop_clock_tick(&r->drop_clock, &r->driver->engine.drops, clock_mono());
	drop_clock_ages(&r->drop_clock, clock_mono(), &s->drop_ages_ms);
	if (!r->memory_locked &&
		status_add_warning(s, "Memory is not locked, keys may reach swap: set "
				      "LimitMEMLOCK=infinity, or encrypt the swap.") < 0)
		return -ENOMEM;
	return userspace_report(&r->userspace, &r->conf, &r->mtus.budget, s) < 0
		       ? -ENOMEM
		       : report_interfaces(&r->conf, s);
}

static void on_request(void *ctx, const struct ctl_request *request, struct ctl_reply *reply)
{
	struct site_daemon *r = ctx;
	struct error e;
	char text[SENTENCES_LEN];

	switch (request->verb) {
	case CTL_STATUS:
		reply->has_status = true;
		if (run_status(r, &reply->status) < 0)
			ctl_reply_fail(reply, "No memory for the report.");
		return;
	case CTL_DOWN:
		run_stop(r);
		return;
	case CTL_RELOAD:
		if (run_reload(r, &e) < 0)
			ctl_reply_fail(reply, "%s", sentences(&e, text));
		return;
	case CTL_VERB_COUNT:
		return;
	}
}

static void on_ctl(void *ctx, uint32_t events)
{
	struct site_daemon *r = ctx;

	(void)events;
	ctl_server_run(r->ctl);
}

static void on_child(struct site_daemon *r)
{
	struct error e;
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	int err;

	if (pid <= 0 || pid != r->hook)
		return;
	r->hook = 0;
	err = host_hook_end(r->host, r->hook_kind, status, &e);
	if (err < 0)
		log_error_text(&e);
	if (r->hook_kind == HOST_HOOK_PRE_DOWN || err < 0)
		run_end(r, err < 0 ? 1 : 0);
	else if (r->stopping)
		run_end(r, 1); /* the site was never up */
	else
		run_ready(r);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct site_daemon *r = ctx;
	struct signalfd_siginfo info;
	struct error e;

	(void)events;
	while (read(r->signal_watch.fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			run_stop(r);
			break;
		case SIGHUP:
			notify_reloading(&r->notify, clock_mono());
			if (run_reload(r, &e) < 0)
				log_error_text(&e);
			else
				log_info("%s reloaded", r->conf.name);
			notify_ready(&r->notify, "running");
			break;
		default:
			on_child(r);
			break;
		}
	}
}

/* ---- up ---- */

static int run_open_signals(struct site_daemon *r)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	fd = loop_signal_fd(&set);
	if (fd < 0)
		return fd;
	r->signal_watch = (struct loop_watch){ .fd = fd, .callback = on_signal, .ctx = r };
	return loop_add(&r->loop, &r->signal_watch, EPOLLIN);
}

static int run_open_ctl(struct site_daemon *r)
{
	char path[UNIXSOCK_PATH_LEN];
	struct ctl_server_config config = { .path = path, .handler = on_request, .ctx = r };
	int err = rundir_socket_path(r->conf.name, path);

	if (!err)
		err = ctl_server_open(&config, &r->ctl);
	if (err < 0)
		return run_failed("Cannot open the control socket", err,
			"Is the folder /run/wirespan writable?");
	r->ctl_watch =
		(struct loop_watch){ .fd = ctl_server_fd(r->ctl), .callback = on_ctl, .ctx = r };
	return loop_add(&r->loop, &r->ctl_watch, EPOLLIN);
}

static void on_wgsock_removed(void *ctx)
{
	struct site_daemon *r = ctx;

	log_info("the socket of %s was removed: going down", r->conf.interface.name);
	run_stop(r);
}

/* Open the socket for wg(8). Without it the site works, but wg(8) does not show it. */
static void run_open_wgsock(struct site_daemon *r)
{
	const char *name = r->conf.interface.name;
	int err = wgsock_open(&r->wgsock, &r->loop, r->driver, name, -1, on_wgsock_removed, r);

	if (err == -EADDRINUSE)
		log_warning("wg(8) will not show %s: another process has %s/%s.sock, perhaps in "
			    "another network namespace. Choose another [Interface] Name.",
			name, UAPI_FOLDER, name);
	else if (err < 0)
		log_warning("wg(8) will not show %s: cannot open its socket in %s: %s.", name,
			UAPI_FOLDER, strerror(-err));
}

static int run_open_engine(struct site_daemon *r)
{
	struct driver_options options;
	struct driver_sizes sizes = {
		.peers = r->conf.n_peers + 8, .allowed_ips = 64, .packet_max = 10240
	};
	struct error e;
	int err = driver_options_from(getenv("WIRESPAN_OPTIONS"), &options);

	if (err < 0)
		return run_failed(
			"Cannot read WIRESPAN_OPTIONS", err, "See wirespan(8), ENVIRONMENT.");
	err = userspace_open(&r->loop, &options, &sizes, &r->userspace);
	if (err < 0)
		return run_failed("Cannot start the engine", err,
			"Is there memory, and an AEAD provider of that name?");
	r->driver = r->userspace.driver;
	err = ports_open_tun(r->driver, r->conf.interface.name);
	if (err < 0)
		return run_failed("Cannot make the interface [Interface] Name", err,
			"Are you root, is /dev/net/tun there, and the name free?");
	err = apply_add(r->driver, &r->conf, &e);
	snapshot_forget_keys(&r->conf);
	return err < 0 ? log_error_text(&e) : 0;
}

/* Whether we are about to install routes that cover a large part of the address space. */
static bool leads_far(const struct conf_site *conf)
{
	struct route_plan plan;
	bool far = false;

	if (route_plan_make(conf, &plan) < 0)
		return false;
	for (size_t i = 0; i < plan.n; i++)
		far |= plan.v[i].dst.len < FAR_LEN;
	route_plan_fini(&plan);
	return far;
}

static int run_up(struct site_daemon *r)
{
	struct error e;
	struct host_mtus mtus;
	char text[LISTEN_TEXT_LEN];
	int err;

	err = backend_select(r->conf.backend, &r->choice, &e);
	if (err < 0)
		return log_error_text(&e);
	err = host_open(&r->conf, NULL, &r->host, &e);
	if (err < 0)
		return log_error_text(&e);
	err = run_open_engine(r);
	if (err < 0)
		return err;
	r->mtus.underlay = &r->userspace.underlay;
	err = pmtu_policy_compute(&r->mtus, &r->conf, r->conf.interface.fwmark);
	if (err < 0)
		return err;
	mtus = run_mtus(r);
	if (leads_far(&r->conf))
		dns_endpoint_await_all(&r->userspace.underlay,
			mono_add(clock_mono(), NAMES_PATIENCE), r->signal_watch.fd);
	err = host_up(r->host, &mtus, &e);
	if (err < 0)
		return log_error_text(&e);
	err = driver_start(r->driver, r->conf.interface.listen_port, host_fwmark(r->host));
	if (err < 0) {
		log_error("%s. %s",
			listen_problem(
				r->conf.interface.listen_port, host_fwmark(r->host), err, text),
			listen_hint(err));
		return err;
	}
	run_open_wgsock(r);
	run_follow(r);
	driver_work(r->driver);
	err = pmtu_policy_listen(&r->mtus, &r->loop);
	if (err < 0)
		return run_failed("Cannot subscribe to the kernel's link and route events", err,
			"Is there memory?");
	return run_open_ctl(r);
}

static void run_fini(struct site_daemon *r)
{
	if (r->host)
		host_down(r->host);
	wgsock_close(&r->wgsock);
	userspace_close(&r->userspace);
	ctl_server_close(r->ctl); /* before host_close(), which removes the folder if empty */
	host_close(r->host);
	if (r->signal_watch.fd > 0)
		close(r->signal_watch.fd);
	pmtu_policy_close(&r->mtus);
	loop_close(&r->loop);
	notify_close(&r->notify);
	conf_site_fini(&r->conf);
}

static void run_loop(struct site_daemon *r)
{
	struct error e;
	bool too_big;
	int err = 0;

	while (!r->loop.stop && !err) {
		struct mono due =
			mono_earliest(driver_deadline(r->driver), listen_deadline(r->driver));

		err = loop_run_once(&r->loop, mono_earliest(due, pmtu_policy_deadline(&r->mtus)));
		if (mono_reached(driver_deadline(r->driver), clock_mono()))
			driver_work(r->driver);
		listen_work(r->driver);
		drop_clock_tick(&r->drop_clock, &r->driver->engine.drops, r->driver->engine.now);
		too_big = r->driver->udp.last_error == EMSGSIZE;
		r->driver->udp.last_error = 0;
		if (pmtu_policy_work(&r->mtus, &r->conf, too_big) && run_set_mtus(r, &e) < 0)
			log_error_text(&e);
		driver_tidy(r->driver);
		if (r->driver->lost) {
			log_error("Interface %s was deleted by another process: going down. Leave "
				  "wirespan's "
				  "interfaces to it.",
				r->driver->lost->tap.name);
			run_end(r, 1);
		}
	}
	if (err < 0) {
		run_failed("Cannot wait for events", err, "Report this.");
		r->exit_code = 1;
	}
}

/* Run a site whose configuration is loaded, until it ends. Return: the exit code. */
static int run_loaded(struct site_daemon *r)
{
	int err = loop_open(&r->loop);

	if (!err)
		err = run_open_signals(r);
	if (!err)
		err = run_up(r);
	if (err < 0) {
		run_fini(r);
		return 1;
	}
	if (!run_hooks(r, HOST_HOOK_POST_UP, &err)) {
		if (err < 0)
			run_end(r, 1);
		else
			run_ready(r);
	}
	run_loop(r);
	run_fini(r);
	return r->exit_code;
}

int site_daemon_run(const struct site_daemon_config *config)
{
	struct site_daemon r = { .config = config,
		.loop = { .epoll_fd = -1 },
		.begun = clock_mono(),
		.notify = { -1 } };
	struct error e;
	int exit_code = 1;
	int err;

	r.memory_locked = memlock_process(!config->detach);
	err = run_load(&r, &r.conf, &e);
	if (err < 0)
		return 1; /* every problem has been printed */
	if (config->detach) {
		err = detach_begin(&r.detach, &exit_code);
		if (err != 0) {
			if (err < 0)
				run_failed(
					"Cannot go to the background", err, "Run it without -d.");
			conf_site_fini(&r.conf);
			return exit_code;
		}
		r.detached = true;
		r.memory_locked = memlock_process(true);
	}
	(void)notify_open(&r.notify);
	return run_loaded(&r);
}
