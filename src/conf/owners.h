/* SPDX-License-Identifier: MIT */
/* Users of this host: only ours can change the files of a site; the one that it names exists. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** The hint about a configuration or key file in a folder that another user can change. */
#define CONF_OWNERS_INSTEAD                                                                        \
	"move the file to a folder that only root can change, as /etc/wirespan should be"

/**
 * Report each file of the site (its own, the included one, key files) that users other than root
 * and ours can change, or a folder on its path: they could have hooks run as root, or replace keys.
 * See base/owner.h for the rules. Warn of programs that they can change and that a hook starts, as
 * conf_hook_program() finds them. Each file or folder is reported once. Report a User that does not
 * exist or is root.
 */
void conf_check_owners(
	const struct conf_site *site, enum conf_severity severity, struct conf_report *report);
