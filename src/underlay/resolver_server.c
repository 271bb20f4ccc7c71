/* SPDX-License-Identifier: MIT */
/* The main loop of a process that resolves names for another one. */
#include "underlay/resolver_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "underlay/resolver_client.h"

static void send_answer(int fd, const struct resolver_answer *a)
{
	(void)!send(fd, a, sizeof(*a), MSG_NOSIGNAL); /* it waits for room */
}

/* Read one query and start it. Return: 1; 0 if the socket is closed; or -errno. */
static int accept_query(struct resolver *r, int fd)
{
	struct resolver_query q;
	ssize_t len = recv(fd, &q, sizeof(q), 0);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	if (len == 0)
		return 0;
	if (resolver_query_check(&q, (size_t)len) && resolver_ask(r, q.id, q.host, q.doubtful) < 0)
		send_answer(fd, &(struct resolver_answer){ .id = q.id, .code = EAI_AGAIN });
	return 1;
}

int resolver_serve(int fd)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN } };
	struct resolver_answer a;
	struct resolver *r;
	int more = resolver_open(&r);

	if (more < 0)
		return more;
	fds[1] = (struct pollfd){ .fd = resolver_fd(r), .events = POLLIN };
	do {
		more = poll(fds, 2, -1) < 0 && errno != EINTR ? -errno : 1;
		while (fds[1].revents && resolver_next(r, &a))
			send_answer(fd, &a);
		if (more > 0 && fds[0].revents)
			more = accept_query(r, fd);
	} while (more > 0);
	resolver_close(r);
	return more;
}
