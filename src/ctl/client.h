/* SPDX-License-Identifier: MIT */
/* The control socket's client: one question to a running site. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "ctlproto/reply.h"
#include "ctlproto/request.h"

/**
 * Ask whoever listens at `path`, and wait for the answer, `timeout_ms` at most in all.
 * Return: 0 and `ret`, ok or not, which the caller releases with ctl_reply_fini(); -ENOENT or
 * -ECONNREFUSED if nobody listens there; -EACCES; -ETIMEDOUT; -ECONNRESET if it went away before it
 * had answered; -EBADMSG if the answer is none; or -errno.
 */
int ctl_client_ask(const char *path, const struct ctl_request *request, unsigned timeout_ms,
	struct ctl_reply *ret);

/**
 * Ask for `down` as ctl_client_ask() does; and if the answer is ok, wait further until the process
 * that answered is gone. Return: also -ETIMEDOUT if it still runs when the time is up.
 */
int ctl_client_down(const char *path, unsigned timeout_ms, struct ctl_reply *ret);

#endif
