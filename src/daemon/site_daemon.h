/* SPDX-License-Identifier: MIT */
/* The life of a running site: up, the loop with its signals and requests, reload, down. */
#ifndef DAEMON_SITE_DAEMON_H
#define DAEMON_SITE_DAEMON_H

#include <stdbool.h>

#include "conf/model.h"
#include "conf/problem.h"

/** How a site is to be run. */
struct site_daemon_config {
	const char *path; /* of the configuration file */
	bool detach;	  /* return once ready, while a child goes on */
	/** Read and check `path`, adding to `report`; `ret` is to be freed in any case. Called
	 * again to reload. */
	void (*load)(const char *path, struct conf_site *ret, struct conf_report *report);
};

/**
 * Bring the site of a configuration file up and run it until SIGTERM, SIGINT or a `down` request.
 * What went wrong is on stderr. Return: the exit code, 0 or 1.
 */
int site_daemon_run(const struct site_daemon_config *config);

#endif
