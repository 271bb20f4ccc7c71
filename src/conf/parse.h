/* SPDX-License-Identifier: MIT */
/* The text of a configuration file into the model. */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include <stddef.h>

#include "conf/model.h"
#include "conf/report.h"

/** Longest line, and largest file, in bytes: far above what a person writes. */
#define CONF_LINE_MAX 65536
#define CONF_FILE_MAX (16U << 20)

/** The bytes of a file and what belongs to them; all borrowed. */
struct conf_source {
	const char *name;   /* as messages shall call it */
	const char *folder; /* where relative paths in it start */
	const void *bytes;  /* any bytes at all */
	size_t len;
};

/**
 * Read the site's own file into an empty `site`. Problems go to `report`; what is wrong is left at
 * its default, and reading goes on.
 * Return: 0, or -ENOMEM.
 */
int conf_parse(
	struct conf_site *site, const struct conf_source *source, struct conf_report *report);

/**
 * Read the wg-quick file that the site's own file included with `[Site] WireGuard =`: it may hold
 * [Interface] and [Peer] only. To be called after conf_parse().
 * Return: 0, or -ENOMEM.
 */
int conf_parse_wireguard(
	struct conf_site *site, const struct conf_source *source, struct conf_report *report);

#endif
