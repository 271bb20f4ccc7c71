/* SPDX-License-Identifier: MIT */
/* Defaults that depend on other values: names, Local addresses, bridges of sessions. */
#pragma once

#include "conf/model.h"
#include "conf/problem.h"

/** The value of `Bridge =` for a session without a bridge. */
#define CONF_BRIDGE_NONE "none"

/**
 * Fill in the defaults that depend on other values: the interface's name from the name of the
 * included file, names of sessions, Local addresses, bridges of sessions. Call it once, after all
 * files have been parsed; needs no keys.
 */
void conf_complete(struct conf_site *site, struct conf_report *report);
