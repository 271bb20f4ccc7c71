/* SPDX-License-Identifier: MIT */
/* Configuration errors that depend on this host. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"
#include "host/host_facts.h"

/**
 * Check a parsed site against the host, and add problems to `report`. An error is what makes `up`
 * fail, or the site useless; the rest are warnings. PreUp can change the host before it is
 * configured: with it, what it can change is a warning, too. Pure.
 */
void host_rules_check(
	const struct conf_site *site, const struct host_facts *facts, struct conf_report *report);
