/* SPDX-License-Identifier: MIT */
/* Host names to addresses without waiting: threads ask the C library, answers come through a
 * descriptor.
 *
 * Theory of operation. getaddrinfo(3) is the only way that knows all of the machine's means
 * (/etc/hosts, resolv.conf, whatever nsswitch.conf names), and it blocks: for minutes, if a name
 * server is silent. So it has threads of its own, as many as there are questions, up to
 * RESOLVER_THREADS, which end when there are no more: so names whose servers are silent keep no
 * other name waiting, as long as they are fewer than that. Names that were not found the last time
 * get half of the threads and of the queue. A thread that waits takes some 50 kB. No caller
 * waits for a thread: resolver_close() leaves those that are within the C library running; the last
 * one frees what is left, or the process's end does.
 */
#ifndef UNDERLAY_RESOLVER_H
#define UNDERLAY_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** Most questions that may be open at once. */
#define RESOLVER_QUEUE 128

/** Most questions that are asked at the same time. */
#define RESOLVER_THREADS 128

/** Most addresses in an answer. */
#define RESOLVER_ADDRS 8

/** Longest host name with its NUL. */
#define RESOLVER_HOST_LEN 256

/** An answer. */
struct resolver_answer {
	uint64_t id;			   /* of the question */
	const char *problem;		   /* why there is none, for a person; NULL: there is */
	size_t n;			   /* at least 1, if there is no problem */
	struct endpoint v[RESOLVER_ADDRS]; /* port 0; in the order of preference (RFC 6724) */
};

struct resolver;

/** Start. Return: 0 or -errno. */
int resolver_open(struct resolver **ret);

/** Stop; never waits. NULL is allowed. */
void resolver_close(struct resolver *r);

/** The descriptor to wait for: readable when there are answers. */
int resolver_fd(const struct resolver *r);

/**
 * Ask, in a thread with all signals blocked. `doubtful`: there was no answer the last time.
 * Return: 0; -EAGAIN when RESOLVER_QUEUE questions are open, or half of that for a doubtful one;
 * -ENAMETOOLONG; or -errno of a thread that cannot be started.
 */
int resolver_ask(struct resolver *r, uint64_t id, const char *host, bool doubtful);

/** Take one answer. Return: false if there is none. */
bool resolver_next(struct resolver *r, struct resolver_answer *ret);

#endif
