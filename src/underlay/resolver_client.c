/* SPDX-License-Identifier: MIT */
/* Names resolved by another process: the records that both exchange, and either side of it. */
#include "underlay/resolver_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The lowest code of getaddrinfo(3) is above this. */
#define CODE_MIN (-200)

/** A query without an answer yet. */
struct pending {
	uint64_t id;
	bool doubtful;
};

struct resolver_client {
	int fd;
	struct pending pending[RESOLVER_QUEUE];
	unsigned n;
	bool failing; /* the pending queries are being answered with RESOLVER_ENDED */
	bool ended;   /* the other end was closed */
};

int resolver_client_new(int fd, struct resolver_client **ret)
{
	struct resolver_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->fd = fd;
	*ret = c;
	return 0;
}

void resolver_client_free(struct resolver_client *c)
{
	close(c->fd);
	free(c);
}

int resolver_client_fd(const struct resolver_client *c)
{
	return c->fd;
}

bool resolver_client_has_ended(const struct resolver_client *c)
{
	return c->ended;
}

/* Whether there is room for a query: doubtful ones get half of it. */
static bool has_room(const struct resolver_client *c, bool doubtful)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		n += c->pending[i].doubtful;
	return c->n < RESOLVER_QUEUE && (!doubtful || n < RESOLVER_QUEUE / 2);
}

int resolver_client_ask(struct resolver_client *c, uint64_t id, const char *host, bool doubtful)
{
	struct resolver_query q = { .id = id, .doubtful = doubtful };

	if (!has_room(c, doubtful))
		return -EAGAIN;
	memcpy(q.host, host, strlen(host) + 1);
	if (send(c->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	c->pending[c->n++] = (struct pending){ .id = id, .doubtful = doubtful };
	return 0;
}

/* Forget a pending query. Return: whether there was one with that id. */
static bool take(struct resolver_client *c, uint64_t id)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->pending[i].id != id)
			continue;
		c->pending[i] = c->pending[--c->n];
		return true;
	}
	return false;
}

bool resolver_client_next(struct resolver_client *c, struct resolver_answer *ret)
{
	struct resolver_answer a = { 0 };
	ssize_t len;

	for (;;) {
		if (c->failing && c->n) {
			*ret = (struct resolver_answer){ .id = c->pending[--c->n].id,
				.code = RESOLVER_ENDED };
			return true;
		}
		c->failing = false;
		len = recv(c->fd, &a, sizeof(a), MSG_DONTWAIT);
		if (len < 0 && errno != EINTR && errno != ECONNRESET) /* reported once */
			return false;
		if (len == 0) {
			c->ended = true;
			c->failing = c->n;
			if (!c->n)
				return false;
			continue;
		}
		if (len < 0 || !resolver_answer_check(&a, (size_t)len))
			continue;
		if (a.id == RESOLVER_ALL_IDS)
			c->failing = true;
		else if (take(c, a.id)) {
			*ret = a;
			return true;
		}
	}
}

bool resolver_query_check(const struct resolver_query *q, size_t len)
{
	return len == sizeof(*q) && q->doubtful <= 1 && memchr(q->host, 0, sizeof(q->host)) &&
	       q->host[0];
}

bool resolver_answer_check(const struct resolver_answer *a, size_t len)
{
	if (len != sizeof(*a) || a->code < CODE_MIN || a->code >= RESOLVER_PROBLEMS ||
		a->n > RESOLVER_ADDRS || !a->n != !!a->code)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if ((a->v[i].addr.family != AF_INET && a->v[i].addr.family != AF_INET6) ||
			a->v[i].port)
			return false;
	return true;
}

void resolver_fail_all(int fd)
{
	const struct resolver_answer all = { .id = RESOLVER_ALL_IDS, .code = RESOLVER_ENDED };

	(void)!send(fd, &all, sizeof(all), MSG_DONTWAIT | MSG_NOSIGNAL);
}
