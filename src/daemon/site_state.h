/* SPDX-License-Identifier: MIT */
/* The state of a running site, private to site_daemon.c, site_files.c and site_upgrade.c. */
#pragma once

#include "backend/select.h"
#include "ctl/server.h"
#include "ctl/status_server.h"
#include "daemon/detach.h"
#include "daemon/notify.h"
#include "daemon/peer_follow.h"
#include "daemon/upgrade.h"
#include "host/guard.h"
#include "host/host.h"
#include "loop/loop.h"

struct site_daemon_config;

/** A running site. All members may be zero: run_fini() undoes only what exists. */
struct site_daemon {
	const struct site_daemon_config *config;
	const char *path;	   /* of the configuration file */
	struct conf_site confs[2]; /* that of the site, and an empty one for a reload */
	struct conf_site *conf;	   /* the former */
	struct loop loop;
	struct notify notify;
	struct peer_follow peers;
	struct choice choice;
	struct backend_site *site; /* the back end's, or NULL */
	struct host *host;
	struct host_guard guard;
	struct host_interfaces interfaces; /* how the guard makes them again */
	struct ctl_server *ctl;
	ctl_server_handler *on_request;
	struct loop_watch ctl_watch;
	struct status_server *status; /* for a group, or NULL */
	status_server_report *on_report;
	struct loop_watch status_watch;
	struct mono files_due; /* when lost files are looked for next */
	bool files_failed;     /* it has been logged that they cannot be made again */
	struct loop_watch signal_watch;
	struct mono begun;
	struct succession *from; /* an upgrade is in progress, and this is the new program */
	pid_t hook;		 /* the process that runs hooks, or 0 */
	enum host_hook hook_kind;
	struct detach detach;
	bool detached;
	bool memory_locked;
	bool unconfined; /* in one process, although it should not be */
	bool scrub;	 /* a file was read, which has left copies of keys on the stack */
	bool ready;
	bool stopping;
	bool reloading; /* the file is applied next */
	bool leaving;	/* the site goes on without this process */
	int exit_code;
};
