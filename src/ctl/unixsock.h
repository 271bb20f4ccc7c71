/* SPDX-License-Identifier: MIT */
/* Unix stream sockets at a path: claiming one from a dead process, connecting, who is at the other
 * end. */
#ifndef CTL_UNIXSOCK_H
#define CTL_UNIXSOCK_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define UNIXSOCK_PATH_LEN sizeof(((struct sockaddr_un *)0)->sun_path)

/** A socket that listens at a path, and which file that is. */
struct unixsock {
	int fd;
	dev_t dev;
	ino_t ino;
	char path[UNIXSOCK_PATH_LEN];
};

/**
 * Listen at `path`, mode 0600, non-blocking, close-on-exec. Its folder (one level) is made if
 * missing. A socket that nobody listens on any more is replaced; of two callers at once one wins.
 * Return: 0; -EADDRINUSE if somebody listens there; -ENAMETOOLONG; -EEXIST if what is there is not
 * a socket; or -errno.
 */
int unixsock_open(const char *path, struct unixsock *ret);

/** The same for a socket that listens at `path` already, such as one inherited. Return: 0;
 * -ENOTSOCK or -EPROTOTYPE for what is none; or -errno if there is nothing at `path`. */
int unixsock_adopt(int fd, const char *path, struct unixsock *ret);

/** Whether the file is still there and ours; false once somebody has removed or replaced it (its
 * inode is not used again while we listen). */
bool unixsock_is_in_place(const struct unixsock *s);

/** Stop listening; remove the file if it is still ours, and its folder if that is empty then. */
void unixsock_close(struct unixsock *s);

/**
 * Connect to `path`, waiting for at most `timeout_ms`; the descriptor blocks, with that timeout on
 * reads and writes too.
 * Return: the descriptor; -ENOENT or -ECONNREFUSED if nobody listens there; -EACCES; -ETIMEDOUT; or
 * -errno.
 */
int unixsock_connect(const char *path, unsigned timeout_ms);

/** Remove the socket at `path` if nobody listens on it any more, and its folder if that is empty
 * then. */
void unixsock_sweep(const char *path);

/** Whether the other end belongs to root or to our own user. */
bool unixsock_peer_is_trusted(int fd);

#endif
