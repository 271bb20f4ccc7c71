/* SPDX-License-Identifier: MIT */
/* The configuration that a site runs with, stored for the process that resumes it.
 *
 * The file NAME.running exists as long as the site is up: it is written when `up` is complete and
 * after each reload, and removed before the first change of `down`. It has no WireGuard keys.
 */
#pragma once

#include <stdbool.h>

#include "base/must_check.h"
#include "conf/model.h"

/** Write the file. `conf` must have been completed. Return: 0 or -errno. */
MUST_CHECK int running_conf_store(const struct conf_site *conf);

/**
 * Read the file of the site `name`.
 * Return: 0 and a configuration to free with conf_site_fini(); -ENOENT if there is none; -EPERM if
 * another user could have written it; -EPROTO if it is no such file; or another -errno.
 */
MUST_CHECK int running_conf_load(const char *name, struct conf_site *ret);

/** Whether there is such a file. */
bool running_conf_exists(const char *name);

/** Whether two configurations are the same, except for their WireGuard keys; false also if there is
 * no memory to compare them. */
bool running_conf_equal(const struct conf_site *a, const struct conf_site *b);

/** Remove the file, if there is one. */
void running_conf_discard(const char *name);

/** Remove the unfinished file of a process that was killed while it stored it. */
void running_conf_sweep(const char *name);
