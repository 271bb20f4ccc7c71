/* SPDX-License-Identifier: MIT */
/* Users of this host: only ours can change the files of a site; the one that it names exists. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/**
 * Report each file of the site (its own, the included one, key files) that users other than root
 * and ours can change, or a folder on its path: they could have hooks run as root, or replace keys.
 * See base/owner.h for the rules. Warn of a program with a path that a hook runs, and that they can
 * change. Report a User that does not exist or is root.
 */
void conf_check_owners(
	const struct conf_site *site, enum conf_severity severity, struct conf_report *report);
