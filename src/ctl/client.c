/* SPDX-License-Identifier: MIT */
/* The control socket's client: sends one request to a running site. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ctl/unixsock.h"

/** Received bytes, in a growing buffer. */
struct buffer {
	char *data;
	size_t len;
	size_t size;
};

/* Wait until `fd` is readable or `due` is reached. */
static int wait_readable(int fd, struct mono due)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t left;
	int n;

	do {
		left = mono_between(clock_mono(), due);
		n = poll(&p, 1, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int make_room(struct buffer *b)
{
	size_t size = b->size ? b->size * 2 : 16384;
	char *data;

	if (b->len < b->size)
		return 0;
	if (b->len >= CTL_REPLY_MAX)
		return -EBADMSG;
	data = realloc(b->data, size);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

/* Receive up to and including the newline; `most` bytes at a time, since more may follow it. */
static int receive_line(int fd, struct mono due, struct buffer *b, size_t most)
{
	ssize_t n;
	int err;

	for (;;) {
		err = make_room(b);
		if (!err)
			err = wait_readable(fd, due);
		if (err)
			return err;
		n = recv(fd, b->data + b->len, size_min(b->size - b->len, most), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		b->len += (size_t)n;
		if (b->data[b->len - 1] == '\n')
			return 0;
	}
}

static int send_request(int fd, const struct ctl_request *request)
{
	char line[CTL_REQUEST_MAX];
	int len = ctl_request_print(request, line, sizeof(line));
	ssize_t n;

	if (len < 0)
		return len;
	n = send(fd, line, (size_t)len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : errno == EPIPE ? -ECONNRESET : -errno;
	return n == len ? 0 : -ETIMEDOUT;
}

/* Send one request over a connection and read the reply, `most` bytes at a time; the connection
 * stays open. */
static int ask(int fd, const struct ctl_request *request, struct mono due, size_t most,
	struct ctl_reply *ret)
{
	struct buffer b = { 0 };
	int err = send_request(fd, request);

	memset(ret, 0, sizeof(*ret));
	/* a server that rejects us may answer and close before it reads the request */
	if (!err || err == -ECONNRESET)
		err = receive_line(fd, due, &b, most);
	if (!err)
		err = ctl_reply_parse(b.data, b.len, ret);
	free(b.data);
	return err;
}

int ctl_client_ask(const char *path, const struct ctl_request *request, unsigned timeout_ms,
	struct ctl_reply *ret)
{
	struct mono due = mono_add(clock_mono(), timeout_ms * NS_PER_MS);
	int fd = unixsock_connect(path, timeout_ms);
	int err;

	if (fd < 0)
		return fd;
	err = ask(fd, request, due, SIZE_MAX, ret);
	close(fd);
	return err;
}

int ctl_client_stream(const char *path, const struct ctl_request *request, unsigned timeout_ms,
	struct ctl_reply *ret, int *ret_fd)
{
	struct mono due = mono_add(clock_mono(), timeout_ms * NS_PER_MS);
	int fd = unixsock_connect(path, timeout_ms);
	int err;

	if (fd < 0)
		return fd;
	err = ask(fd, request, due, 1, ret);
	if (err < 0 || !ret->ok)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

/* A descriptor that becomes readable when the process that listens on `fd`'s socket exits; -1 if
 * unavailable. */
static int open_process(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, cred.pid, 0);
}

/* Wait until the server closes the connection. */
static int wait_end(int fd, struct mono due)
{
	char rest[256];
	ssize_t n = 1;
	int err = 0;

	while (!err && n > 0) {
		err = wait_readable(fd, due);
		if (!err)
			n = recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
		if (!err && n < 0 && (errno == EAGAIN || errno == EINTR))
			n = 1;
	}
	return err;
}

int ctl_client_down(const char *path, unsigned timeout_ms, struct ctl_reply *ret)
{
	struct mono due = mono_add(clock_mono(), timeout_ms * NS_PER_MS);
	int fd = unixsock_connect(path, timeout_ms);
	int process;
	int err;

	if (fd < 0)
		return fd;
	process = open_process(fd);
	err = ask(fd, &(struct ctl_request){ .verb = CTL_DOWN }, due, SIZE_MAX, ret);
	if (!err && ret->ok)
		err = wait_end(fd, due);
	if (!err && ret->ok && process >= 0)
		err = wait_readable(process, due);
	if (err)
		ctl_reply_fini(ret);
	if (process >= 0)
		close(process);
	close(fd);
	return err;
}
