/* SPDX-License-Identifier: MIT */
/* The socket through which wg(8) reads and changes a WireGuard interface. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"
#include "ctl/unixsock.h"
#include "ctlproto/uapi_parse.h"

/**
 * Theory of operation. wg(8) finds interfaces by their sockets, /var/run/wireguard/NAME.sock, and
 * sends text requests (ctlproto/uapi_parse.h). A request is parsed completely before any of it is
 * applied, so that an invalid one changes nothing; then the owner's `set` applies all of it. The
 * local server limits the clients (ctl/local_server.h). Users stop a userspace WireGuard by
 * removing the socket's file: this module watches the folder and calls `ended`.
 */
struct uapi_server;

#define UAPI_FOLDER "/var/run/wireguard" /* compiled into wg(8) */

/** Configuration of a server. */
struct uapi_server_config {
	const char *path; /* of the socket */
	int listen_fd;	  /* a socket that already listens at `path` (WG_UAPI_FD); -1: create it */
	/** Make the reply with uapi_print_get(); the server frees it. Return: 0 or -errno. */
	int (*get)(void *ctx, char **ret_text, size_t *ret_len);
	/** Apply the whole request; zones have been converted to scopes. Return: 0 or -errno, which
	 * wg(8) shows. */
	int (*set)(void *ctx, const struct uapi_set *set);
	/** The socket's file was removed; called once. Must not close the server. */
	void (*ended)(void *ctx);
	void *ctx;
};

/** The path of an interface's socket, in UAPI_FOLDER or the folder in the environment variable
 * WIRESPAN_UAPI_FOLDER. Return: 0; -EINVAL if `ifname` is not a valid interface name;
 * -ENAMETOOLONG. */
MUST_CHECK int uapi_server_path(const char *ifname, char ret_path[static UNIXSOCK_PATH_LEN]);

/** Remove all stale sockets in that folder, as wg(8) itself does when it finds one. Return: 0 or
 * -errno. */
MUST_CHECK int uapi_server_sweep(void);

/** Listen. Return: 0; -EADDRINUSE if another process serves this interface; or -errno. */
MUST_CHECK int uapi_server_open(const struct uapi_server_config *config, struct uapi_server **ret);

/** The descriptor to watch for EPOLLIN. It never changes. */
int uapi_server_fd(const struct uapi_server *s);

/** Do all pending work without blocking. */
void uapi_server_run(struct uapi_server *s);

/** In a new process that has inherited the server: wipe what clients have sent, and what they were
 * to receive. It must not be used there any more. */
void uapi_server_forget(struct uapi_server *s);

/** Close all connections and remove the socket. Accepts NULL. Not from within a callback. */
void uapi_server_close(struct uapi_server *s);
