/* SPDX-License-Identifier: MIT */
/* For tests of a server in the same process: the actions of a client. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ctl/testdir.h"
#include "ctl/unixsock.h"

/** Connect. Return: the descriptor, to be closed. */
static inline int talk_connect(const struct testdir *dir)
{
	int fd = unixsock_connect(dir->path, 60000);

	assert_true(fd >= 0);
	return fd;
}

/** Send a text. */
static inline void talk_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/** Read everything that the server has sent so far. Return: whether it has closed the
 * connection. */
static inline bool talk_receive(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, buf + len, size - 1 - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	buf[len] = '\0';
	return n == 0 || errno == ECONNRESET;
}
