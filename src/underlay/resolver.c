/* SPDX-License-Identifier: MIT */
/* Non-blocking resolution of host names: threads call the C library, answers are read from a
 * descriptor. */
#include "underlay/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The C library needs no more, and a limit on memory counts all of it. */
#define STACK_LEN ((size_t)256 * 1024)

struct question {
	uint64_t id;
	bool doubtful;
	char host[RESOLVER_HOST_LEN];
};

/** Members below `lock` are protected by it. */
struct resolver {
	int event_fd;
	pthread_mutex_t lock;
	struct question asked[RESOLVER_QUEUE]; /* oldest first */
	unsigned n_asked;
	struct resolver_answer done[RESOLVER_QUEUE];
	unsigned first_done;
	unsigned n_done;
	unsigned n_threads;
	unsigned busy; /* threads inside the C library */
	unsigned busy_doubtful;
	bool closed; /* the last thread frees this struct */
};

static void resolver_free(struct resolver *r)
{
	pthread_mutex_destroy(&r->lock);
	close(r->event_fd);
	free(r);
}

/* Copy the distinct addresses of a result. */
static void collect(const struct addrinfo *list, struct resolver_answer *a)
{
	for (; list && a->n < RESOLVER_ADDRS; list = list->ai_next) {
		struct endpoint e = { 0 };
		bool known = endpoint_from_sockaddr(list->ai_addr, &e) < 0;

		for (size_t i = 0; i < a->n && !known; i++)
			known = endpoint_equal(&a->v[i], &e);
		if (!known)
			a->v[a->n++] = e;
	}
}

static void look_up(const struct question *q, struct resolver_answer *a)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	int err = getaddrinfo(q->host, NULL, &hints, &list);

	*a = (struct resolver_answer){ .id = q->id, .code = err };
	if (err)
		return;
	collect(list, a);
	freeaddrinfo(list);
	if (!a->n)
		a->code = RESOLVER_NO_ADDRESS;
}

const char *resolver_problem_text(int code)
{
	switch (code) {
	case RESOLVER_OK:
		return NULL;
	case RESOLVER_NO_ADDRESS:
		return "it has no IPv4 and no IPv6 address";
	case RESOLVER_NO_FAMILY:
		return "it has addresses only of a family that this host lacks";
	case RESOLVER_ENDED:
		return "the process that resolves names has ended";
	case EAI_SYSTEM:
		return "the C library failed";
	default:
		return gai_strerror(code);
	}
}

static bool may_be_asked(const struct resolver *r, bool doubtful)
{
	return !doubtful || r->busy_doubtful < RESOLVER_THREADS / 2;
}

/* Take the oldest query that may be sent now. Return: false if there is none. */
static bool next_question(struct resolver *r, struct question *ret)
{
	for (unsigned i = 0; i < r->n_asked; i++) {
		if (!may_be_asked(r, r->asked[i].doubtful))
			continue;
		*ret = r->asked[i];
		r->n_asked--;
		memmove(&r->asked[i], &r->asked[i + 1], (r->n_asked - i) * sizeof(*ret));
		return true;
	}
	return false;
}

/* Process a query. The lock is held, except while the C library works. */
static void answer(struct resolver *r, const struct question *q)
{
	const uint64_t one = 1;
	struct resolver_answer a;

	r->busy++;
	r->busy_doubtful += q->doubtful;
	pthread_mutex_unlock(&r->lock);
	look_up(q, &a);
	pthread_mutex_lock(&r->lock);
	r->busy--;
	r->busy_doubtful -= q->doubtful;
	if (r->closed)
		return;
	r->done[(r->first_done + r->n_done++) % RESOLVER_QUEUE] = a;
	(void)!write(r->event_fd, &one, sizeof(one));
}

static void *thread_main(void *ctx)
{
	struct resolver *r = ctx;
	struct question q;
	bool left;

	pthread_mutex_lock(&r->lock);
	while (!r->closed && next_question(r, &q))
		answer(r, &q);
	r->n_threads--;
	left = r->closed && !r->n_threads;
	pthread_mutex_unlock(&r->lock);
	if (left)
		resolver_free(r);
	return NULL;
}

static int start_thread(struct resolver *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	sigfillset(&all);
	err = pthread_attr_setstacksize(&attr, STACK_LEN);
	if (!err)
		err = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!err)
		err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!err) {
		err = pthread_create(&thread, &attr, thread_main, r);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	return -err;
}

int resolver_open(struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->event_fd < 0) {
		err = -errno;
		free(r);
		return err;
	}
	pthread_mutex_init(&r->lock, NULL);
	*ret = r;
	return 0;
}

void resolver_close(struct resolver *r)
{
	bool left;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	left = !r->n_threads;
	pthread_mutex_unlock(&r->lock);
	if (left) /* otherwise the threads own it now */
		resolver_free(r);
}

int resolver_fd(const struct resolver *r)
{
	return r->event_fd;
}

static bool has_room(const struct resolver *r, bool doubtful)
{
	unsigned n = r->busy_doubtful;

	for (unsigned i = 0; i < r->n_asked; i++)
		n += r->asked[i].doubtful;
	return r->n_asked + r->busy + r->n_done < RESOLVER_QUEUE &&
	       (!doubtful || n < RESOLVER_QUEUE / 2);
}

/* A query was added: start one more thread if that helps. Return: 0 or -errno. */
static int call_thread(struct resolver *r, bool doubtful)
{
	int err;

	if (r->n_threads == RESOLVER_THREADS || !may_be_asked(r, doubtful))
		return 0;
	err = start_thread(r);
	if (!err)
		r->n_threads++;
	return r->n_threads ? 0 : err; /* otherwise the existing threads suffice */
}

int resolver_ask(struct resolver *r, uint64_t id, const char *host, bool doubtful)
{
	size_t len = strlen(host);
	struct question *q;
	int err = -EAGAIN;

	if (len >= RESOLVER_HOST_LEN)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&r->lock);
	if (has_room(r, doubtful)) {
		q = &r->asked[r->n_asked++];
		*q = (struct question){ .id = id, .doubtful = doubtful };
		memcpy(q->host, host, len + 1);
		err = call_thread(r, doubtful);
		if (err < 0)
			r->n_asked--;
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

bool resolver_next(struct resolver *r, struct resolver_answer *ret)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&r->lock);
	any = r->n_done;
	if (any) {
		*ret = r->done[r->first_done];
		r->first_done = (r->first_done + 1) % RESOLVER_QUEUE;
		r->n_done--;
	} else {
		(void)!read(r->event_fd, &count, sizeof(count));
	}
	pthread_mutex_unlock(&r->lock);
	return any;
}
