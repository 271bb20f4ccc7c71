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

#define RETRY_NS (20 * NS_PER_MS) /* then one tries again to connect */

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

/* Receive what is there, at most `most` bytes. Return: 1 if that ends the line, 0 if more is to
 * come, or -errno. */
static int receive_some(int fd, struct buffer *b, size_t most)
{
	int err = make_room(b);
	ssize_t n;

	if (err)
		return err;
	n = recv(fd, b->data + b->len, size_min(b->size - b->len, most), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	b->len += (size_t)n;
	return b->data[b->len - 1] == '\n';
}

/* Receive up to and including the newline; `most` bytes at a time, since more may follow it. After
 * each part, the next may take as long as the first. */
static int receive_line(int fd, unsigned timeout_ms, struct buffer *b, size_t most)
{
	int err = 0;

	while (!err) {
		err = wait_readable(fd, mono_add(clock_mono(), timeout_ms * NS_PER_MS));
		if (!err)
			err = receive_some(fd, b, most);
	}
	return err < 0 ? err : 0;
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
static int ask(int fd, const struct ctl_request *request, unsigned timeout_ms, size_t most,
	struct ctl_reply *ret)
{
	struct buffer b = { 0 };
	int err = send_request(fd, request);

	memset(ret, 0, sizeof(*ret));
	/* a server that rejects us may answer and close before it reads the request */
	if (!err || err == -ECONNRESET)
		err = receive_line(fd, timeout_ms, &b, most);
	if (!err)
		err = ctl_reply_parse(b.data, b.len, ret);
	free(b.data);
	return err;
}

int ctl_client_ask(const char *path, const struct ctl_request *request, unsigned timeout_ms,
	struct ctl_reply *ret)
{
	int fd = unixsock_connect(path, timeout_ms);
	int err;

	if (fd < 0)
		return fd;
	err = ask(fd, request, timeout_ms, SIZE_MAX, ret);
	close(fd);
	return err;
}

/** One of several conversations at the same time. */
struct talk {
	struct ctl_client_call *call;
	int fd; /* -1: not connected, or over */
	bool over;
	struct buffer b;
};

/* End a conversation; with err 0 its reply is in the buffer. */
static void end(struct talk *t, int err)
{
	if (!err)
		err = ctl_reply_parse(t->b.data, t->b.len, &t->call->reply);
	t->call->err = err;
	free(t->b.data);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->over = true;
}

/* Connect and send the request; later, if too many others wait there. */
static void begin(struct talk *t, const struct ctl_request *request)
{
	int fd = unixsock_try_connect(t->call->path);
	int err;

	if (fd == -EAGAIN)
		return;
	t->fd = fd;
	err = fd < 0 ? fd : send_request(fd, request);
	if (err && err != -ECONNRESET) /* see ask() */
		end(t, err);
}

/* Connect where that is due, and list what to poll. Return: for how long; 0 if all are over, or no
 * time is left. */
static uint64_t prepare(struct talk *talks, struct pollfd *polls, size_t len,
	const struct ctl_request *request, uint64_t left)
{
	bool pending = false;
	bool again = false;

	for (size_t i = 0; i < len; i++) {
		struct talk *t = &talks[i];

		if (!t->over && t->fd < 0)
			begin(t, request);
		pending = pending || !t->over;
		again = again || (!t->over && t->fd < 0);
		polls[i] = (struct pollfd){ .fd = t->fd, .events = POLLIN };
	}
	if (!pending)
		return 0;
	return again && left > RETRY_NS ? RETRY_NS : left;
}

/* Receive where there is something. */
static void receive(struct talk *talks, const struct pollfd *polls, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int n = polls[i].revents ? receive_some(talks[i].fd, &talks[i].b, SIZE_MAX) : 0;

		if (n)
			end(&talks[i], n < 0 ? n : 0);
	}
}

void ctl_client_ask_all(struct ctl_client_call *calls, size_t len,
	const struct ctl_request *request, unsigned timeout_ms)
{
	struct mono due = mono_add(clock_mono(), timeout_ms * NS_PER_MS);
	struct talk *talks = calloc(len + 1, sizeof(*talks));
	struct pollfd *polls = calloc(len + 1, sizeof(*polls));
	size_t made = talks && polls ? len : 0;
	uint64_t wait;
	int n = 0;

	for (size_t i = 0; i < len; i++)
		calls[i].err = -ENOMEM;
	for (size_t i = 0; i < made; i++)
		talks[i] = (struct talk){ .call = &calls[i], .fd = -1 };
	do {
		wait = prepare(talks, polls, made, request, mono_between(clock_mono(), due));
		if (wait)
			n = poll(polls, made, (int)((wait + NS_PER_MS - 1) / NS_PER_MS));
		if (n > 0)
			receive(talks, polls, made);
	} while (wait && (n >= 0 || errno == EINTR));
	for (size_t i = 0; i < made; i++)
		if (!talks[i].over)
			end(&talks[i], -ETIMEDOUT);
	free(talks);
	free(polls);
}

int ctl_client_stream(const char *path, const struct ctl_request *request, unsigned timeout_ms,
	struct ctl_reply *ret, int *ret_fd)
{
	int fd = unixsock_connect(path, timeout_ms);
	int err;

	if (fd < 0)
		return fd;
	err = ask(fd, request, timeout_ms, 1, ret);
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
	err = ask(fd, &(struct ctl_request){ .verb = CTL_DOWN }, timeout_ms, SIZE_MAX, ret);
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
