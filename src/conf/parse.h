/* SPDX-License-Identifier: MIT */
/* Parse the text of a configuration file into the model. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"
#include "conf/model.h"
#include "conf/problem.h"

/** Longest line, and largest file, in bytes: far above any hand-written one. */
#define CONF_LINE_MAX 65536
#define CONF_FILE_MAX (16U << 20)

/** The bytes of a file with its name and folder; all borrowed. */
struct conf_source {
	const char *name;   /* for messages */
	const char *folder; /* base of relative paths */
	const void *bytes;  /* may be arbitrary bytes */
	size_t len;
};

/**
 * Parse the site's own file into an empty `site`. Problems go to `report`; a wrong value stays at
 * its default, and parsing continues.
 * Return: 0, or -ENOMEM.
 */
MUST_CHECK int conf_parse(
	struct conf_site *site, const struct conf_source *source, struct conf_report *report);

/**
 * Parse the wg-quick file that the site's own file includes with `[Site] WireGuard =`: it may
 * contain [Interface] and [Peer] only. Call it after conf_parse().
 * Return: 0, or -ENOMEM.
 */
MUST_CHECK int conf_parse_wireguard(
	struct conf_site *site, const struct conf_source *source, struct conf_report *report);
