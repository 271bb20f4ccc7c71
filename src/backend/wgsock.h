/* SPDX-License-Identifier: MIT */
/* The socket for wg(8): connects the event loop, the socket's server and the engine. */
#pragma once

#include "backend/userspace.h"
#include "ctl/uapi_server.h"
#include "loop/loop.h"

/** The socket of one interface. Zeroed means closed. */
struct wgsock {
	struct uapi_server *server;
	struct userspace *userspace; /* NULL after wgsock_serve() */
	struct loop *loop;
	struct loop_watch watch;
	void (*ended)(void *ctx);
	void *ctx;
};

/**
 * Serve wg(8) for interface `ifname`. `listen_fd` is already listening on its socket; -1: create
 * one. `ended` is called when the socket's file has been removed, which means that the daemon must
 * end. `s` must not move. Return: 0; -EADDRINUSE if another process serves an interface of this
 * name on this host, possibly in another network namespace; or -errno.
 */
int wgsock_open(struct wgsock *s, struct loop *loop, struct userspace *userspace,
	const char *ifname, int listen_fd, void (*ended)(void *ctx), void *ctx);

/** As wgsock_open(), with the functions of `calls` in place of an engine in this process; its path
 * is not used. */
int wgsock_serve(struct wgsock *s, struct loop *loop, const struct uapi_server_config *calls,
	const char *ifname);

/** Log that wg(8) will not show the interface, because its socket cannot be opened (`err`). */
void wgsock_warn(const char *ifname, int err);

/** In a new process: see uapi_server_forget(). A closed socket is allowed. */
void wgsock_forget(struct wgsock *s);

/** Close it and remove the socket's file. A closed socket is allowed. */
void wgsock_close(struct wgsock *s);
