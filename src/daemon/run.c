/* SPDX-License-Identifier: MIT */
/* The life of a running site: up, the loop with its signals and requests, reload, down. */
#include "daemon/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/apply.h"
#include "backend/budget.h"
#include "backend/names.h"
#include "backend/news.h"
#include "backend/paths.h"
#include "backend/choose.h"
#include "backend/keys.h"
#include "backend/report.h"
#include "backend/site.h"
#include "backend/sources.h"
#include "backend/userspace.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctl/rundir.h"
#include "ctl/server.h"
#include "daemon/detach.h"
#include "daemon/hush.h"
#include "daemon/notify.h"
#include "daemon/wgsock.h"
#include "loop/loop.h"
#include "pkt/bucket.h"
#include "pkt/dropclock.h"

/** A running site. Everything may be zero: run_fini() undoes what is there. */
struct run {
	const struct run_config *config;
	struct conf_site conf;
	struct loop loop;
	struct notify notify;
	struct userspace *u;
	struct site *site;
	struct budget budget;
	uint32_t *session_mtus; /* one for each session of `conf`, in the order of the file */
	struct ctl_server *ctl;
	struct loop_watch ctl_watch;
	struct wgsock wgsock;
	struct loop_watch signal_watch;
	struct mono begun;
	struct drop_clock drop_clock;
	struct choice choice;
	pid_t hook; /* running hooks, or 0 */
	enum site_hook hook_kind;
	struct detach detach;
	struct news news;
	struct loop_watch news_watch;
	bool routes_changed;
	bool following;		/* the paths' MTUs */
	struct bucket look_ups; /* of paths to where peers have moved */
	bool detached;
	bool memory_locked;
	bool ready;
	bool stopping;
	int exit_code;
};

/* Room for both sentences of a struct site_error. */
#define SENTENCES_LEN 660

/* "What went wrong. What to do." as one line, into `ret`. */
static const char *sentences(const struct site_error *e, char ret[static SENTENCES_LEN])
{
	size_t len = strlen(e->problem);

	snprintf(ret, SENTENCES_LEN, "%s%s %s", e->problem,
		len && e->problem[len - 1] == '.' ? "" : ".", e->mend);
	return ret;
}

static int say(const struct site_error *e)
{
	char text[SENTENCES_LEN];

	log_error("%s", sentences(e, text));
	return e->code;
}

static int run_failed(const char *what, int err, const char *mend)
{
	log_error("%s: %s. %s", what, strerror(-err), mend);
	return err;
}

/* ---- the configuration ---- */

/* Load the file; every problem is printed, and the first error is handed back. Return: 0, or
 * -EINVAL with nothing to free. */
static int run_load(struct run *r, struct conf_site *ret, struct site_error *e)
{
	struct conf_report report = { 0 };
	bool ok;

	r->config->load(r->config->path, ret, &report);
	*e = (struct site_error){ .code = -EINVAL,
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
		snprintf(e->mend, sizeof(e->mend), "%s", p->mend ? p->mend : "");
	}
	ok = conf_report_ok(&report);
	conf_report_fini(&report);
	if (!ok)
		conf_site_fini(ret);
	return ok ? 0 : -EINVAL;
}

/* What a reload cannot change: it would be another site. */
static int run_comparable(
	const struct conf_site *have, const struct conf_site *next, struct site_error *e)
{
	if (!strcmp(have->interface.name, next->interface.name))
		return 0;
	*e = (struct site_error){ .code = -EOPNOTSUPP };
	snprintf(e->problem, sizeof(e->problem), "[Interface] Name has changed from %s to %s.",
		have->interface.name, next->interface.name);
	snprintf(e->mend, sizeof(e->mend), "Use `wirespan down` and `wirespan up` for that.");
	return e->code;
}

/* ---- MTUs ---- */

/* wg0 may not fall below this, or the kernel takes its IPv6 addresses away; the engine answers for
 * the rest. */
#define WG_INTERFACE_MTU_MIN 1280

/* MTUs of all interfaces, as the budget has them. Return: 0 or -ENOMEM; `r` is unchanged then. */
static int run_mtus(struct run *r, const struct conf_site *conf, struct site_mtus *ret)
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
			mtus[n++] = budget_session_mtu(&conf->tunnels[i].sessions[k]);
	free(r->session_mtus);
	r->session_mtus = mtus;
	*ret = (struct site_mtus){ .wg = r->budget.wg_mtu, .sessions = mtus };
	if (!conf->interface.mtu && ret->wg < WG_INTERFACE_MTU_MIN)
		ret->wg = WG_INTERFACE_MTU_MIN;
	return 0;
}

/* What the routing says of the underlay, before any peer has been probed. */
static void run_budget(struct run *r, const struct conf_site *conf, uint32_t fwmark)
{
	struct nl_socket nl = { 0 };

	budget_compute(conf, nl_socket_open(&nl) < 0 ? NULL : &nl, fwmark, &r->budget);
	nl_socket_close(&nl);
	r->u->engine.wg_mtu = r->budget.wg_mtu;
}

/* Begin to follow the paths to all peers, or to take the MTU as given. */
static void run_follow(struct run *r, const struct conf_site *conf)
{
	bool can = paths_can_follow(conf);
	bool all = !can ||
		   can != r->following; /* else only new peers: what is known of the others stays */

	(void)userspace_set_df(r->u, can ? UDP_DF_SET : UDP_DF_CLEAR);
	paths_look_up(r->u, conf, r->budget.wg_mtu, all);
	r->following = can;
}

/* Some peer's path has another MTU now: wg0 follows the smallest. */
static void run_mtu_changed(struct run *r)
{
	uint16_t family = r->budget.outer_family;
	unsigned wg_mtu = paths_smallest(r->u, r->budget.wg_mtu, &family);
	struct site_mtus mtus;
	struct site_error e;

	r->u->engine.mtu_changed = false;
	if (wg_mtu == r->budget.wg_mtu)
		return;
	r->budget.outer_family = family;
	r->budget.outer_mtu = mtu_of_underlay(wg_mtu, family);
	r->budget.wg_mtu = wg_mtu;
	log_info("the underlay carries packets of %u bytes now, wg MTU %u", r->budget.outer_mtu,
		wg_mtu);
	if (!run_mtus(r, &r->conf, &mtus) && site_set_mtus(r->site, &mtus, &e) < 0)
		say(&e);
}

static void on_news(void *ctx, uint32_t events)
{
	struct run *r = ctx;
	struct digest d;

	(void)events;
	digest_init(&d, 0);
	if (news_read(&r->news, &d) < 0)
		digest_lose(&d);
	sources_check(r->u, &r->news.questions, &d);
	if (!digest_is_empty(&d))
		names_news(r->u);
	r->routes_changed |= !digest_is_empty(&d);
}

static int run_open_news(struct run *r)
{
	int err = news_open(&r->news, NEWS_ALL);

	if (err < 0)
		return run_failed("Cannot listen to the kernel's news", err, "Is there memory?");
	r->news_watch =
		(struct loop_watch){ .fd = news_fd(&r->news), .callback = on_news, .ctx = r };
	return loop_add(&r->loop, &r->news_watch, EPOLLIN);
}

/* Peers that have moved are looked up at once, unless they do nothing else: a look-up asks the
 * kernel, sends a large probe to where the peer seems to be, and may change MTUs, all for one small
 * datagram. */
#define LOOK_UP_NS    (NS_PER_S / 4)
#define LOOK_UP_BURST 8

/* When the loop is to wake up at the latest. */
static struct mono run_deadline(const struct run *r)
{
	struct mono due = userspace_deadline(r->u);

	if (r->u->engine.path_unknown)
		due = mono_earliest(due, mono_add(clock_mono(), LOOK_UP_NS));
	return due;
}

/* After each wake-up: what the engine and the kernel have said of the paths. */
static void run_paths(struct run *r)
{
	if (r->u->udp.last_error == EMSGSIZE)
		r->routes_changed = true;
	r->u->udp.last_error = 0;
	if (r->routes_changed)
		paths_refresh(r->u);
	r->routes_changed = false;
	if (r->u->engine.path_unknown &&
		bucket_take(&r->look_ups, clock_mono(), LOOK_UP_NS, LOOK_UP_BURST)) {
		paths_look_up(r->u, &r->conf, r->budget.wg_mtu, false);
		userspace_work(r->u);
	}
	if (r->u->engine.mtu_changed)
		run_mtu_changed(r);
}

/* ---- hooks, readiness, stopping ---- */

static void run_end(struct run *r, int exit_code)
{
	r->exit_code = exit_code;
	loop_stop(&r->loop);
}

/* Start hooks of a kind. Return: whether some are running now. */
static bool run_hooks(struct run *r, enum site_hook kind, int *ret_err)
{
	struct site_error e;

	*ret_err = site_hook_start(r->site, kind, &r->hook, &e);
	if (*ret_err < 0)
		say(&e);
	r->hook_kind = kind;
	return !*ret_err && r->hook > 0;
}

static void run_stop(struct run *r)
{
	int err;

	if (r->stopping)
		return;
	r->stopping = true;
	notify_stopping(&r->notify);
	if (r->hook)
		return; /* what PostUp is about to do must not come after what undoes it: on_child()
			 */
	if (!r->ready || !run_hooks(r, SITE_HOOK_PRE_DOWN, &err))
		run_end(r, r->ready ? 0 : 1);
}

static void run_ready(struct run *r)
{
	r->ready = true;
	log_info("%s is up (%s %s, port %u, wg MTU %u)", r->conf.name, r->conf.interface.name,
		aead_name(&r->u->engine.aead), r->u->udp.port, r->budget.wg_mtu);
	notify_ready(&r->notify, "running");
	if (r->detached && detach_ready(&r->detach) < 0)
		run_stop(r);
}

/* ---- requests ---- */

static int run_reload(struct run *r, struct site_error *e)
{
	struct conf_site next;
	struct site_mtus mtus;
	int err = run_load(r, &next, e);

	r->u->engine.wg.spent = true; /* reading the file has left keys behind */
	if (err < 0)
		return err;
	keys_recall(r->u, &r->conf);
	err = run_comparable(&r->conf, &next, e);
	if (!err)
		err = apply_add(r->u, &next, e);
	if (!err) {
		run_budget(r, &next, site_fwmark(r->site));
		err = run_mtus(r, &next, &mtus);
	}
	if (!err)
		err = site_reload(r->site, &next, &mtus, e);
	if (err < 0) {
		struct site_error ignored;

		/* back to what was; the machine's part converges with the next reload */
		(void)apply_add(r->u, &r->conf, &ignored);
		apply_sweep(r->u, &r->conf);
		keys_forget(&r->conf);
		run_budget(r, &r->conf, site_fwmark(r->site));
		conf_site_fini(&next);
		return err;
	}
	apply_sweep(r->u, &next);
	conf_site_fini(&r->conf);
	keys_forget(&next);
	r->conf = next;
	run_follow(r, &r->conf);
	run_mtu_changed(r);
	site_conf_moved(r->site, &r->conf);
	err = userspace_rebind(r->u,
		r->conf.interface.listen_port ? r->conf.interface.listen_port : r->u->udp.port,
		site_fwmark(r->site));
	if (err < 0) {
		*e = (struct site_error){ .code = err };
		snprintf(e->problem, sizeof(e->problem),
			"Cannot listen on port %u: %s; still on port %u.",
			r->conf.interface.listen_port, strerror(-err), r->u->udp.port);
		snprintf(e->mend, sizeof(e->mend), "Choose another ListenPort, and reload again.");
	}
	userspace_work(r->u);
	return err;
}

static int run_status(struct run *r, struct status_report *s)
{
	snprintf(s->site, sizeof(s->site), "%s", r->conf.name);
	snprintf(s->version, sizeof(s->version), "%s", WIRESPAN_VERSION);
	snprintf(s->backend, sizeof(s->backend), "%s", r->choice.backend);
	snprintf(s->backend_reason, sizeof(s->backend_reason), "%s", r->choice.reason);
	s->pid = (uint32_t)getpid();
	s->uptime_ms = mono_between(r->begun, clock_mono()) / NS_PER_MS;
	userspace_work(r->u);
	drop_clock_tick(&r->drop_clock, &r->u->engine.drops, clock_mono());
	drop_clock_ages(&r->drop_clock, clock_mono(), &s->drop_ages_ms);
	if (!r->memory_locked &&
		status_add_warning(s, "Memory is not locked, keys may reach swap: set "
				      "LimitMEMLOCK=infinity, or encrypt the swap.") < 0)
		return -ENOMEM;
	return report_engine(r->u, &r->conf, &r->budget, s) < 0 ? -ENOMEM
								: report_bridges(&r->conf, s);
}

static void on_request(void *ctx, const struct ctl_request *request, struct ctl_reply *reply)
{
	struct run *r = ctx;
	struct site_error e;
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
	struct run *r = ctx;

	(void)events;
	ctl_server_run(r->ctl);
}

static void on_child(struct run *r)
{
	struct site_error e;
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	int err;

	if (pid <= 0 || pid != r->hook)
		return;
	r->hook = 0;
	err = site_hook_end(r->site, r->hook_kind, status, &e);
	if (err < 0)
		say(&e);
	if (r->hook_kind == SITE_HOOK_PRE_DOWN || err < 0)
		run_end(r, err < 0 ? 1 : 0);
	else if (r->stopping)
		run_end(r, 1); /* it never was up */
	else
		run_ready(r);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct run *r = ctx;
	struct signalfd_siginfo info;
	struct site_error e;

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
				say(&e);
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

static int run_open_signals(struct run *r)
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

static int run_open_ctl(struct run *r)
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
	struct run *r = ctx;

	log_info("the socket of %s was removed: going down", r->conf.interface.name);
	run_stop(r);
}

/* A site works without it; only wg(8) will not see it. */
static void run_open_wgsock(struct run *r)
{
	const char *name = r->conf.interface.name;
	int err = wgsock_open(&r->wgsock, &r->loop, r->u, name, -1, on_wgsock_removed, r);

	if (err == -EADDRINUSE)
		log_warning("wg(8) will not show %s: another process has %s/%s.sock, perhaps in "
			    "another network namespace. Choose another [Interface] Name.",
			name, UAPI_FOLDER, name);
	else if (err < 0)
		log_warning("wg(8) will not show %s: cannot open its socket in %s: %s.", name,
			UAPI_FOLDER, strerror(-err));
}

static int run_open_engine(struct run *r)
{
	struct userspace_options options;
	struct userspace_sizes sizes = {
		.peers = r->conf.n_peers + 8, .allowed_ips = 64, .packet_max = 10240
	};
	struct site_error e;
	int err = userspace_options_from(getenv("WIRESPAN_OPTIONS"), &options);

	if (err < 0)
		return run_failed(
			"Cannot read WIRESPAN_OPTIONS", err, "See wirespan(8), ENVIRONMENT.");
	err = userspace_open(&r->loop, &options, &sizes, &r->u);
	if (err < 0)
		return run_failed("Cannot start the engine", err,
			"Is there memory, and an AEAD provider of that name?");
	err = userspace_open_tun(r->u, r->conf.interface.name);
	if (err < 0)
		return run_failed("Cannot make the interface [Interface] Name", err,
			"Are you root, is /dev/net/tun there, and the name free?");
	err = apply_add(r->u, &r->conf, &e);
	keys_forget(&r->conf);
	return err < 0 ? say(&e) : 0;
}

static int run_up(struct run *r)
{
	struct site_error e;
	struct site_mtus mtus;
	int err;

	err = choose_backend(r->conf.backend, &r->choice, &e);
	if (err < 0)
		return say(&e);
	err = site_open(&r->conf, NULL, &r->site, &e);
	if (err < 0)
		return say(&e);
	err = run_open_engine(r);
	if (err < 0)
		return err;
	run_budget(r, &r->conf, r->conf.interface.fwmark);
	err = run_mtus(r, &r->conf, &mtus);
	if (err < 0)
		return err;
	err = site_up(r->site, &mtus, &e);
	if (err < 0)
		return say(&e);
	err = userspace_start(r->u, r->conf.interface.listen_port, site_fwmark(r->site));
	if (err < 0) {
		log_error("Cannot listen on UDP port %u ([Interface] ListenPort): %s. Is another "
			  "WireGuard using it "
			  "(ss -ulpn)? Choose another port.",
			r->conf.interface.listen_port, strerror(-err));
		return err;
	}
	run_open_wgsock(r);
	run_follow(r, &r->conf);
	userspace_work(r->u);
	err = run_open_news(r);
	return err < 0 ? err : run_open_ctl(r);
}

static void run_fini(struct run *r)
{
	if (r->site)
		site_down(r->site);
	wgsock_close(&r->wgsock);
	userspace_close(r->u);
	ctl_server_close(r->ctl); /* before the site's folder, which is removed when it is empty */
	site_close(r->site);
	if (r->signal_watch.fd > 0)
		close(r->signal_watch.fd);
	news_close(&r->news);
	loop_close(&r->loop);
	free(r->session_mtus);
	notify_close(&r->notify);
	conf_site_fini(&r->conf);
}

static void run_loop(struct run *r)
{
	int err = 0;

	while (!r->loop.stop && !err) {
		err = loop_run_once(&r->loop, run_deadline(r));
		if (mono_reached(userspace_deadline(r->u), clock_mono()))
			userspace_work(r->u);
		drop_clock_tick(&r->drop_clock, &r->u->engine.drops, r->u->engine.now);
		run_paths(r);
		userspace_tidy(r->u);
		if (r->u->lost) {
			log_error("Interface %s was deleted by somebody else: going down. Leave "
				  "wirespan's "
				  "interfaces to it.",
				r->u->lost->tap.name);
			run_end(r, 1);
		}
	}
	if (err < 0) {
		run_failed("Cannot wait for events", err, "Report this.");
		r->exit_code = 1;
	}
}

/* The rest of the life of a site whose configuration is loaded. Return: the exit code. */
static int run_loaded(struct run *r)
{
	int err = loop_open(&r->loop);

	r->memory_locked = hush_process();
	if (!err)
		err = run_open_signals(r);
	if (!err)
		err = run_up(r);
	if (err < 0) {
		run_fini(r);
		return 1;
	}
	if (!run_hooks(r, SITE_HOOK_POST_UP, &err)) {
		if (err < 0)
			run_end(r, 1);
		else
			run_ready(r);
	}
	run_loop(r);
	run_fini(r);
	return r->exit_code;
}

int run_site(const struct run_config *config)
{
	struct run r = { .config = config,
		.loop = { .epoll_fd = -1 },
		.begun = clock_mono(),
		.notify = { -1 } };
	struct site_error e;
	int exit_code = 1;
	int err = run_load(&r, &r.conf, &e);

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
	}
	(void)notify_open(&r.notify);
	return run_loaded(&r);
}
