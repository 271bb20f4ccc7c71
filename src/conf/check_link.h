/* SPDX-License-Identifier: MIT */
/* Checks of interfaces: their names, addresses, bridges and members. */
#ifndef CONF_CHECK_LINK_H
#define CONF_CHECK_LINK_H

#include "conf/host_query.h"
#include "conf/model.h"
#include "conf/problem.h"

/** Check names, addresses and bridges. `facts` may be NULL. */
void conf_check_links(
	const struct conf_site *site, const struct conf_facts *facts, struct conf_report *report);

#endif
