/* SPDX-License-Identifier: MIT */
/* A local server that no client can stall: limits connections, input and time; one descriptor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"
#include "ctl/unixsock.h"

/**
 * Theory of operation. A local server listens on a Unix socket and serves at most
 * LOCAL_SERVER_CLIENTS connections; further ones wait in the kernel's backlog. Input is passed to
 * the owner as it arrives, at most LOCAL_SERVER_INPUT bytes at a time; the owner consumes complete
 * requests and answers with local_server_answer(). While an answer is being sent, that client's
 * input waits. From its first byte, a client has `timeout_ms` to send a whole request, and again to
 * receive the answer; then it is closed. A client that sends nothing may stay until its slot is
 * needed; so may one that sends its request, or receives nothing of its answer, for longer than a
 * second.
 *
 * All descriptors, and a timer that runs only while there are clients, are in one epoll descriptor,
 * which the owner's loop watches: when it is readable, local_server_run() does a bounded amount of
 * work and returns. Only root and our own user are served, unless `any_user` is set. Two
 * descriptors are reserved: where the process may open no more, a client is still served, one after
 * the other, if need be in place of an idle one; the second is for asking who it is before one is
 * closed. It logs only that a limit leaves a client unserved.
 */
struct local_server;

/** A connection. */
struct local_client;

#define LOCAL_SERVER_CLIENTS 64	  /* maximum of connections */
#define LOCAL_SERVER_INPUT   4096 /* bytes of pending input per client */
#define LOCAL_SERVER_TIMEOUT 5000 /* ms, the default of `timeout_ms` */

/** What happens to a connection after the answer has been sent. */
enum local_server_then {
	LOCAL_SERVER_CLOSE, /* it is closed */
	LOCAL_SERVER_NEXT,  /* it may send another request */
	LOCAL_SERVER_HOLD,  /* it stays open until the server or the client closes it */
};

/** Configuration of a local server. */
struct local_server_config {
	/**
	 * Input of a client: data[len] is everything received and not consumed; `end`: no more will
	 * arrive. Must answer (local_server_answer()) or hang up (local_server_hang_up()) at the
	 * latest if `end`, or if len is LOCAL_SERVER_INPUT and nothing can be consumed.
	 * Return: the number of bytes consumed; the rest is passed again, followed by new input.
	 */
	size_t (*input)(void *ctx, struct local_client *c, const char *data, size_t len, bool end);
	/** A client has been closed: release the object of local_server_user(). May be NULL. */
	void (*gone)(void *ctx, struct local_client *c);
	/** Return: the constant reply to a request that begins with data[len], of a client whose
	 * uid is neither root nor ours. It is at most 200 bytes long. */
	const char *(*refusal)(const char *data, size_t len);
	void *ctx;
	unsigned timeout_ms; /* 0: LOCAL_SERVER_TIMEOUT */
	bool any_user; /* the mode of the socket's file decides who may ask: none is refused */
	unsigned per_second; /* connections accepted; more wait. 0: no limit */
};

/** Serve the socket, which local_server_close() closes. Return: 0, or -errno, in which case the
 * caller still owns `sock`. */
MUST_CHECK int local_server_open(const struct local_server_config *config,
	const struct unixsock *sock, struct local_server **ret);

/** Listen at `path` (unixsock_open()), shared with the folder's group if `any_user` is set
 * (unixsock_share()), and serve that. Return: 0, or their errors, and nothing is left open. */
MUST_CHECK int local_server_listen(
	const struct local_server_config *config, const char *path, struct local_server **ret);

/** Serve `fd`, which already listens at `path`. Return: 0, or an error of unixsock_adopt() or
 * local_server_open(), and `fd` is still the caller's. */
MUST_CHECK int local_server_adopt(const struct local_server_config *config, int fd,
	const char *path, struct local_server **ret);

/** The descriptor to watch for EPOLLIN. It never changes. */
int local_server_fd(const struct local_server *h);

/** The socket it serves. */
const struct unixsock *local_server_sock(const struct local_server *h);

/** Make local_server_run() also call `ready` when `fd` is readable. The caller still owns `fd` and
 * closes it after the server. Return: 0 or -errno. */
MUST_CHECK int local_server_watch(struct local_server *h, int fd, void (*ready)(void *ctx));

/** Do all pending work without blocking. */
void local_server_run(struct local_server *h);

/** Close all connections and remove the socket. Accepts NULL. Not from within a callback. */
void local_server_close(struct local_server *h);

/**
 * In a new process that has inherited the server's memory: wipe the requests and answers of all
 * connections, which may contain keys; `gone` is called for each. Its descriptors, which the parent
 * uses, are not touched; the server must not be used in this process any more.
 */
void local_server_forget(struct local_server *h);

/** A pointer for the owner's use per client, initially NULL. */
void **local_server_user(struct local_client *c);

/** Send `text[len]`, which is consumed (wiped and freed), from within `input`. */
void local_server_answer(
	struct local_client *c, char *text, size_t len, enum local_server_then then);

/** A copy of the connection's descriptor, from within `input`. It stays open after the connection
 * is closed here, for what the caller sends behind the answer. Return: the descriptor, or
 * -errno. */
MUST_CHECK int local_server_copy_fd(const struct local_client *c);

/** Close the connection without an answer, from within `input`. */
void local_server_hang_up(struct local_client *c);
