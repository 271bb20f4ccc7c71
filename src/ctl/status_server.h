/* SPDX-License-Identifier: MIT */
/* The status socket's server: answers {"verb":"status"} to a group, and nothing else. */
#pragma once

#include <stdbool.h>

#include "base/must_check.h"
#include "ctlproto/reply.h"

/**
 * Theory of operation. The clients are not trusted: they may read the status, and must not be
 * able to stop or slow the site. Connections, input, time and rate are limited by
 * ctl/local_server.h, and a reply is made at most every STATUS_SERVER_FRESH_NS: clients that ask
 * sooner get the last one. The report contains public keys and addresses, and no secret
 * (ctlproto/status.h).
 */
struct status_server;

#define STATUS_SERVER_FRESH_NS	 (NS_PER_S / 4)
#define STATUS_SERVER_PER_SECOND 32 /* connections */

/** Fill the report. Return: 0, or -ENOMEM. */
typedef int status_server_report(void *ctx, struct status_report *ret);

/** Listen at `path` for the group of the folder around the socket's own. Return: 0; -EADDRINUSE if
 * a process listens there; or -errno. */
MUST_CHECK int status_server_open(
	const char *path, status_server_report *report, void *ctx, struct status_server **ret);

/** The descriptor to watch for EPOLLIN. It never changes. */
int status_server_fd(const struct status_server *s);

/** Whether the socket's file is still ours; false once it was removed or replaced. */
bool status_server_is_in_place(const struct status_server *s);

/** Do all pending work without blocking. */
void status_server_run(struct status_server *s);

/** Close all connections and remove the socket. Accepts NULL. */
void status_server_close(struct status_server *s);
