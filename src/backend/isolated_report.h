/* SPDX-License-Identifier: MIT */
/* The report of a site whose engine is a process of its own: the parts of which it consists. */
#pragma once

#include <sys/types.h>

#include "base/must_check.h"
#include "ctlproto/status.h"

/** Move a part of what the engine reports into the report of the site: the first part has all that
 * is not of peers. Return: 0 or -ENOMEM. */
MUST_CHECK int isolated_report_engine(struct status_report *from, struct status_report *to);

/** Add one process; `pid` 0: there is none. Return: 0 or -ENOMEM. */
MUST_CHECK int isolated_report_process(
	struct status_report *r, const char *role, pid_t pid, uid_t user, unsigned measures);
