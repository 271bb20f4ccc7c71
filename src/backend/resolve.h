/* SPDX-License-Identifier: MIT */
/* Host names to addresses without waiting: one thread asks the C library, answers come through a
 * descriptor.
 *
 * Theory of operation. getaddrinfo(3) is the only way that knows all of the machine's means
 * (/etc/hosts, resolv.conf, whatever nsswitch.conf names), and it blocks: for minutes, if a name
 * server is silent. So it has a thread of its own, one for all names, and nobody ever waits for
 * that: who closes a resolver leaves a thread that is within the C library to itself; it ends and
 * frees what is left when the library returns, or with the process.
 */
#ifndef BACKEND_RESOLVE_H
#define BACKEND_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** Most questions that may be open at once. */
#define RESOLVE_QUEUE 64

/** Most addresses in an answer. */
#define RESOLVE_ADDRS 8

/** Longest host name with its NUL. */
#define RESOLVE_HOST_LEN 256

/** An answer. */
struct resolve_answer {
	uint64_t id;			  /* of the question */
	const char *problem;		  /* why there is none, for a person; NULL: there is */
	size_t n;			  /* at least 1, if there is no problem */
	struct endpoint v[RESOLVE_ADDRS]; /* port 0; in the order of preference (RFC 6724) */
};

struct resolver;

/** Start the thread, with all signals blocked. Return: 0 or -errno. */
int resolver_open(struct resolver **ret);

/** Stop; never waits. NULL is allowed. */
void resolver_close(struct resolver *r);

/** The descriptor to wait for: readable when there are answers. */
int resolver_fd(const struct resolver *r);

/** Ask. Return: 0; -EAGAIN when RESOLVE_QUEUE questions are open; -ENAMETOOLONG. */
int resolver_ask(struct resolver *r, uint64_t id, const char *host);

/** Take one answer. Return: false if there is none. */
bool resolver_next(struct resolver *r, struct resolve_answer *ret);

#endif
