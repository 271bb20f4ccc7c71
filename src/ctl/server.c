/* SPDX-License-Identifier: MIT */
/* The control socket's server: bounded, never blocking, whatever its clients do. */
#include "ctl/server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ctl/unixsock.h"

#define PAUSE_NS NS_PER_S /* of listening, when there is no place or descriptor */

/** What a connection waits for. */
enum client_state {
	CLIENT_FREE,	/* no connection */
	CLIENT_REQUEST, /* its request */
	CLIENT_REPLY,	/* room for our reply */
	CLIENT_HELD,	/* our end: it asked for `down` */
};

/** One connection. */
struct client {
	enum client_state state;
	int fd;
	struct mono due; /* when it is closed; MONO_NEVER while held */
	bool hold;	 /* keep the connection after the reply */
	size_t len;	 /* of what is in `request` */
	char request[CTL_REQUEST_MAX];
	char *reply;
	size_t reply_len;
	size_t sent;
};

struct ctl_server {
	struct unixsock sock;
	int epoll_fd;
	int timer_fd;
	ctl_server_handler *handler;
	void *ctx;
	uint64_t timeout_ns;
	bool accepting; /* the listening socket is watched */
	struct client clients[CTL_SERVER_CLIENTS];
};

/* Clients are known by their number in epoll's data; these two come after them. */
#define EVENT_LISTEN CTL_SERVER_CLIENTS
#define EVENT_TIMER  (CTL_SERVER_CLIENTS + 1)

static int watch(struct ctl_server *s, int op, int fd, uint32_t events, uint32_t id)
{
	struct epoll_event ev = { .events = events, .data.u32 = id };

	return epoll_ctl(s->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

static void set_accepting(struct ctl_server *s, bool on)
{
	if (s->accepting != on &&
		watch(s, EPOLL_CTL_MOD, s->sock.fd, on ? EPOLLIN : 0, EVENT_LISTEN) == 0)
		s->accepting = on;
}

/* Set the timer to the earliest deadline of all clients, or to when a pause of listening ends; stop
 * it if there is neither. */
static void set_timer(struct ctl_server *s)
{
	struct itimerspec spec = { 0 };
	struct mono due = s->accepting ? MONO_NEVER : mono_add(clock_mono(), PAUSE_NS);

	for (size_t i = 0; i < CTL_SERVER_CLIENTS; i++) {
		if (s->clients[i].state != CLIENT_FREE)
			due = mono_earliest(due, s->clients[i].due);
	}
	spec.it_value.tv_sec = (time_t)(due.ns / NS_PER_S);
	spec.it_value.tv_nsec = (long)(due.ns % NS_PER_S);
	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void drop_client(struct ctl_server *s, struct client *c)
{
	close(c->fd);
	free(c->reply);
	c->reply = NULL;
	c->state = CLIENT_FREE;
	set_accepting(s, true);
}

static void reply_is_sent(struct ctl_server *s, struct client *c)
{
	if (!c->hold) {
		drop_client(s, c);
		return;
	}
	free(c->reply);
	c->reply = NULL;
	c->state = CLIENT_HELD;
	c->due = MONO_NEVER;
	/* no interest but in errors and the other end's going away, which epoll always reports */
	if (watch(s, EPOLL_CTL_MOD, c->fd, 0, (uint32_t)(c - s->clients)) < 0)
		drop_client(s, c);
}

static void send_reply(struct ctl_server *s, struct client *c)
{
	ssize_t n = send(
		c->fd, c->reply + c->sent, c->reply_len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop_client(s, c);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == c->reply_len)
		reply_is_sent(s, c);
}

/* Turn the client to sending `reply`; whatever of it fits leaves at once. */
static void start_reply(struct ctl_server *s, struct client *c, const struct ctl_reply *reply)
{
	if (ctl_reply_print(reply, &c->reply, &c->reply_len) < 0 ||
		watch(s, EPOLL_CTL_MOD, c->fd, EPOLLOUT, (uint32_t)(c - s->clients)) < 0) {
		drop_client(s, c);
		return;
	}
	c->state = CLIENT_REPLY;
	c->sent = 0;
	c->due = mono_add(clock_mono(), s->timeout_ns);
	send_reply(s, c);
}

static void answer(struct ctl_server *s, struct client *c, size_t line_len)
{
	struct ctl_request request;
	struct ctl_reply *reply = calloc(1, sizeof(*reply));
	int err = reply ? ctl_request_parse(c->request, line_len, &request) : -ENOMEM;

	if (!reply) {
		drop_client(s, c);
		return;
	}
	reply->ok = true;
	if (!err)
		s->handler(s->ctx, &request, reply);
	else if (err == -EOPNOTSUPP)
		ctl_reply_fail(reply, "this version of wirespan has no such verb");
	else if (err == -EINVAL)
		ctl_reply_fail(reply, "this version of wirespan has no such option for this verb");
	else
		ctl_reply_fail(reply, "not a request: send one line such as {\"verb\":\"status\"}");
	c->hold = !err && request.verb == CTL_DOWN && reply->ok;
	start_reply(s, c, reply);
	ctl_reply_fini(reply);
	free(reply);
}

/* Take what has arrived; a request ends with its newline, or with the other end's having no more to
 * say. */
static void read_request(struct ctl_server *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->len, sizeof(c->request) - c->len, MSG_DONTWAIT);
	const char *newline;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (n == 0 && c->len == 0)) {
		drop_client(s, c);
		return;
	}
	newline = memchr(c->request + c->len, '\n', (size_t)n);
	c->len += (size_t)n;
	if (newline)
		answer(s, c, (size_t)(newline - c->request));
	else if (n == 0 || c->len == sizeof(c->request))
		answer(s, c, c->len);
}

static void run_client(struct ctl_server *s, struct client *c, uint32_t events)
{
	if (c->state == CLIENT_FREE)
		return; /* ended earlier in this round */
	if (c->state == CLIENT_REQUEST)
		read_request(s, c);
	else if (c->state == CLIENT_REPLY)
		send_reply(s, c);
	else if (events & (EPOLLHUP | EPOLLERR))
		drop_client(s, c);
}

static struct client *find_free(struct ctl_server *s)
{
	for (size_t i = 0; i < CTL_SERVER_CLIENTS; i++) {
		if (s->clients[i].state == CLIENT_FREE)
			return &s->clients[i];
	}
	return NULL;
}

static void start_client(struct ctl_server *s, struct client *c, int fd)
{
	struct ctl_reply refusal = { 0 };

	*c = (struct client){
		.state = CLIENT_REQUEST, .fd = fd, .due = mono_add(clock_mono(), s->timeout_ns)
	};
	if (watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)(c - s->clients)) < 0) {
		drop_client(s, c);
	} else if (!unixsock_peer_is_trusted(fd)) {
		ctl_reply_fail(&refusal, "only root may ask");
		start_reply(s, c, &refusal);
	}
}

/* Take one connection. Without a free place, or a descriptor, stop listening for now: the next
 * client that ends, or the timer, resumes it. */
static void accept_client(struct ctl_server *s)
{
	struct client *c = find_free(s);
	int fd;

	if (!c) {
		set_accepting(s, false);
		return;
	}
	fd = accept4(s->sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		start_client(s, c, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		set_accepting(s, false);
}

/* Close whom time has run out for, and listen again. */
static void run_timer(struct ctl_server *s)
{
	struct mono now = clock_mono();
	uint64_t expirations;

	if (read(s->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	for (size_t i = 0; i < CTL_SERVER_CLIENTS; i++) {
		struct client *c = &s->clients[i];

		if (c->state != CLIENT_FREE && mono_reached(c->due, now))
			drop_client(s, c);
	}
	set_accepting(s, find_free(s) != NULL);
}

void ctl_server_run(struct ctl_server *s)
{
	struct epoll_event events[CTL_SERVER_CLIENTS + 2];
	int count = epoll_wait(s->epoll_fd, events, (int)ARRAY_LEN(events), 0);

	for (int i = 0; i < count; i++) {
		uint32_t id = events[i].data.u32;

		if (id == EVENT_LISTEN)
			accept_client(s);
		else if (id == EVENT_TIMER)
			run_timer(s);
		else
			run_client(s, &s->clients[id], events[i].events);
	}
	set_timer(s);
}

int ctl_server_fd(const struct ctl_server *s)
{
	return s->epoll_fd;
}

int ctl_server_open(const struct ctl_server_config *config, struct ctl_server **ret)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->handler = config->handler;
	s->ctx = config->ctx;
	s->timeout_ns = (config->timeout_ms ? config->timeout_ms : CTL_SERVER_TIMEOUT) * NS_PER_MS;
	s->accepting = true;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	s->sock.fd = -1;
	err = s->epoll_fd < 0 || s->timer_fd < 0 ? -errno : 0;
	if (!err)
		err = unixsock_open(config->path, &s->sock);
	if (!err)
		err = watch(s, EPOLL_CTL_ADD, s->sock.fd, EPOLLIN, EVENT_LISTEN);
	if (!err)
		err = watch(s, EPOLL_CTL_ADD, s->timer_fd, EPOLLIN, EVENT_TIMER);
	if (err) {
		ctl_server_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

void ctl_server_close(struct ctl_server *s)
{
	if (!s)
		return;
	if (s->sock.fd >= 0)
		unixsock_close(&s->sock);
	for (size_t i = 0; i < CTL_SERVER_CLIENTS; i++) {
		if (s->clients[i].state != CLIENT_FREE)
			drop_client(s, &s->clients[i]);
	}
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	free(s);
}
