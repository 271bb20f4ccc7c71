/* SPDX-License-Identifier: MIT */
/* The event loop: epoll over descriptors, one deadline, and signals as events. */
#pragma once

#include "base/mono.h"
#include "base/must_check.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/** Called when a descriptor is ready; `events` are epoll's. */
typedef void loop_callback(void *ctx, uint32_t events);

/** One watched descriptor. The caller owns the memory until loop_remove(). */
struct loop_watch {
	int fd;
	loop_callback *callback;
	void *ctx;
};

/** Events fetched by one wait. */
#define LOOP_EVENTS 16

/** An event loop. `events` from `next` on have been fetched but not delivered. */
struct loop {
	int epoll_fd;
	bool stop;
	uint64_t wakeups;
	struct epoll_event events[LOOP_EVENTS];
	int next;
	int count;
};

/** Open a loop. Return: 0 or -errno. */
MUST_CHECK int loop_open(struct loop *ret);

/** Close it; the watched descriptors stay open. */
void loop_close(struct loop *l);

/** Watch `w->fd` for `events` (EPOLLIN, …; level-triggered). Return: 0 or -errno. */
MUST_CHECK int loop_add(struct loop *l, struct loop_watch *w, uint32_t events);

/** Watch for other `events` (0: none but errors). Return: 0 or -errno. */
int loop_change(struct loop *l, struct loop_watch *w, uint32_t events);

/** Stop watching, also for events already fetched. May be called from any callback; `w` may be
 * freed afterwards. */
void loop_remove(struct loop *l, struct loop_watch *w);

/** Set `stop`, which the caller of loop_run_once() checks. */
void loop_stop(struct loop *l);

/** Wait until a descriptor is ready or `deadline` (MONO_NEVER: none) is reached, and run the
 * callbacks of the ready descriptors. Return: 0 or -errno. */
int loop_run_once(struct loop *l, struct mono deadline);

/** Set up `w` to call back while `fd` has input, and add it. Return: 0 or -errno. */
MUST_CHECK int loop_watch_input(
	struct loop *l, struct loop_watch *w, int fd, loop_callback *callback, void *ctx);

/** Block the signals of a list that ends with 0, and watch for them by a descriptor that reads them
 * (signalfd). The caller closes `w->fd`. Return: 0 or -errno. */
MUST_CHECK int loop_watch_signals(struct loop *l, struct loop_watch *w, const int *signals,
	loop_callback *callback, void *ctx);
