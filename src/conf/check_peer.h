/* SPDX-License-Identifier: MIT */
/* Checks of peers: their keys and AllowedIPs. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** Check every [Peer]; `public_key` is this site's own, or NULL if unknown. */
void conf_check_peers(
	const struct conf_site *site, const uint8_t *public_key, struct conf_report *report);
