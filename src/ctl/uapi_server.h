/* SPDX-License-Identifier: MIT */
/* The socket through which wg(8) reads and changes a WireGuard interface. */
#ifndef CTL_UAPI_SERVER_H
#define CTL_UAPI_SERVER_H

#include <stddef.h>

#include "ctl/unixsock.h"
#include "ctlproto/uapi.h"

/**
 * Theory of operation. wg(8) finds interfaces by their sockets, /var/run/wireguard/NAME.sock, and
 * asks and orders in text (ctlproto/uapi.h). A request is read to its end before anything of it is
 * applied, so that a mistake in it changes nothing; then the owner's `set` does all of it. What
 * bounds the clients is the hub's (ctl/hub.h). Removing the socket's file is how people tell a
 * userspace WireGuard to end: the folder is watched, and the owner told.
 */
struct uapi_server;

#define UAPI_FOLDER "/var/run/wireguard" /* compiled into wg(8) */

/** How a server is to be. */
struct uapi_server_config {
	const char *path; /* of the socket */
	int listen_fd;	  /* one that listens at `path` already (WG_UAPI_FD); -1: make it */
	/** Tell everything: uapi_print_get()'s reply, which is consumed. Return: 0 or -errno. */
	int (*get)(void *ctx, char **ret_text, size_t *ret_len);
	/** Do everything; zones have become scopes. Return: 0 or -errno, which wg(8) shows. */
	int (*set)(void *ctx, const struct uapi_set *set);
	/** The socket's file is gone: called once. Not the place to close the server. */
	void (*ended)(void *ctx);
	void *ctx;
};

/** The path of an interface's socket, in UAPI_FOLDER or the folder that the environment's
 * WIRESPAN_UAPI_FOLDER names. Return: 0; -EINVAL for what cannot be an interface; -ENAMETOOLONG. */
int uapi_server_path(const char *ifname, char ret_path[static UNIXSOCK_PATH_LEN]);

/** Remove all sockets in that folder that nobody listens on any more, as wg(8) does itself when it
 * meets one. */
void uapi_server_sweep(void);

/** Listen. Return: 0; -EADDRINUSE if another process serves this interface; or -errno. */
int uapi_server_open(const struct uapi_server_config *config, struct uapi_server **ret);

/** The descriptor to watch for EPOLLIN. It stays the same. */
int uapi_server_fd(const struct uapi_server *s);

/** Do what there is to do, without waiting. */
void uapi_server_run(struct uapi_server *s);

/** Close all connections and remove the socket. NULL is allowed. Not from within a callback. */
void uapi_server_close(struct uapi_server *s);

#endif
