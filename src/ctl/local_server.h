/* SPDX-License-Identifier: MIT */
/* A local server that no client can stall: limits connections, input and time; one descriptor. */
#ifndef CTL_LOCAL_SERVER_H
#define CTL_LOCAL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"
#include "ctl/unixsock.h"

/**
 * Theory of operation. A local server listens on a Unix socket and serves at most HUB_CLIENTS
 * connections; further ones wait in the kernel's backlog. Input is passed to the owner as it
 * arrives, at most HUB_INPUT bytes at a time; the owner consumes complete requests and answers with
 * hub_answer(). While an answer is being sent, that client's input waits. A client has `timeout_ms`
 * to send a whole request, and again to receive the answer; then it is closed. An answered client
 * that sends nothing may stay until its slot is needed.
 *
 * All descriptors, and a timer that runs only while there are clients, are in one epoll descriptor,
 * which the owner's loop watches: when it is readable, hub_run() does a bounded amount of work and
 * returns. Only root and our own user are served. It does not log.
 */
struct hub;

/** A connection. */
struct hub_client;

#define HUB_CLIENTS 16	 /* maximum of connections */
#define HUB_INPUT   4096 /* bytes of pending input per client */
#define HUB_TIMEOUT 5000 /* ms, the default of `timeout_ms` */

/** What happens to a connection after the answer has been sent. */
enum hub_then {
	HUB_CLOSE, /* it is closed */
	HUB_NEXT,  /* it may send another request */
	HUB_HOLD,  /* it stays open until the server or the client closes it */
};

/** Configuration of a local server. */
struct hub_config {
	/**
	 * Input of a client: data[len] is everything received and not consumed; `end`: no more will
	 * arrive. Must answer (hub_answer()) or hang up (hub_hang_up()) at the latest if `end`, or
	 * if len is HUB_INPUT and nothing can be consumed.
	 * Return: the number of bytes consumed; the rest is passed again, followed by new input.
	 */
	size_t (*input)(void *ctx, struct hub_client *c, const char *data, size_t len, bool end);
	/** A client has been closed: release the object of hub_user(). May be NULL. */
	void (*gone)(void *ctx, struct hub_client *c);
	/** Reply sent to clients whose uid is neither root nor ours; NULL: close without a
	 * reply. */
	const char *refusal;
	void *ctx;
	unsigned timeout_ms; /* 0: HUB_TIMEOUT */
};

/** Serve the socket, which hub_close() closes. Return: 0, or -errno, in which case the caller still
 * owns `sock`. */
MUST_CHECK int hub_open(
	const struct hub_config *config, const struct unixsock *sock, struct hub **ret);

/** The descriptor to watch for EPOLLIN. It never changes. */
int hub_fd(const struct hub *h);

/** The socket it serves. */
const struct unixsock *hub_sock(const struct hub *h);

/** Make hub_run() also call `ready` when `fd` is readable. The caller still owns `fd` and closes it
 * after the server. Return: 0 or -errno. */
MUST_CHECK int hub_watch(struct hub *h, int fd, void (*ready)(void *ctx));

/** Do all pending work without blocking. */
void hub_run(struct hub *h);

/** Close all connections and remove the socket. Accepts NULL. Not from within a callback. */
void hub_close(struct hub *h);

/** A pointer for the owner's use per client, initially NULL. */
void **hub_user(struct hub_client *c);

/** Send `text[len]`, which is consumed (wiped and freed), from within `input`. */
void hub_answer(struct hub_client *c, char *text, size_t len, enum hub_then then);

/** Close the connection without an answer, from within `input`. */
void hub_hang_up(struct hub_client *c);

#endif
