/* SPDX-License-Identifier: MIT */
/* A socket at which an engine that has lost its monitor gets a channel to the next one.
 *
 * Theory of operation. It is a datagram socket in the run folder, which the monitor binds and the
 * engine holds. The next monitor sends a datagram with one end of a new channel. The kernel adds
 * the sender's user, and only that of the monitor before may pass a channel on.
 */
#pragma once

#include <sys/types.h>

#include "base/must_check.h"

/** Bind a socket of mode 0600 at `path`, in place of an old one; it can only receive. Return: a
 * descriptor, or -errno. */
MUST_CHECK int rendezvous_open(const char *path);

/** Take the channel of the next datagram that `user` has sent. Return: a descriptor; -EAGAIN if
 * there is none; or another -errno. */
MUST_CHECK int rendezvous_accept(int fd, uid_t user);

/** Pass one end of a new channel on to the holder of the socket at `path`. Return: the other end,
 * or -errno. */
MUST_CHECK int rendezvous_connect(const char *path);
