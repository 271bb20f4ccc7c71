/* SPDX-License-Identifier: MIT */
/* Checks of tunnels and sessions: ids, addresses, ports, MTUs. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** Check every [L2TP] and [L2TPSession]. */
void conf_check_tunnels(const struct conf_site *site, struct conf_report *report);
