/* SPDX-License-Identifier: MIT */
/* The event loop: epoll over descriptors, one deadline, and signals as events. */
#include "loop/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"

int loop_open(struct loop *ret)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = (struct loop){ .epoll_fd = fd };
	return 0;
}

void loop_close(struct loop *l)
{
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	l->epoll_fd = -1;
}

int loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, w->fd, &e) < 0 ? -errno : 0;
}

int loop_change(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, w->fd, &e) < 0 ? -errno : 0;
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->next; i < l->count; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

/* Milliseconds until the deadline, rounded up: rounding down would cause a second wake-up. */
static int wait_ms(struct mono deadline)
{
	uint64_t ms;

	if (!mono_is_set(deadline))
		return -1;
	ms = (mono_between(clock_mono(), deadline) + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 3600000 ? 3600000 : (int)ms;
}

int loop_run_once(struct loop *l, struct mono deadline)
{
	int n = epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS, wait_ms(deadline));

	l->wakeups++;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->count = n;
	for (l->next = 0; l->next < l->count;) {
		struct epoll_event e = l->events[l->next++];
		struct loop_watch *w = e.data.ptr;

		if (w)
			w->callback(w->ctx, e.events);
	}
	l->count = 0;
	return 0;
}

int loop_watch_input(
	struct loop *l, struct loop_watch *w, int fd, loop_callback *callback, void *ctx)
{
	*w = (struct loop_watch){ .fd = fd, .callback = callback, .ctx = ctx };
	return loop_add(l, w, EPOLLIN);
}

int loop_watch_signals(struct loop *l, struct loop_watch *w, const int *signals,
	loop_callback *callback, void *ctx)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : loop_watch_input(l, w, fd, callback, ctx);
}
