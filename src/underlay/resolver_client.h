/* SPDX-License-Identifier: MIT */
/* Names resolved by another process: the records that both exchange, and either side of it.
 *
 * Theory of operation. getaddrinfo(3) loads modules, reads files, connects to local services and
 * parses what name servers send, so a confined engine cannot call it. The socket carries one record
 * in each packet. If the process that resolves names ends, the monitor starts another one on the
 * same socket and sends a record that fails all pending queries. The end of the socket, which an
 * engine sees whose monitor was killed, does likewise.
 */
#pragma once

#include "base/must_check.h"
#include "underlay/resolver.h"

/** A query as a packet. */
struct resolver_query {
	uint64_t id;
	uint32_t doubtful; /* 0 or 1 */
	char host[RESOLVER_HOST_LEN];
};

/** The id of a record that fails all pending queries. */
#define RESOLVER_ALL_IDS UINT64_MAX

struct resolver_client;

/** Create a client on a socket, which it owns afterwards. Return: 0 or -errno. */
MUST_CHECK int resolver_client_new(int fd, struct resolver_client **ret);

/** Close the socket and free the client. */
void resolver_client_free(struct resolver_client *c);

/** The descriptor to wait for. */
int resolver_client_fd(const struct resolver_client *c);

/** Whether resolver_client_next() has seen the end of the socket: it is readable all the time then,
 * and there are no more answers. */
bool resolver_client_has_ended(const struct resolver_client *c);

/** As resolver_ask(), for a name that is not too long. */
int resolver_client_ask(struct resolver_client *c, uint64_t id, const char *host, bool doubtful);

/** As resolver_next(). Records that are not valid are ignored. */
bool resolver_client_next(struct resolver_client *c, struct resolver_answer *ret);

/** Check a received query of `len` bytes. Return: whether it is valid. */
bool resolver_query_check(const struct resolver_query *q, size_t len);

/** Check a received answer of `len` bytes. Return: whether it is valid. */
bool resolver_answer_check(const struct resolver_answer *a, size_t len);

/** Fail all queries that a client has pending: `fd` is the other end of its socket. */
void resolver_fail_all(int fd);
