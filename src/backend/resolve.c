/* SPDX-License-Identifier: MIT */
/* Host names to addresses without waiting: one thread asks the C library, answers come through a
 * descriptor. */
#include "backend/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The C library wants no more, and a locked stack is real memory. */
#define STACK_LEN ((size_t)256 * 1024)

struct question {
	uint64_t id;
	char host[RESOLVE_HOST_LEN];
};

/** Everything below `lock` is under it. */
struct resolver {
	pthread_t thread;
	int event_fd;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* there is a question, or the end */
	struct question asked[RESOLVE_QUEUE];
	unsigned first_asked;
	unsigned n_asked;
	struct resolve_answer done[RESOLVE_QUEUE];
	unsigned first_done;
	unsigned n_done;
	bool busy;   /* the thread is within the C library */
	bool closed; /* the thread frees this, if it is busy */
};

static void resolver_free(struct resolver *r)
{
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	close(r->event_fd);
	free(r);
}

/* Addresses of a result, each once. */
static void collect(const struct addrinfo *list, struct resolve_answer *a)
{
	for (; list && a->n < RESOLVE_ADDRS; list = list->ai_next) {
		struct endpoint e = { 0 };
		bool known = endpoint_from_sockaddr(list->ai_addr, &e) < 0;

		for (size_t i = 0; i < a->n && !known; i++)
			known = endpoint_equal(&a->v[i], &e);
		if (!known)
			a->v[a->n++] = e;
	}
}

static void look_up(const struct question *q, struct resolve_answer *a)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	int err = getaddrinfo(q->host, NULL, &hints, &list);

	*a = (struct resolve_answer){ .id = q->id };
	if (err == EAI_SYSTEM) {
		a->problem = "the C library failed";
	} else if (err) {
		a->problem = gai_strerror(err);
	} else {
		collect(list, a);
		freeaddrinfo(list);
		if (!a->n)
			a->problem = "it has no IPv4 and no IPv6 address";
	}
}

/* Answer the first question; the lock is held but while the C library is at work. */
static void answer_one(struct resolver *r)
{
	const uint64_t one = 1;
	struct question q = r->asked[r->first_asked];
	struct resolve_answer a;

	r->first_asked = (r->first_asked + 1) % RESOLVE_QUEUE;
	r->n_asked--;
	r->busy = true;
	pthread_mutex_unlock(&r->lock);
	look_up(&q, &a);
	pthread_mutex_lock(&r->lock);
	if (r->closed)
		return;
	r->busy = false;
	r->done[(r->first_done + r->n_done++) % RESOLVE_QUEUE] = a;
	(void)!write(r->event_fd, &one, sizeof(one));
}

static void *resolver_main(void *ctx)
{
	struct resolver *r = ctx;
	bool left;

	pthread_mutex_lock(&r->lock);
	while (!r->closed) {
		if (r->n_asked)
			answer_one(r);
		else
			pthread_cond_wait(&r->changed, &r->lock);
	}
	left = r->busy;
	pthread_mutex_unlock(&r->lock);
	if (left)
		resolver_free(r);
	return NULL;
}

static int start_thread(struct resolver *r)
{
	pthread_attr_t attr;
	sigset_t all;
	sigset_t before;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	sigfillset(&all);
	err = pthread_attr_setstacksize(&attr, STACK_LEN);
	if (!err)
		err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!err) {
		err = pthread_create(&r->thread, &attr, resolver_main, r);
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
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = r->event_fd < 0 ? -errno : start_thread(r);
	if (err < 0) {
		resolver_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void resolver_close(struct resolver *r)
{
	pthread_t thread;
	bool busy;

	if (!r)
		return;
	thread = r->thread;
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	busy = r->busy;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (busy) { /* it is the thread's now */
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	resolver_free(r);
}

int resolver_fd(const struct resolver *r)
{
	return r->event_fd;
}

int resolver_ask(struct resolver *r, uint64_t id, const char *host)
{
	size_t len = strlen(host);
	struct question *q;
	int err = 0;

	if (len >= RESOLVE_HOST_LEN)
		return -ENAMETOOLONG;
	pthread_mutex_lock(&r->lock);
	if (r->n_asked + r->busy + r->n_done >= RESOLVE_QUEUE) {
		err = -EAGAIN;
	} else {
		q = &r->asked[(r->first_asked + r->n_asked++) % RESOLVE_QUEUE];
		q->id = id;
		memcpy(q->host, host, len + 1);
		pthread_cond_signal(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

bool resolver_next(struct resolver *r, struct resolve_answer *ret)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&r->lock);
	any = r->n_done;
	if (any) {
		*ret = r->done[r->first_done];
		r->first_done = (r->first_done + 1) % RESOLVE_QUEUE;
		r->n_done--;
	} else {
		(void)!read(r->event_fd, &count, sizeof(count));
	}
	pthread_mutex_unlock(&r->lock);
	return any;
}
