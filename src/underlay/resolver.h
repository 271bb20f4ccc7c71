/* SPDX-License-Identifier: MIT */
/* Non-blocking resolution of host names: threads call the C library, answers are read from a
 * descriptor.
 *
 * Theory of operation. Only getaddrinfo(3) uses all of the host's sources (/etc/hosts,
 * resolv.conf, everything in nsswitch.conf), and it blocks, for minutes if a name server does not
 * answer. So it runs in threads of its own: one per query, up to RESOLVER_THREADS, each of which
 * ends when no query is left. Names whose servers do not answer therefore delay no other name, as
 * long as they are fewer than that. Names that were not found the last time get half of the
 * threads and of the queue. A waiting thread uses about 50 kB. No caller waits for a thread:
 * resolver_close() leaves the threads inside the C library running; the last one, or the end of
 * the process, frees the memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** Most pending queries. */
#define RESOLVER_QUEUE 128

/** Most queries that run at the same time. */
#define RESOLVER_THREADS 128

/** Most addresses in an answer. */
#define RESOLVER_ADDRS 8

/** Longest host name with its NUL. */
#define RESOLVER_HOST_LEN 256

/** Why a query has no addresses, apart from the codes EAI_… of getaddrinfo(3), which are
 * negative. */
enum resolver_problem {
	RESOLVER_OK = 0,
	RESOLVER_NO_ADDRESS, /* the name exists */
	RESOLVER_NO_FAMILY,  /* its addresses are of a family that this host lacks */
	RESOLVER_ENDED,	     /* the process that resolves names has ended, and is started again */
	RESOLVER_PROBLEMS
};

/** An answer to a query. */
struct resolver_answer {
	uint64_t id; /* of the query */
	int code;    /* RESOLVER_OK: there are addresses; else enum resolver_problem or EAI_… */
	size_t n;    /* at least 1 for RESOLVER_OK, else 0 */
	struct endpoint v[RESOLVER_ADDRS]; /* port 0; in order of preference (RFC 6724) */
};

struct resolver;

/** Why there is no address, as text; NULL for RESOLVER_OK. */
const char *resolver_problem_text(int code);

/** Create a resolver. Return: 0 or -errno. */
int resolver_open(struct resolver **ret);

/** Close it without blocking. NULL is allowed. */
void resolver_close(struct resolver *r);

/** The descriptor to wait for: readable when there are answers. */
int resolver_fd(const struct resolver *r);

/**
 * Start a query, in a thread with all signals blocked. `doubtful`: the last query for this name
 * failed.
 * Return: 0; -EAGAIN when RESOLVER_QUEUE queries are pending, or half of that for a doubtful one;
 * -ENAMETOOLONG; or -errno if a thread cannot be started.
 */
int resolver_ask(struct resolver *r, uint64_t id, const char *host, bool doubtful);

/** Read one answer. Return: false if there is none. */
bool resolver_next(struct resolver *r, struct resolver_answer *ret);
