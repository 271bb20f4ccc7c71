/* SPDX-License-Identifier: MIT */
/* The control socket's server: bounded, never blocking, whatever its clients do. */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "ctlproto/reply.h"
#include "ctlproto/request.h"

/**
 * Theory of operation. One request a connection: a line comes in, a line goes out, the connection
 * is closed. A `down` that was answered "ok" keeps its connection: it is closed by
 * ctl_server_close(), which the owner calls when everything else is undone, and so its end-of-file
 * says "nothing is left". What bounds the clients is the hub's (ctl/hub.h). It does not: log, or
 * know what the verbs do.
 */
struct ctl_server;

/** Carries out a request; `reply` is an empty one with ok set. What it leaves in there is sent,
 * then released. */
typedef void ctl_server_handler(
	void *ctx, const struct ctl_request *request, struct ctl_reply *reply);

/** How a server is to be. */
struct ctl_server_config {
	const char *path; /* of the socket */
	ctl_server_handler *handler;
	void *ctx;	     /* for the handler */
	unsigned timeout_ms; /* for a request to arrive, and again for the reply to leave; 0: 5 s */
};

/** Listen. Return: 0; -EADDRINUSE if a live daemon listens there; or -errno. */
int ctl_server_open(const struct ctl_server_config *config, struct ctl_server **ret);

/** The descriptor to watch for EPOLLIN. It stays the same. */
int ctl_server_fd(const struct ctl_server *s);

/** Do what there is to do, without waiting. */
void ctl_server_run(struct ctl_server *s);

/** Close all connections and remove the socket. NULL is allowed. Not from within the handler. */
void ctl_server_close(struct ctl_server *s);

#endif
