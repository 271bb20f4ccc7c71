/* SPDX-License-Identifier: MIT */
/* Rules for members of bridges: which interfaces of this host can or should be ports. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"
#include "host/host_facts.h"

/** Check the members of every bridge; `severity` is that of what PreUp can change. Pure. */
void member_rules_check(const struct conf_site *site, const struct host_facts *facts,
	enum conf_severity severity, struct conf_report *report);
