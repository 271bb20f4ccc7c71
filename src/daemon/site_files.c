/* SPDX-License-Identifier: MIT */
/* The sockets of a running site, and its files in the run folder, made again if they are lost. */
#include "daemon/site_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl/unixsock.h"
#include "daemon/site_upgrade.h"
#include "host/rundir.h"

#define POLL (SITE_FILES_POLL_MS * NS_PER_MS)

/* ---- the status socket ---- */

static void on_status(void *ctx, uint32_t events)
{
	struct site_daemon *r = ctx;

	(void)events;
	status_server_run(r->status);
}

static int open_status(struct site_daemon *r, const char *path)
{
	int err = status_server_open(path, r->on_report, r, &r->status);

	return err < 0 ? err
		       : loop_watch_input(&r->loop, &r->status_watch, status_server_fd(r->status),
				 on_status, r);
}

void site_files_open_status(struct site_daemon *r, status_server_report *on_report)
{
	char path[UNIXSOCK_PATH_LEN] = "";
	char text[UNIXSOCK_TEXT_LEN];
	int err = r->status ? -ENOENT : rundir_status_path(r->conf->name, path);

	r->on_report = on_report;
	if (err == -ENOENT)
		return;
	if (!err)
		err = open_status(r, path);
	if (err < 0)
		log_warning("Cannot open the status socket %s: %s wirespan-exporter does not see "
			    "the site; `wirespan reload %s` tries again.",
			path, unixsock_problem(path, err, text), r->conf->name);
}

/* Open the status socket again if its file is lost while the folder exists. */
static void keep_status(struct site_daemon *r)
{
	char path[UNIXSOCK_PATH_LEN] = "";

	if (!r->status || status_server_is_in_place(r->status) ||
		rundir_status_path(r->conf->name, path) < 0)
		return;
	loop_remove(&r->loop, &r->status_watch);
	status_server_close(r->status);
	r->status = NULL;
	site_files_open_status(r, r->on_report);
}

/* ---- the control socket ---- */

static void on_ctl(void *ctx, uint32_t events)
{
	struct site_daemon *r = ctx;

	(void)events;
	ctl_server_run(r->ctl);
}

/* `listen_fd`: what listens already, or NULL. Return: 0 and a server, or -errno, and in `ret_text`
 * why. */
static int open_ctl(struct site_daemon *r, const int *listen_fd, struct ctl_server **ret,
	char ret_text[static UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN])
{
	char path[UNIXSOCK_PATH_LEN] = "";
	char text[UNIXSOCK_TEXT_LEN];
	struct ctl_server_config config = {
		.path = path, .listen_fd = listen_fd, .handler = r->on_request, .ctx = r
	};
	int err = rundir_socket_path(r->conf->name, path);

	if (!err)
		err = ctl_server_open(&config, ret);
	if (err < 0)
		snprintf(ret_text, UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN, "%s: %s", path,
			unixsock_problem(path, err, text));
	return err;
}

int site_files_open_ctl(struct site_daemon *r, ctl_server_handler *on_request)
{
	char text[UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN];
	int listens = site_upgrade_ctl_fd(r);
	int err;

	r->on_request = on_request;
	err = open_ctl(r, listens < 0 ? NULL : &listens, &r->ctl, text);
	if (err < 0) {
		log_error("Cannot open the control socket %s", text);
		return err;
	}
	err = loop_watch_input(&r->loop, &r->ctl_watch, ctl_server_fd(r->ctl), on_ctl, r);
	if (err < 0)
		log_error("Cannot wait for requests: %s.%s", strerror(-err), error_limit_tail(err));
	else
		r->files_due = mono_add(clock_mono(), POLL);
	return err;
}

/* Open the control socket again if its file is lost. Return: 0, or -errno and in `ret_text` why;
 * then the old one goes on. */
static int keep_ctl(
	struct site_daemon *r, char ret_text[static UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN])
{
	struct ctl_server *new = NULL;
	int err;

	if (ctl_server_is_in_place(r->ctl))
		return 0;
	err = open_ctl(r, NULL, &new, ret_text);
	if (err < 0)
		return err;
	loop_remove(&r->loop, &r->ctl_watch);
	ctl_server_close(r->ctl);
	r->ctl = new;
	err = loop_watch_input(&r->loop, &r->ctl_watch, ctl_server_fd(new), on_ctl, r);
	if (err < 0)
		snprintf(ret_text, UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN, "%s.%s", strerror(-err),
			error_limit_tail(err));
	return err;
}

/* ---- all of them ---- */

struct mono site_files_deadline(const struct site_daemon *r)
{
	return r->stopping || !r->files_due.ns ? MONO_NEVER : r->files_due;
}

/* Log once that files are lost which cannot be made again. */
static void log_failure(struct site_daemon *r, const char *problem, const char *hint)
{
	if (!r->files_failed)
		log_warning("The files of %s in %s are lost, and cannot be made again: %s%s%s It "
			    "is tried every %d s; until then status, reload and down do not find "
			    "the site.",
			r->conf->name, rundir_path(), problem, *hint ? " " : "", hint,
			SITE_FILES_POLL_MS / 1000);
	r->files_failed = true;
}

bool site_files_work(struct site_daemon *r)
{
	char text[UNIXSOCK_PATH_LEN + UNIXSOCK_TEXT_LEN];
	struct error e = { 0 };
	bool lost_socket;
	int made;

	if (!mono_reached(site_files_deadline(r), clock_mono()))
		return false;
	r->files_due = mono_add(clock_mono(), POLL);
	lost_socket = !ctl_server_is_in_place(r->ctl);
	made = host_keep_files(r->host, &e);
	if (made < 0) {
		log_failure(r, e.problem, e.hint);
		return false;
	}
	if (keep_ctl(r, text) < 0) {
		log_failure(r, text, "");
		return made;
	}
	keep_status(r);
	if (made || lost_socket)
		log_warning("Files of %s in %s were lost, and are made again. Keep other programs "
			    "from removing them.",
			r->conf->name, rundir_path());
	r->files_failed = false;
	return made;
}
