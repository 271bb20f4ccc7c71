/* SPDX-License-Identifier: MIT */
/* Conflicts between the configurations of two sites that are to run on one host. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** Compare `site` with `other`: names of interfaces, the UDP port, addresses, members, routes, and
 * ids that the kernel has once per host. Problems go to `report`, which is that of `site`. */
void conf_compare(
	const struct conf_site *site, const struct conf_site *other, struct conf_report *report);
