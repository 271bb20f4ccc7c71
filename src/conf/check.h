/* SPDX-License-Identifier: MIT */
/* Configuration errors that involve more than one value. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/**
 * Check a parsed site and add problems to `report`. `public_key` is the public key of the site's
 * private key, or NULL if it has none. What depends on the host is checked by host/conf_probe.h.
 */
void conf_check(
	const struct conf_site *site, const uint8_t *public_key, struct conf_report *report);
