/* SPDX-License-Identifier: MIT */
/* wg(8)'s socket in a daemon: between the loop, the socket's server and the engine. */
#ifndef DAEMON_WGSOCK_H
#define DAEMON_WGSOCK_H

#include "ctl/uapi_server.h"
#include "driver/driver.h"
#include "loop/loop.h"

/** The socket of one interface. Zero-initialised it is closed. */
struct wgsock {
	struct uapi_server *server;
	struct driver *driver;
	struct loop *loop;
	struct loop_watch watch;
	void (*ended)(void *ctx);
	void *ctx;
};

/**
 * Serve wg(8) for interface `ifname`. `listen_fd` listens on its socket already; -1: make one.
 * `ended` is called once the socket's file has been removed, which means that the daemon is to end.
 * `s` must not move. Return: 0; -EADDRINUSE if another process serves an interface of this name on
 * this machine, be it in another network namespace; or -errno.
 */
int wgsock_open(struct wgsock *s, struct loop *loop, struct driver *driver, const char *ifname,
	int listen_fd, void (*ended)(void *ctx), void *ctx);

/** Close it and remove the socket's file; it may be closed already. */
void wgsock_close(struct wgsock *s);

#endif
