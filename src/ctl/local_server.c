/* SPDX-License-Identifier: MIT */
/* A local server that no client can stall: limits connections, input and time; one descriptor. */
#include "ctl/local_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/bucket.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"

#define PAUSE_NS NS_PER_S /* without accepting, when no slot or descriptor is free */
#define SLOW_NS	 NS_PER_S /* a client that is slow for longer may lose its slot */
#define READ_NS	 NS_PER_S /* a refused client has this long for its request */

#define SPARE_FDS 2 /* reserved: for a client, and to ask who the next one is */

/** State of a connection: what it waits for. */
enum client_state {
	CLIENT_FREE,	/* free slot */
	CLIENT_REQUEST, /* for the rest of a request */
	CLIENT_IDLE,	/* for the first byte of a request, until its slot is needed */
	CLIENT_ANSWER,	/* for room to send our answer */
	CLIENT_HELD,	/* for the server to close */
	CLIENT_REFUSED, /* for the client to close; what it sends is ignored */
	CLIENT_OVER,	/* to be closed after the owner's callback returns */
};

struct local_client {
	enum client_state state;
	enum local_server_then then;
	int fd;
	bool end;	   /* the client has sent everything */
	struct mono since; /* start of this state, or when a part of the answer was sent */
	struct mono due;   /* closed at this time; MONO_NEVER while idle or held */
	char *answer;
	size_t answer_len;
	size_t sent;
	size_t len; /* bytes in `input` */
	char input[LOCAL_SERVER_INPUT];
	void *user;
};

struct local_server {
	struct local_server_config config;
	struct unixsock sock;
	int epoll_fd;
	int timer_fd;
	int spare_fds[SPARE_FDS];
	unsigned n_spare; /* the others are in use */
	uint64_t timeout_ns;
	bool accepting; /* the listening socket is watched */
	bool reported;	/* a limit that refuses clients has been reported */
	struct bucket connections;
	void (*ready)(void *ctx);
	struct local_client clients[LOCAL_SERVER_CLIENTS];
};

/* Clients use their number as epoll data; these values follow. */
#define EVENT_LISTEN LOCAL_SERVER_CLIENTS
#define EVENT_TIMER  (LOCAL_SERVER_CLIENTS + 1)
#define EVENT_OWNER  (LOCAL_SERVER_CLIENTS + 2)
#define EVENTS	     (LOCAL_SERVER_CLIENTS + 3)

static int watch(struct local_server *h, int op, int fd, uint32_t events, uint32_t id)
{
	struct epoll_event ev = { .events = events, .data.u32 = id };

	return epoll_ctl(h->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

static void set_accepting(struct local_server *h, bool on)
{
	if (h->accepting != on &&
		watch(h, EPOLL_CTL_MOD, h->sock.fd, on ? EPOLLIN : 0, EVENT_LISTEN) == 0)
		h->accepting = on;
}

/* Set the timer to the earliest deadline of all clients, or to the end of a pause of accepting;
 * stop it if there is none. */
static void set_timer(struct local_server *h)
{
	struct itimerspec spec = { 0 };
	struct mono due = h->accepting ? MONO_NEVER : mono_add(clock_mono(), PAUSE_NS);

	for (size_t i = 0; i < LOCAL_SERVER_CLIENTS; i++) {
		if (h->clients[i].state != CLIENT_FREE)
			due = mono_earliest(due, h->clients[i].due);
	}
	spec.it_value.tv_sec = (time_t)(due.ns / NS_PER_S);
	spec.it_value.tv_nsec = (long)(due.ns % NS_PER_S);
	timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Answers may contain keys. */
static void wipe_answer(struct local_client *c)
{
	if (c->answer)
		secret_wipe(c->answer, c->answer_len);
	free(c->answer);
	c->answer = NULL;
}

/* Reserve descriptors, as many as are wanted and the process may have. Return: 0, or -errno if
 * there are fewer. */
static int reserve_fds(struct local_server *h)
{
	while (h->n_spare < SPARE_FDS) {
		int fd = fcntl(h->timer_fd, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			return -errno;
		h->spare_fds[h->n_spare++] = fd;
	}
	return 0;
}

static void drop_client(struct local_server *h, struct local_client *c)
{
	if (h->config.gone)
		h->config.gone(h->config.ctx, c);
	(void)epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL); /* the owner may have a copy */
	close(c->fd);
	(void)reserve_fds(h);
	wipe_answer(c);
	secret_wipe(c->input, c->len);
	c->state = CLIENT_FREE;
	set_accepting(h, true);
}

void local_server_forget(struct local_server *h)
{
	for (size_t i = 0; i < LOCAL_SERVER_CLIENTS; i++) {
		struct local_client *c = &h->clients[i];

		if (c->state == CLIENT_FREE)
			continue;
		if (h->config.gone)
			h->config.gone(h->config.ctx, c);
		wipe_answer(c);
		secret_wipe(c->input, sizeof(c->input));
		c->state = CLIENT_FREE;
	}
}

/* Change to another state. `events` 0: only errors and hang-ups, which epoll always reports. */
static void turn(
	struct local_server *h, struct local_client *c, enum client_state state, uint32_t events)
{
	c->state = state;
	c->since = clock_mono();
	c->due = state == CLIENT_HELD || state == CLIENT_IDLE ? MONO_NEVER
							      : mono_add(c->since, h->timeout_ns);
	if (watch(h, EPOLL_CTL_MOD, c->fd, events, (uint32_t)(c - h->clients)) < 0)
		c->state = CLIENT_OVER;
}

static void answer_is_sent(struct local_server *h, struct local_client *c)
{
	wipe_answer(c);
	switch (c->then) {
	case LOCAL_SERVER_CLOSE:
		c->state = CLIENT_OVER;
		break;
	case LOCAL_SERVER_NEXT:
		turn(h, c, c->len ? CLIENT_REQUEST : CLIENT_IDLE, EPOLLIN);
		set_accepting(h, true);
		break;
	case LOCAL_SERVER_HOLD:
		turn(h, c, CLIENT_HELD, 0);
		break;
	}
}

static void send_answer(struct local_server *h, struct local_client *c)
{
	ssize_t n = send(
		c->fd, c->answer + c->sent, c->answer_len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		c->state = CLIENT_OVER;
		return;
	}
	c->sent += (size_t)n;
	c->since = clock_mono();
	if (c->sent == c->answer_len)
		answer_is_sent(h, c);
}

/* Pass pending input to the owner while it consumes some. */
static void offer_input(struct local_server *h, struct local_client *c)
{
	size_t used = 1;

	while (c->state == CLIENT_REQUEST && used > 0 && (c->len > 0 || c->end)) {
		used = h->config.input(h->config.ctx, c, c->input, c->len, c->end);
		c->len -= used;
		memmove(c->input, c->input + used, c->len);
		secret_wipe(c->input + c->len, used);
		if (c->state == CLIENT_ANSWER) {
			turn(h, c, CLIENT_ANSWER, EPOLLOUT);
			send_answer(h, c);
		}
	}
	if ((c->state == CLIENT_REQUEST && c->len == sizeof(c->input)) ||
		(c->state != CLIENT_ANSWER && c->state != CLIENT_HELD && c->end))
		c->state = CLIENT_OVER;
}

static void read_input(struct local_server *h, struct local_client *c)
{
	ssize_t n = recv(c->fd, c->input + c->len, sizeof(c->input) - c->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->end = n <= 0;
	if (n < 0) {
		c->state = CLIENT_OVER;
		return;
	}
	c->len += (size_t)n;
	if (c->state == CLIENT_IDLE && n > 0)
		turn(h, c, CLIENT_REQUEST, EPOLLIN);
	offer_input(h, c);
}

/* Refuse a client's request when its first bytes arrive, and ignore the rest: closing the socket
 * before it has written its request would keep it from reading the refusal. */
static void refuse_request(struct local_server *h, struct local_client *c)
{
	ssize_t n = recv(c->fd, c->input, sizeof(c->input), MSG_DONTWAIT);
	const char *refusal;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && !c->sent) {
		refusal = h->config.refusal(c->input, (size_t)n);
		/* it fits into the empty buffer of the socket */
		(void)send(c->fd, refusal, strlen(refusal), MSG_DONTWAIT | MSG_NOSIGNAL);
		c->sent = strlen(refusal);
	}
	secret_wipe(c->input, sizeof(c->input));
	if (n <= 0)
		c->state = CLIENT_OVER;
}

static void run_client(struct local_server *h, struct local_client *c, uint32_t events)
{
	if (c->state == CLIENT_FREE)
		return; /* closed earlier in this call */
	if (c->state == CLIENT_REFUSED) {
		refuse_request(h, c);
	} else if (c->state == CLIENT_REQUEST || c->state == CLIENT_IDLE) {
		read_input(h, c);
	} else if (c->state == CLIENT_ANSWER) {
		send_answer(h, c);
		offer_input(h, c);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		c->state = CLIENT_OVER;
	}
	if (c->state == CLIENT_OVER)
		drop_client(h, c);
}

/* Whether the client has sent something that was not read yet. */
static bool has_input(const struct local_client *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* How readily the client loses its slot to a new one; 0: it does not; 4: the slot is free. */
static unsigned eviction_class(const struct local_client *c, struct mono now)
{
	switch (c->state) {
	case CLIENT_FREE:
		return 4;
	case CLIENT_REFUSED:
		return 3;
	case CLIENT_IDLE:
		return has_input(c) ? 0 : 2;
	case CLIENT_REQUEST:
	case CLIENT_ANSWER:
		return mono_between(c->since, now) >= SLOW_NS ? 1 : 0;
	case CLIENT_HELD:
	case CLIENT_OVER:
		return 0;
	}
	return 0;
}

/* A slot for a new client, of a class up to `max`: a free one; or that of a refused client, of the
 * longest idle one, or of one that is slow to send or to receive; or NULL. */
static struct local_client *find_place(struct local_server *h, unsigned max)
{
	struct local_client *best = NULL;
	struct mono now = clock_mono();
	unsigned best_class = 0;

	for (size_t i = 0; i < LOCAL_SERVER_CLIENTS && best_class < 4; i++) {
		struct local_client *c = &h->clients[i];
		unsigned class = eviction_class(c, now);

		if (class <= max && (class > best_class || (best && class == best_class &&
								   c->since.ns < best->since.ns))) {
			best = c;
			best_class = class;
		}
	}
	return best;
}

/* Serve a new connection in slot `c`, whose client is closed. */
static void start_client(
	struct local_server *h, struct local_client *c, int fd, enum client_state state)
{
	struct mono now = clock_mono();

	if (c->state != CLIENT_FREE)
		drop_client(h, c);
	*c = (struct local_client){ .state = state, .fd = fd, .since = now, .due = MONO_NEVER };
	if (state == CLIENT_REFUSED)
		c->due = mono_add(now, READ_NS);
	if (watch(h, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)(c - h->clients)) < 0)
		drop_client(h, c);
}

/* Whether the limit on connections allows another one now. */
static bool may_accept(struct local_server *h)
{
	unsigned n = h->config.per_second;

	return !n || bucket_take(&h->connections, clock_mono(), NS_PER_S / n, n);
}

/* A limit allows no further connection now: report the first time, as the client only sees that
 * nothing answers. */
static void meet_limit(struct local_server *h, int err)
{
	set_accepting(h, false);
	if (!h->reported)
		log_warning("A client of %s cannot be served: %s.%s", h->sock.path, strerror(-err),
			error_limit_tail(err));
	h->reported = true;
}

static int accept_fd(const struct local_server *h)
{
	int fd = accept4(h->sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Accept a connection, with a reserved descriptor if there is no other; with the last one only if a
 * client could give it back. Return: a descriptor or -errno. */
static int accept_anyway(struct local_server *h)
{
	int fd = accept_fd(h);

	if ((fd != -EMFILE && fd != -ENFILE) || !h->n_spare ||
		(h->n_spare == 1 && !find_place(h, 3)))
		return fd;
	close(h->spare_fds[--h->n_spare]);
	fd = accept_fd(h);
	if (fd < 0)
		(void)reserve_fds(h);
	return fd;
}

/* A new client, which may be served, has the last reserved descriptor: one that can lose its slot
 * gives another back. */
static void make_room(struct local_server *h)
{
	struct local_client *idle;

	if (h->n_spare || !reserve_fds(h) || h->n_spare)
		return;
	idle = find_place(h, 3);
	if (idle)
		drop_client(h, idle);
}

/* Accept one connection. Without a free slot or descriptor, stop accepting: the next client that
 * ends, or the timer, resumes it. */
static void accept_client(struct local_server *h)
{
	struct local_client *c = find_place(h, 4);
	int fd;

	if (!c || !may_accept(h)) {
		set_accepting(h, false);
		return;
	}
	fd = accept_anyway(h);
	if (fd >= 0 && (h->config.any_user || unixsock_peer_is_trusted(fd))) {
		make_room(h);
		start_client(h, c, fd, CLIENT_IDLE);
	} else if (fd >= 0 && c->state == CLIENT_FREE && h->n_spare) {
		start_client(h, c, fd, CLIENT_REFUSED);
	} else if (fd >= 0) {
		close(fd); /* a refused client takes no other's slot, nor descriptor */
		(void)reserve_fds(h);
	} else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -ENOBUFS) {
		meet_limit(h, fd);
	}
}

/* Close clients that timed out, and resume accepting. */
static void run_timer(struct local_server *h)
{
	struct mono now = clock_mono();
	uint64_t expirations;

	if (read(h->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	for (size_t i = 0; i < LOCAL_SERVER_CLIENTS; i++) {
		struct local_client *c = &h->clients[i];

		if (c->state != CLIENT_FREE && mono_reached(c->due, now))
			drop_client(h, c);
	}
	set_accepting(h, find_place(h, 4) != NULL);
}

void local_server_run(struct local_server *h)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(h->epoll_fd, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		uint32_t id = events[i].data.u32;

		if (id == EVENT_LISTEN)
			accept_client(h);
		else if (id == EVENT_TIMER)
			run_timer(h);
		else if (id == EVENT_OWNER)
			h->ready(h->config.ctx);
		else
			run_client(h, &h->clients[id], events[i].events);
	}
	set_timer(h);
}

int local_server_fd(const struct local_server *h)
{
	return h->epoll_fd;
}

const struct unixsock *local_server_sock(const struct local_server *h)
{
	return &h->sock;
}

int local_server_watch(struct local_server *h, int fd, void (*ready)(void *ctx))
{
	h->ready = ready;
	return watch(h, EPOLL_CTL_ADD, fd, EPOLLIN, EVENT_OWNER);
}

void **local_server_user(struct local_client *c)
{
	return &c->user;
}

void local_server_answer(
	struct local_client *c, char *text, size_t len, enum local_server_then then)
{
	c->answer = text;
	c->answer_len = len;
	c->sent = 0;
	c->then = then;
	c->state = CLIENT_ANSWER;
}

int local_server_copy_fd(const struct local_client *c)
{
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

void local_server_hang_up(struct local_client *c)
{
	c->state = CLIENT_OVER;
}

/* Close what local_server_open() opened, except the socket. */
static void close_own(struct local_server *h)
{
	while (h->n_spare)
		close(h->spare_fds[--h->n_spare]);
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	free(h);
}

int local_server_open(const struct local_server_config *config, const struct unixsock *sock,
	struct local_server **ret)
{
	struct local_server *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->config = *config;
	h->sock = *sock;
	h->timeout_ns =
		(config->timeout_ms ? config->timeout_ms : LOCAL_SERVER_TIMEOUT) * NS_PER_MS;
	h->accepting = true;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	err = h->epoll_fd < 0 || h->timer_fd < 0 ? -errno : 0;
	if (!err)
		err = reserve_fds(h);
	if (!err)
		err = watch(h, EPOLL_CTL_ADD, h->sock.fd, EPOLLIN, EVENT_LISTEN);
	if (!err)
		err = watch(h, EPOLL_CTL_ADD, h->timer_fd, EPOLLIN, EVENT_TIMER);
	if (err) {
		close_own(h);
		return err;
	}
	*ret = h;
	return 0;
}

int local_server_listen(
	const struct local_server_config *config, const char *path, struct local_server **ret)
{
	struct unixsock sock;
	int err = unixsock_open(path, &sock);

	if (err)
		return err;
	if (config->any_user)
		err = unixsock_share(&sock);
	if (!err)
		err = local_server_open(config, &sock, ret);
	if (err)
		unixsock_close(&sock);
	return err;
}

int local_server_adopt(const struct local_server_config *config, int fd, const char *path,
	struct local_server **ret)
{
	struct unixsock sock;
	int err = unixsock_adopt(fd, path, &sock);

	return err ? err : local_server_open(config, &sock, ret);
}

void local_server_close(struct local_server *h)
{
	if (!h)
		return;
	/* the socket first: a client that waits for its end then finds it removed */
	unixsock_close(&h->sock);
	for (size_t i = 0; i < LOCAL_SERVER_CLIENTS; i++) {
		if (h->clients[i].state != CLIENT_FREE)
			drop_client(h, &h->clients[i]);
	}
	close_own(h);
}
