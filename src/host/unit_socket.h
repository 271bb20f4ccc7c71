/* SPDX-License-Identifier: MIT */
/* Sockets through which systemd starts a process of ours for each connection: both ends are root's,
 * and a message can have one descriptor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must_check.h"

/** Whether systemd is process 1. Source: sd_booted(3). */
bool unit_socket_has_systemd(void);

/** Whether a process of root has opened the other end. */
bool unit_socket_is_roots(int fd);

/** Connect to the socket at `path`. Return: a descriptor, SOCK_SEQPACKET and non-blocking; -ENOENT
 * if there is none; -EPERM if it is not root's; or another -errno. */
MUST_CHECK int unit_socket_connect(const char *path);

/** Send `len` bytes, with a descriptor unless `passed` is negative. Return: 0 or -errno. */
MUST_CHECK int unit_socket_send(int fd, const void *bytes, size_t len, int passed);

/** Receive up to `len` bytes. `ret_passed`: a descriptor that came with them, or -1. Return: their
 * number; 0 if the other end is closed; or -errno. */
MUST_CHECK ssize_t unit_socket_receive(int fd, void *ret, size_t len, int *ret_passed);

/** A namespace, as another process can name it. */
struct namespace_id {
	uint64_t dev;
	uint64_t ino;
};

/** Read which one a file such as /proc/self/ns/net stands for. Return: 0; or -errno, all zero. */
int namespace_id_read(const char *path, struct namespace_id *ret);

/** Whether such a file stands for that namespace. */
bool namespace_id_is(const char *path, const struct namespace_id *id);
