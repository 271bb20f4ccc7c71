/* SPDX-License-Identifier: MIT */
/* Reading a site from its files*: the file itself, the WireGuard file it names, and key files. */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/model.h"
#include "conf/report.h"

/**
 * Read and parse the configuration file `path`, the WireGuard file that it includes and the key
 * files that it names. Problems of the files' text and permissions are added to `report`, which
 * then decides (conf_report_ok()); `ret_site` holds what could be read in any case and must be
 * freed with conf_site_fini().
 * Return: 0, or -errno if `path` itself could not be read (also in the report).
 */
int conf_load(const char *path, struct conf_site *ret_site, struct conf_report *report);

/**
 * The path of the configuration that a command line means: NAME without '/' and ".conf" is
 * /etc/wirespan/NAME.conf, everything else is a path.
 * Return: a text to free(), or NULL without memory.
 */
char *conf_path(const char *name_or_path);

#endif
