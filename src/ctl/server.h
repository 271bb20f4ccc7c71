/* SPDX-License-Identifier: MIT */
/* The control socket's server: bounded and non-blocking, for any behaviour of its clients. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/reply.h"
#include "ctlproto/request.h"

/**
 * Theory of operation. One request per connection: the server reads a line, sends a line, and
 * closes. After a `down` that was answered "ok" the connection stays open: ctl_server_close(),
 * which the owner calls after everything is undone, closes it, so that the client's end-of-file
 * means "nothing is left". A `capture` gets a copy of the connection, to which its handler writes
 * when the reply has been sent: from the next turn of the event loop on. An `upgrade` gets a copy,
 * too, for the program that is executed to reply; a reply of the handler is sent as usual. The
 * local server limits the clients (ctl/local_server.h). This module does not log and does not know
 * the meaning of the verbs.
 */
struct ctl_server;

/** Handles a request; `reply` is initially empty with ok set. The server sends it and releases
 * it. */
typedef void ctl_server_handler(
	void *ctx, const struct ctl_request *request, struct ctl_reply *reply);

/** Configuration of a server. */
struct ctl_server_config {
	const char *path;     /* of the socket */
	const int *listen_fd; /* one that already listens there; NULL: it is made */
	ctl_server_handler *handler;
	void *ctx;	     /* for the handler */
	unsigned timeout_ms; /* to receive a request, and again to send the reply; 0: 5 s */
};

/** Listen. Return: 0; -EADDRINUSE if a live daemon listens there; or -errno. */
MUST_CHECK int ctl_server_open(const struct ctl_server_config *config, struct ctl_server **ret);

/** The socket that listens. */
int ctl_server_listen_fd(const struct ctl_server *s);

/** The descriptor to watch for EPOLLIN. It never changes. */
int ctl_server_fd(const struct ctl_server *s);

/** Whether the socket's file is still ours; false once it was removed or replaced. */
bool ctl_server_is_in_place(const struct ctl_server *s);

/** Do all pending work without blocking. */
void ctl_server_run(struct ctl_server *s);

/** Close all connections and remove the socket. Accepts NULL. Not from within the handler. */
void ctl_server_close(struct ctl_server *s);
