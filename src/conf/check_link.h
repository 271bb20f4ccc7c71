/* SPDX-License-Identifier: MIT */
/* Checks of interfaces: their names, addresses, bridges and members. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** Check names, addresses and bridges. */
void conf_check_links(const struct conf_site *site, struct conf_report *report);
