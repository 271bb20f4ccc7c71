/* SPDX-License-Identifier: MIT */
/* The control socket's client: sends one request to a running site. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/reply.h"
#include "ctlproto/request.h"

/**
 * Send a request to the server at `path` and wait for the reply, at most `timeout_ms` for each part
 * of it: a reply with thousands of peers takes its time.
 * Return: 0 and `ret`, ok or not, which the caller releases with ctl_reply_fini(); -ENOENT or
 * -ECONNREFUSED if no process listens there; -EACCES; -ETIMEDOUT; -ECONNRESET if the server closed
 * without a reply; -EBADMSG if the reply is invalid; or -errno.
 */
MUST_CHECK int ctl_client_ask(const char *path, const struct ctl_request *request,
	unsigned timeout_ms, struct ctl_reply *ret);

/** A server to be asked, and its answer. */
struct ctl_client_call {
	const char *path;
	int err;		/* as the result of ctl_client_ask() */
	struct ctl_reply reply; /* with err 0; the caller releases it with ctl_reply_fini() */
};

/** Send a request to several servers at the same time, and wait for all replies, at most
 * `timeout_ms` in total. */
void ctl_client_ask_all(struct ctl_client_call *calls, size_t len,
	const struct ctl_request *request, unsigned timeout_ms);

/**
 * Send a request as ctl_client_ask() does, for a reply behind which the server sends more. Return:
 * as above; with 0 and a reply that is ok, `ret_fd` is the connection, which the caller closes.
 */
MUST_CHECK int ctl_client_stream(const char *path, const struct ctl_request *request,
	unsigned timeout_ms, struct ctl_reply *ret, int *ret_fd);

/**
 * Send a `down` request as ctl_client_ask() does; if the reply is ok, also wait until the server's
 * process exits. Return: as above, -ETIMEDOUT also if the process still runs at the end of the
 * time.
 */
MUST_CHECK int ctl_client_down(const char *path, unsigned timeout_ms, struct ctl_reply *ret);
