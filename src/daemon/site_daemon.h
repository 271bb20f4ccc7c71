/* SPDX-License-Identifier: MIT */
/* Run a site: start it, serve signals and requests in the event loop, reload it, stop it. */
#pragma once

#include <stdbool.h>

#include "conf/model.h"
#include "conf/problem.h"

/** Exit code: the configuration has mistakes, and another attempt would find them, too. */
#define SITE_DAEMON_BAD_FILE 2

/** How to run a site. */
struct site_daemon_config {
	const char *path; /* of the configuration file */
	bool detach;	  /* return when ready, while a child process continues */
	/** Read and check `path`, adding to `report`; free `ret` in any case. Called again to
	 * reload. */
	void (*load)(const char *path, struct conf_site *ret, struct conf_report *report);
};

/**
 * Start the site of a configuration file and run it until SIGTERM, SIGINT or a `down` request.
 * Errors are printed to stderr. Return: the exit code: 0, 1 or SITE_DAEMON_BAD_FILE.
 */
int site_daemon_run(const struct site_daemon_config *config);
