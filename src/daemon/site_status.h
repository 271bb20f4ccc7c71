/* SPDX-License-Identifier: MIT */
/* The status of a running site: from its process, or from the kernel if it runs without one. */
#pragma once

#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/reply.h"

/** Write into a report the names that the peers have in the file. */
void site_status_name_peers(const struct conf_site *conf, struct status_report *r);

/**
 * Ask the site `name` with the control socket `path` for its status, and wait `timeout_ms` at most
 * for each part of the reply; if no process listens there and the site runs without one, read the
 * status from the kernel.
 * Return: 0 and a reply to release with ctl_reply_fini(); or -errno, as ctl_client_ask().
 */
MUST_CHECK int site_status(
	const char *name, const char *path, unsigned timeout_ms, struct ctl_reply *ret);
