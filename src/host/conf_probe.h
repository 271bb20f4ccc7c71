/* SPDX-License-Identifier: MIT */
/* Check a configuration against this host. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/**
 * Collect the properties of this host that host_rules_check() needs, and add the problems it finds
 * to `report`. Interfaces that the site itself has created are no problem. Nothing is changed.
 * Properties that cannot be read, for lack of privilege or memory, are taken to be right.
 */
void conf_probe_check(const struct conf_site *site, struct conf_report *report);
