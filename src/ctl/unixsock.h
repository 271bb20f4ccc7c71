/* SPDX-License-Identifier: MIT */
/* Unix stream sockets at a path: replacing a dead process's socket, connecting, checking the peer's
 * uid. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/must_check.h"

#define UNIXSOCK_PATH_LEN sizeof(((struct sockaddr_un *)0)->sun_path)

/** A socket that listens at a path, and the identity of its file. */
struct unixsock {
	int fd;
	dev_t dev;
	ino_t ino;
	char path[UNIXSOCK_PATH_LEN];
};

/**
 * Listen at `path`, mode 0600, non-blocking, close-on-exec. Its folder (one level) is created if
 * missing. A stale socket is replaced; of two concurrent callers one succeeds.
 * Return: 0; -EADDRINUSE if another process listens there; -ENAMETOOLONG; -EEXIST if the file is
 * not a socket; -EPERM if users other than root and ours can change the folder; -EBUSY if another
 * process holds its lock; or -errno.
 */
MUST_CHECK int unixsock_open(const char *path, struct unixsock *ret);

/** Let the group of the socket's file connect, which is that of the folder around its own if that
 * has the set-group-ID bit. Return: 0 or -errno. */
MUST_CHECK int unixsock_share(const struct unixsock *s);

/** As unixsock_open(), for a socket that already listens at `path`, such as an inherited one.
 * Return: 0; -ENOTSOCK or -EPROTOTYPE if it is not a listening Unix socket; or -errno if `path`
 * does not exist. */
MUST_CHECK int unixsock_adopt(int fd, const char *path, struct unixsock *ret);

/** Remove the lock file that a process killed in unixsock_open() has left in the folder, and the
 * folder if it is empty then. */
void unixsock_sweep_lock(const char *folder);

#define UNIXSOCK_TEXT_LEN 400

/** Write why unixsock_open() failed with `err`, and what to do, as sentences: the process that
 * holds a lock, who can change the folder, what has the place of a file. Return: `ret`. */
const char *unixsock_problem(const char *path, int err, char ret[static UNIXSOCK_TEXT_LEN]);

/** Whether the file is still ours; false once it was removed or replaced (its inode is not reused
 * while we listen). */
bool unixsock_is_in_place(const struct unixsock *s);

/** Stop listening; remove the file if it is still ours, and then its folder if that is empty. */
void unixsock_close(struct unixsock *s);

/**
 * Connect to `path` within `timeout_ms`; the descriptor is blocking, with the same timeout for
 * reads and writes.
 * Return: the descriptor; -ENOENT or -ECONNREFUSED if no process listens there; -EACCES;
 * -ETIMEDOUT; or -errno.
 */
MUST_CHECK int unixsock_connect(const char *path, unsigned timeout_ms);

/** Connect to `path` without waiting; the descriptor does not block. Return: as unixsock_connect(),
 * but -EAGAIN if more connections wait there than may. */
MUST_CHECK int unixsock_try_connect(const char *path);

/** Remove the socket at `path` if it is stale, and then its folder if that is empty. Return: 0,
 * also if it is in use; or -errno. */
MUST_CHECK int unixsock_sweep(const char *path);

/** Whether the peer's uid is root's. */
bool unixsock_peer_is_root(int fd);

/** Whether the peer's uid is root's or our own. */
bool unixsock_peer_is_trusted(int fd);
