/* SPDX-License-Identifier: MIT */
/* Loading a site from its files: its own file, the WireGuard file it includes, and key files. */
#pragma once

#include "base/must_check.h"
#include "conf/model.h"
#include "conf/problem.h"

/**
 * Read and parse the configuration file `path`, the WireGuard file that it includes and its key
 * files. Problems of the files' text and permissions go to `report`, which decides whether the site
 * is usable (conf_report_ok()); `ret_site` always holds what could be read and must be freed with
 * conf_site_fini().
 * Return: 0, or -errno if `path` itself could not be read (also in the report).
 */
MUST_CHECK int conf_load(const char *path, struct conf_site *ret_site, struct conf_report *report);

/**
 * The path of a configuration given on the command line: NAME without '/' and ".conf" is
 * /etc/wirespan/NAME.conf, anything else is a path.
 * Return: a string to free(), or NULL if out of memory.
 */
char *conf_path(const char *name_or_path);
