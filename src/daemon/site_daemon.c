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

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctl/unixsock.h"
#include "daemon/memlock.h"
#include "daemon/reload_rules.h"
#include "daemon/site_files.h"
#include "daemon/site_keys.h"
#include "daemon/site_state.h"
#include "daemon/site_status.h"
#include "daemon/site_upgrade.h"
#include "host/host_report.h"
#include "host/route_plan.h"

/* Routes to prefixes shorter than this may cover the name servers, too. */
#define FAR_LEN 8

/* How long the installation of such routes waits for the names of peers. */
#define NAMES_PATIENCE (10 * NS_PER_S)

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
	struct error e;

	error_set(&e, err, "%s:\n%s", what, hint);
	return log_error_text(&e);
}

/* ---- the configuration ---- */

/* Write every problem to the log, with its severity. */
static void log_problems(const struct conf_report *report, const struct conf_site *site)
{
	char *text;

	for (size_t i = 0; i < report->n; i++) {
		text = conf_problem_text(&report->v[i], site);
		log_lines(report->v[i].severity == CONF_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			text ? text : "out of memory\n");
		free(text);
	}
	text = conf_report_rest(report);
	log_lines(conf_report_ok(report) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
		text ? text : "out of memory\n");
	free(text);
}

/* Load the file. Returns the first error; `logs`: logs every problem. Return: 0; -EINVAL if the
 * file has mistakes, or -EAGAIN if this host is not ready for it: then there is nothing to free. */
static int run_load(struct site_daemon *r, bool logs, struct conf_site *ret, struct error *e)
{
	struct conf_report report = { 0 };
	bool ok;
	int err;

	r->config->load(r->path, ret, &report);
	r->scrub = true;
	*e = (struct error){ .code = -EINVAL,
		.problem = "The configuration was not read: no memory." };
	if (logs)
		log_problems(&report, ret);
	for (size_t i = report.n; i-- > 0;) {
		const struct conf_problem *p = &report.v[i];

		if (p->severity != CONF_ERROR)
			continue;
		snprintf(e->problem, sizeof(e->problem), "%s:%u: %s",
			ret->files && ret->n_files > p->at.file ? ret->files[p->at.file] : r->path,
			p->at.line, p->text);
		snprintf(e->hint, sizeof(e->hint), "%s", p->hint ? p->hint : "");
	}
	ok = conf_report_ok(&report);
	err = ok ? 0 : report.n_errors > report.n_of_host ? -EINVAL : -EAGAIN;
	conf_report_fini(&report);
	if (!ok)
		conf_site_fini(ret);
	return err;
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

/* Whether packets go on if this process is killed. */
static void run_outlive(struct site_daemon *r, bool on)
{
	if (r->site && r->choice.backend->outlive)
		r->choice.backend->outlive(r->site, on);
}

static void run_stop(struct site_daemon *r)
{
	int err;

	if (r->stopping)
		return;
	r->stopping = true;
	host_guard_stop(&r->guard);
	peer_follow_stop(&r->peers);
	run_outlive(r, false);
	notify_stopping(&r->notify);
	if (r->hook)
		return; /* PostUp must end before it is undone: on_child() continues */
	if (!r->ready || !run_hooks(r, HOST_HOOK_PRE_DOWN, &err))
		run_end(r, r->ready ? 0 : 1);
}

/* Log what the site runs on. */
static void log_up(struct site_daemon *r)
{
	struct status_report s = { 0 };

	if (r->choice.backend->report(r->site, &s) < 0)
		log_info("%s is up", r->conf->name);
	else
		log_info("%s is up (%s %s, port %u, wg MTU %u)", r->conf->name,
			r->conf->interface.name, s.aead, s.wg.listen_port, s.budget.wg_mtu);
	status_report_fini(&s);
}

/* Store what the site runs with, for a later process to resume it. */
static void store_running(struct site_daemon *r)
{
	const struct backend *backend = r->choice.backend;
	struct error e;

	if ((backend->resumes || backend->outlive) && host_store_running(r->host, r->conf, &e) < 0)
		log_error_text(&e);
}

static bool run_is_deleted(void *ctx, const char *name)
{
	struct site_daemon *r = ctx;

	return r->choice.backend->is_deleted(r->site, name);
}

/* Give the keys of the WireGuard interface back to a back end that holds none. */
static int run_read_keys(struct site_daemon *r, struct error *e)
{
	struct conf_site file;
	int err = run_load(r, false, &file, e); /* which is tried again, and logged by the guard */

	if (err < 0)
		return err;
	err = site_keys_take(r->conf, &file, r->reloading, e);
	conf_site_fini(&file);
	return err;
}

static int run_make_again(void *ctx, const char *name, struct error *ret_error)
{
	struct site_daemon *r = ctx;
	const struct backend *backend = r->choice.backend;
	int err = backend->forgets_keys && !strcmp(name, r->conf->interface.name)
			  ? run_read_keys(r, ret_error)
			  : 0;

	return err < 0 ? err : backend->make_again(r->site, name, ret_error);
}

/* Whether the site goes on without this process. A service manager would take the end of the
 * process for that of the site. */
static bool nothing_to_watch(struct site_daemon *r)
{
	const struct backend *backend = r->choice.backend;

	return backend->resumes && !backend->needs_process(r->conf) && r->notify.fd < 0 &&
	       !host_guard_look(&r->guard)->n;
}

static void run_ready(struct site_daemon *r)
{
	r->ready = true;
	store_running(r);
	run_outlive(r, true);
	r->interfaces = (struct host_interfaces){ run_is_deleted, run_make_again, r };
	host_guard_start(&r->guard, r->host, &r->loop,
		r->choice.backend->make_again ? &r->interfaces : NULL);
	log_up(r);
	peer_follow_start(&r->peers);
	notify_ready(&r->notify, peer_follow_status(&r->peers));
	if (nothing_to_watch(r)) {
		log_info("%s needs no process, and none stays: Endpoint and MTU are numbers, and "
			 "all members are there. What others change is not restored before the "
			 "next `wirespan up %s`, which also applies an edited file.",
			r->conf->name, r->conf->name);
		r->leaving = true;
		run_end(r, 0);
	}
	if (r->from)
		site_upgrade_finish(r);
	else if (r->detached && detach_ready(&r->detach) < 0)
		run_stop(r);
}

/* ---- requests ---- */

/* Set the MTUs of the interfaces that the back end has computed. Return: 0, or -errno with `e`
 * filled. */
static int run_set_mtus(struct site_daemon *r, struct error *e)
{
	const struct host_mtus mtus = r->choice.backend->mtus(r->site);

	return host_set_mtus(r->host, &mtus, e);
}

/* Apply `next` to the back end and the host. Return: 0; or -errno with `e` filled, and the back end
 * is as before, while the host's part converges with the next reload. */
static int run_change_to(struct site_daemon *r, struct conf_site *next, struct error *e)
{
	const struct backend *backend = r->choice.backend;
	struct host_mtus mtus;
	int err = backend->apply(r->site, next, e);

	if (err < 0)
		return err;
	mtus = backend->mtus(r->site);
	err = host_reload(r->host, next, &mtus, e);
	if (err < 0)
		backend->revert(r->site);
	return err;
}

/* Reload the file. Return: 0 with a note for the user in `note`, which may be empty; or -errno with
 * `e` filled. */
static int run_reload(struct site_daemon *r, char note[static RELOAD_NOTE_LEN], struct error *e)
{
	struct conf_site *have = r->conf;
	struct conf_site *next = have == r->confs ? r->confs + 1 : r->confs;
	struct error of_host;
	int settled;
	int err = run_load(r, true, next, e);

	if (err < 0)
		return err;
	err = reload_check(r->choice.backend->name, have, next, e);
	r->reloading = true;
	if (!err)
		host_guard_make_again(&r->guard);
	r->reloading = false;
	if (!err)
		err = run_change_to(r, next, e);
	if (err < 0) {
		conf_site_fini(next);
		return err;
	}
	r->conf = next;
	reload_note(&have->interface, &next->interface, note);
	err = r->choice.backend->sweep(r->site, host_fwmark(r->host), e);
	conf_site_fini(have);
	store_running(r);
	if (run_set_mtus(r, &of_host) < 0)
		log_error_text(&of_host);
	settled = host_guard_settle(&r->guard, &of_host);
	if (settled < 0 && err < 0)
		log_error_text(&of_host);
	else if (settled < 0)
		*e = of_host;
	return err < 0 ? err : settled;
}

static int run_status(struct site_daemon *r, struct status_report *s)
{
	snprintf(s->site, sizeof(s->site), "%s", r->conf->name);
	snprintf(s->version, sizeof(s->version), "%s", WIRESPAN_VERSION);
	snprintf(s->backend, sizeof(s->backend), "%s", r->choice.backend->name);
	snprintf(s->backend_reason, sizeof(s->backend_reason), "%s", r->choice.reason);
	s->pid = (uint32_t)getpid();
	s->uptime_ms = mono_between(r->begun, clock_mono()) / NS_PER_MS;
	if (!r->memory_locked &&
		status_add_warning(s, "Memory is not locked, keys may reach swap: set "
				      "LimitMEMLOCK=infinity, or encrypt the swap.") < 0)
		return -ENOMEM;
	if (r->unconfined &&
		status_add_warning(s, "The engine has no process of its own, as none could be "
				      "started: see the log.") < 0)
		return -ENOMEM;
	if (r->choice.backend->report(r->site, s) < 0)
		return -ENOMEM;
	site_status_name_peers(r->conf, s);
	return host_report(r->host, &r->guard, s);
}

/* Start a capture for the client of `request`. Return: 0, or -errno with `e` filled. */
static int run_capture(struct site_daemon *r, const struct ctl_request *request, struct error *e)
{
	const struct backend *backend = r->choice.backend;

	if (backend->capture && unixsock_peer_is_root(request->stream)) {
		int err = backend->capture(r->site, request->stream, request->snap, e);

		if (!err)
			log_info("%s: a capture was started", r->conf->name);
		return err;
	}
	close(request->stream);
	if (backend->capture)
		return error_set(e, -EPERM, "Only root may capture\nTry it with sudo.");
	return error_set(e, -EOPNOTSUPP,
		"The %s back end cannot capture\n"
		"Use tcpdump on %s, on the sessions' interfaces and on the underlay.",
		backend->name, r->conf->interface.name);
}

static int on_report(void *ctx, struct status_report *ret)
{
	return run_status(ctx, ret);
}

static void on_request(void *ctx, const struct ctl_request *request, struct ctl_reply *reply)
{
	struct site_daemon *r = ctx;
	struct error e;
	char text[SENTENCES_LEN];
	char note[RELOAD_NOTE_LEN];

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
		site_files_open_status(r, on_report);
		if (run_reload(r, note, &e) < 0)
			ctl_reply_fail(reply, "%s", sentences(&e, text));
		else if (*note)
			snprintf(reply->text, sizeof(reply->text), "reloaded. %s", note);
		return;
	case CTL_CAPTURE:
		if (run_capture(r, request, &e) < 0)
			ctl_reply_fail(reply, "%s", sentences(&e, text));
		return;
	case CTL_UPGRADE:
		if (site_upgrade_run(r, request, &e) < 0)
			ctl_reply_fail(reply, "%s", sentences(&e, text));
		return;
	case CTL_VERB_COUNT:
		return;
	}
}

static void on_child(struct site_daemon *r)
{
	struct error e;
	int status;
	pid_t pid;
	int err;

	peer_follow_child(&r->peers);
	if (!r->hook)
		return; /* the back end waits for its own processes */
	do
		pid = waitpid(r->hook, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return;
	if (pid < 0) {
		log_warning("How %s has ended is not known (%s): it counts as failed.",
			r->hook_kind == HOST_HOOK_POST_UP ? "PostUp" : "PreDown", strerror(errno));
		status = EXIT_FAILURE << 8; /* as wait(2) reports it */
	}
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
	char note[RELOAD_NOTE_LEN];
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
			if (run_reload(r, note, &e) < 0)
				log_error_text(&e);
			else
				log_info("%s reloaded%s%s", r->conf->name, *note ? ". " : "", note);
			notify_ready(&r->notify, peer_follow_status(&r->peers));
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
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, 0 };

	signal(SIGPIPE, SIG_IGN);
	return loop_watch_signals(&r->loop, &r->signal_watch, signals, on_signal, r);
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

/* What to do about a site whose process has ended without `down`. */
static enum host_leftovers leftovers_of(const struct backend *backend)
{
	return backend->resumes ? HOST_RESUME : backend->outlive ? HOST_ADOPT : HOST_UNDO;
}

static int run_open_with(struct site_daemon *r, enum host_leftovers leftovers, struct error *e)
{
	int err = host_open(r->conf, leftovers, NULL, &r->host, e);

	return err < 0 ? err : r->choice.backend->open(&r->loop, r->host, r->conf, &r->site, e);
}

static int run_open(struct site_daemon *r, struct error *e)
{
	const struct backend *backend = r->choice.backend;
	char text[SENTENCES_LEN];
	int err;

	log_info("back end: %s (%s)", backend->name, r->choice.reason);
	err = run_open_with(r, leftovers_of(backend), e);
	if (err == 0 || !backend->outlive || !r->host || !host_is_resumed(r->host))
		return err;
	log_warning("The engine of %s cannot be adopted: %s", r->conf->name, sentences(e, text));
	log_warning("The site is undone, and made again.");
	host_leave(r->host);
	r->host = NULL;
	return run_open_with(r, HOST_UNDO, e);
}

static int run_up(struct site_daemon *r)
{
	const struct backend *backend;
	struct error e;
	struct host_mtus mtus;
	int err;

	err = backend_select(r->conf, &r->choice, &e);
	if (!err)
		err = backend_isolate(r->conf->isolation, &r->choice, &e);
	if (err < 0 && r->from)
		site_upgrade_failed(r, &e);
	if (err < 0)
		return log_error_text(&e);
	backend = r->choice.backend;
	err = r->from ? site_upgrade_adopt(r, &e) : run_open(r, &e);
	if (err < 0)
		return log_error_text(&e);
	r->unconfined = r->site->backend != backend;
	backend = r->choice.backend = r->site->backend;
	if (!r->from && leads_far(r->conf))
		backend->await_names(
			r->site, mono_add(clock_mono(), NAMES_PATIENCE), r->signal_watch.fd);
	mtus = backend->mtus(r->site);
	err = host_is_resumed(r->host) ? host_take_over(r->host, &mtus, &e)
				       : host_up(r->host, &mtus, &e);
	if (err < 0 && r->from) { /* as before the upgrade: the guard reports it, and restores it */
		log_error_text(&e);
		if (host_set_mtus(r->host, &mtus, &e) < 0)
			log_error_text(&e);
		err = 0;
	}
	if (!err)
		err = backend->start(r->site, host_fwmark(r->host), &e);
	if (err < 0)
		return log_error_text(&e);
	site_files_open_status(r, on_report);
	return site_files_open_ctl(r, on_request);
}

static void run_fini(struct site_daemon *r)
{
	run_outlive(r, false);
	host_guard_stop(&r->guard);
	peer_follow_stop(&r->peers);
	if (r->host && !r->leaving)
		host_down(r->host);
	if (r->site)
		r->choice.backend->close(r->site);
	status_server_close(r->status);
	ctl_server_close(r->ctl); /* before host_close(), which removes the folder if empty */
	if (r->leaving)
		host_leave(r->host);
	else if (host_close(r->host) < 0)
		r->exit_code = 1;
	if (r->signal_watch.fd > 0)
		close(r->signal_watch.fd);
	loop_close(&r->loop);
	notify_close(&r->notify);
	conf_site_fini(r->conf);
}

/* Whether a deleted interface is made again: by the guard, now or when PostUp has ended. */
static bool is_made_again(struct site_daemon *r)
{
	return r->ready ? host_guard_interface_lost(&r->guard)
			: r->choice.backend->make_again != NULL;
}

/* Act on what the back end reports; `events` is a set of enum backend_event. */
static void run_events(struct site_daemon *r, unsigned events)
{
	struct error e;

	if (events & BACKEND_MTUS_CHANGED && run_set_mtus(r, &e) < 0)
		log_error_text(&e);
	if (events & BACKEND_END_REQUESTED)
		run_stop(r);
	if (events & BACKEND_INTERFACE_LOST && !is_made_again(r)) {
		log_error("An interface of %s was deleted by another process: going down. Leave "
			  "wirespan's interfaces to it.",
			r->conf->name);
		run_end(r, 1);
	}
}

static void run_peers(struct site_daemon *r)
{
	const struct peer_follow_site site = { r->choice.backend, r->site, r->host, r->conf,
		&r->notify };

	peer_follow_work(&r->peers, &site);
}

/* Make lost files again: a note of the engine for the next monitor, too. */
static void run_files(struct site_daemon *r)
{
	if (!site_files_work(r) || !r->ready)
		return;
	store_running(r);
	run_outlive(r, true);
}

static struct mono run_deadline(const struct site_daemon *r)
{
	struct mono due =
		mono_earliest(r->choice.backend->deadline(r->site), host_guard_deadline(&r->guard));

	due = mono_earliest(due, notify_deadline(&r->notify));
	due = mono_earliest(due, site_files_deadline(r));
	return mono_earliest(due, peer_follow_deadline(&r->peers));
}

static void run_loop(struct site_daemon *r)
{
	const struct backend *backend = r->choice.backend;
	int err = 0;

	while (!r->loop.stop && !err) {
		err = loop_run_once(&r->loop, run_deadline(r));
		notify_alive(&r->notify);
		host_guard_work(&r->guard);
		run_events(r, backend->work(r->site));
		run_peers(r);
		run_files(r);
		if (r->scrub)
			secret_wipe_stack();
		r->scrub = false;
	}
	if (err < 0) {
		run_failed("Cannot wait for events", err, "");
		r->exit_code = 1;
	}
}

/* The site has not come up: leave one that was to be resumed as it is, and undo another one. */
static void run_give_up(struct site_daemon *r)
{
	r->leaving = r->host && host_is_resumed(r->host) && r->choice.backend->resumes;
	if (r->leaving)
		log_warning("%s goes on as before, without a process. Correct the cause, and run "
			    "wirespan up again.",
			r->conf->name);
	run_fini(r);
}

/* Run a site whose configuration is loaded, until it ends. Return: the exit code. */
static int run_loaded(struct site_daemon *r)
{
	int err = loop_open(&r->loop);

	log_never_wait();
	if (!err)
		err = run_open_signals(r);
	if (err < 0)
		run_failed("Cannot wait for events", err, "Is epoll allowed here?");
	if (!err)
		err = run_up(r);
	if (err < 0) {
		run_give_up(r);
		return 1;
	}
	if (host_is_resumed(r->host)) {
		run_ready(r); /* PostUp has run */
	} else if (!run_hooks(r, HOST_HOOK_POST_UP, &err)) {
		if (err < 0)
			run_end(r, 1);
		else
			run_ready(r);
	}
	run_loop(r);
	run_fini(r);
	return r->exit_code;
}

/* Continue the site of the program before this one. Return: the exit code. */
static int run_upgraded(struct site_daemon *r)
{
	struct succession from;
	char *path = NULL;
	struct error e;
	int exit_code = 1;
	int err = upgrade_receive(&from, &e);

	r->from = &from;
	if (!err)
		err = site_upgrade_begin(r, &path, &e);
	r->path = path;
	if (err == -ENODATA) /* the back end has no keys: they are in the file alone */
		err = run_load(r, true, r->conf, &e);
	if (err < 0) {
		log_error_text(&e);
		site_upgrade_failed(r, &e);
	} else {
		exit_code = run_loaded(r);
	}
	r->from = NULL;
	upgrade_fini(&from);
	free(path);
	return exit_code;
}

int site_daemon_run(const struct site_daemon_config *config)
{
	struct site_daemon r = { .config = config,
		.path = config->path,
		.conf = r.confs,
		.loop = { .epoll_fd = -1 },
		.begun = clock_mono(),
		.notify = { .fd = -1 } };
	struct error e;
	int exit_code = 1;
	int err;

	r.memory_locked = memlock_process(!config->detach);
	if (upgrade_is_requested())
		return run_upgraded(&r);
	err = run_load(&r, true, r.conf, &e);
	if (err < 0)
		return err == -EINVAL ? SITE_DAEMON_BAD_FILE : 1;
	if (config->detach) {
		err = detach_begin(&r.detach, &exit_code);
		if (err != 0) {
			if (err < 0)
				run_failed(
					"Cannot go to the background", err, "Run it without -d.");
			conf_site_fini(r.conf);
			return exit_code;
		}
		r.detached = true;
		r.memory_locked = memlock_process(true);
	}
	(void)notify_open(&r.notify);
	return run_loaded(&r);
}
