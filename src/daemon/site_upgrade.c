/* SPDX-License-Identifier: MIT */
/* A running site goes on with another program: what is passed on, and how it is taken over. */
#include "daemon/site_upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/complete.h"
#include "conf/parse.h"
#include "ctl/unixsock.h"
#include "daemon/memlock.h"

/* ---- the old program ---- */

/* Write what another program needs to go on. Return: 0, or -errno with `e` filled. */
static int save(struct site_daemon *r, struct saved_state *state, struct error *e)
{
	const struct backend *backend = r->choice.backend;

	if (!backend->save)
		return error_set(e, -EOPNOTSUPP,
			"Only a site whose engine is a process of its own can be upgraded while it "
			"runs\nSet [Site] Isolation = yes, and restart %s once.",
			r->conf->name);
	if (!r->ready || r->stopping || peer_follow_save(&r->peers, state) < 0)
		return error_set(e, -EBUSY,
			"%s is starting or stopping, or a hook runs\nTry again in a moment.",
			r->conf->name);
	saved_put_text(state, "site", r->conf->name);
	saved_put_text(state, "version", WIRESPAN_VERSION);
	saved_put_text(state, "path", r->path);
	saved_put_text(state, "backend", backend->name);
	saved_put_number(state, "begun", r->begun.ns);
	saved_put_number(state, "detached", r->detached);
	saved_put_number(state, "verbose", log_shows(LOG_LEVEL_DEBUG));
	saved_put_fd(state, "lock", host_lock_fd(r->host));
	saved_put_fd(state, "ctl", ctl_server_listen_fd(r->ctl));
	notify_save(&r->notify, state);
	return backend->save(r->site, state, e);
}

int site_upgrade_run(struct site_daemon *r, const struct ctl_request *request, struct error *e)
{
	struct saved_state state = { 0 };
	int err;

	if (!unixsock_peer_is_root(request->stream))
		err = error_set(e, -EPERM, "Only root may upgrade\nTry it with sudo.");
	else
		err = save(r, &state, e);
	if (!err) {
		saved_put_fd(&state, "client", request->stream);
		notify_reloading(&r->notify, clock_mono());
		r->notify.alive_next = clock_mono();
		notify_alive(&r->notify); /* the trial may take as long as the watchdog waits */
		err = upgrade_run(&state, request->program, e);
		notify_ready(&r->notify, peer_follow_status(&r->peers));
	}
	saved_fini(&state);
	close(request->stream);
	return err;
}

/* ---- the new program ---- */

/* Parse the configuration that the site runs with. Return: 0; -ENODATA if it was not passed on; or
 * -errno with `e` filled. */
static int read_conf(const struct saved_state *saved, struct conf_site *ret, struct error *e)
{
	struct conf_source source = { .name = "the running configuration", .folder = "/" };
	struct conf_report report = { 0 };
	struct saved_item item;
	int err;

	if (!saved_find(saved, "conf", 0, &item))
		return -ENODATA;
	source.bytes = (const char *)item.value;
	source.len = item.len;
	conf_site_init(ret);
	err = conf_parse(ret, &source, &report);
	conf_complete(ret, &report);
	free(ret->name);
	ret->name = saved_text(saved, "site");
	if (!err && (!ret->name || !conf_report_ok(&report)))
		err = -EINVAL;
	if (err < 0) {
		error_set(e, err,
			"This version refuses the running configuration: %s\n"
			"See `wirespan validate` of this version; correct the file, and reload.",
			report.n ? report.v[0].text : "it cannot be read");
		conf_site_fini(ret);
	}
	conf_report_fini(&report);
	return err;
}

/* The last error, which is what a trial reports; its log would be another site's. */
static void discard_log(enum log_level level, const char *line)
{
}

static void use_log(const struct succession *from)
{
	if (from->report_fd >= 0)
		log_to_sink(discard_log);
	else if (saved_number(&from->state, "detached", 1, 0))
		log_to_syslog();
	if (saved_number(&from->state, "verbose", 1, 0))
		log_set_level(LOG_LEVEL_DEBUG);
}

int site_upgrade_begin(struct site_daemon *r, char **ret_path, struct error *e)
{
	const struct saved_state *saved = &r->from->state;

	use_log(r->from);
	r->memory_locked = memlock_process(r->from->report_fd < 0);
	r->begun = (struct mono){ saved_number(saved, "begun", UINT64_MAX, r->begun.ns) };
	r->detached = saved_number(saved, "detached", 1, 0);
	r->detach.fd = -1;
	*ret_path = saved_text(saved, "path");
	if (!*ret_path || saved_fd(saved, "lock", 0) < 0)
		return error_set(e, -EBADMSG,
			"What the running program has saved is not complete.\n"
			"Restart the site to use this version.");
	if (r->from->report_fd < 0) {
		notify_adopt(&r->notify, saved);
		notify_alive(&r->notify);
	}
	if (peer_follow_restore(&r->peers, saved) < 0)
		return error_set(e, -ENOMEM, "There is no memory for the peers.");
	r->scrub = true;
	return read_conf(saved, r->conf, e);
}

/* Whether the back end that this program selects continues the one of the program before. */
static int check_backend(const struct site_daemon *r, struct error *e)
{
	const struct backend *backend = r->choice.backend;
	char *name = saved_text(&r->from->state, "backend");
	int err = 0;

	if (!name || strcmp(name, backend->name) != 0 || !backend->adopt)
		err = error_set(e, -EOPNOTSUPP,
			"This version would carry the site by another back end (%s)\n"
			"Restart the site to use it.",
			backend->name);
	free(name);
	return err;
}

/* Let the host's part continue. Return: 0, or -errno with `e` filled. */
static int adopt_host(struct site_daemon *r, struct error *e)
{
	const struct saved_state *saved = &r->from->state;
	struct conf_site *running = calloc(1, sizeof(*running));
	int err = running ? read_conf(saved, running, e)
			  : error_set(e, -ENOMEM, "There is no memory for the upgrade.");

	if (err == -ENODATA) {
		free(running);
		running = NULL;
		err = 0;
	}
	if (!err && running)
		conf_site_forget_keys(running); /* the host needs none */
	if (!err)
		err = host_adopt(r->conf, running, saved_fd(saved, "lock", 0), &r->host, e);
	if (err < 0)
		free(running);
	return err;
}

void site_upgrade_failed(struct site_daemon *r, const struct error *e)
{
	if (r->from->report_fd >= 0)
		upgrade_report(r->from, e);
	if (!r->from->state.len || upgrade_has_failed(r->from))
		return;
	log_error("The new program cannot take over: %s %s The old one carries on.", e->problem,
		e->hint);
	(void)upgrade_return(r->from, e);
}

int site_upgrade_adopt(struct site_daemon *r, struct error *e)
{
	const struct backend *backend = r->choice.backend;
	bool trial = r->from->report_fd >= 0;
	int err = check_backend(r, e);

	if (!err && !trial)
		err = adopt_host(r, e);
	if (!err)
		err = backend->adopt(&r->loop, r->host, r->conf, &r->from->state, &r->site, e);
	if (trial) {
		if (!err && r->site)
			backend->close(r->site);
		upgrade_report(r->from, err < 0 ? e : NULL);
	}
	if (err < 0)
		site_upgrade_failed(r, e);
	return err;
}

int site_upgrade_ctl_fd(const struct site_daemon *r)
{
	return r->from ? fcntl(saved_fd(&r->from->state, "ctl", 0), F_DUPFD_CLOEXEC, 3) : -1;
}

void site_upgrade_finish(struct site_daemon *r)
{
	char *before = saved_text(&r->from->state, "version");
	char note[CTL_REPLY_TEXT_LEN];
	const char *more = r->choice.backend->adopted ? r->choice.backend->adopted(r->site) : "";

	snprintf(note, sizeof(note), "version " WIRESPAN_VERSION " has taken over from %s%s%s",
		before ? before : "another one", *more ? ". " : "", more);
	log_info("%s: %s", r->conf->name, note);
	upgrade_finish(r->from, note);
	free(before);
	r->from = NULL;
}
