/* SPDX-License-Identifier: MIT */
/* Defaults that depend on other values: names, Local addresses, the bridges of sessions. */
#ifndef CONF_COMPLETE_H
#define CONF_COMPLETE_H

#include "conf/model.h"
#include "conf/report.h"

/** The value of `Bridge =` that keeps a session out of every bridge. */
#define CONF_BRIDGE_NONE "none"

/**
 * Fill the defaults that depend on other values: the interface's name from the included file's,
 * names of sessions, Local addresses, the bridges of sessions. To be called once, when every file
 * has been parsed; needs no key.
 */
void conf_complete(struct conf_site *site, struct conf_report *report);

#endif
