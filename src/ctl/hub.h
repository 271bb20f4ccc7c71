/* SPDX-License-Identifier: MIT */
/* A local server that no client can stall: bounded connections, input and time, one descriptor. */
#ifndef CTL_HUB_H
#define CTL_HUB_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/unixsock.h"

/**
 * Theory of operation. A hub listens on a Unix socket and holds at most HUB_CLIENTS connections;
 * further ones wait in the kernel's backlog until one ends. Input is offered to the owner as it
 * arrives, at most HUB_INPUT bytes at a time; the owner consumes what it understands and answers
 * with hub_answer(). While an answer leaves, that client's input waits. A client has `timeout_ms`
 * to send a whole request, and again to take the answer; then it is closed. One that has been
 * answered and says no more may stay, until another wants its place.
 *
 * All descriptors, and a timer that runs only while there are clients, sit in one epoll descriptor,
 * which the owner's loop watches: readable means hub_run(), which does a bounded piece of work and
 * returns. Only root and our own user are heard. A hub does not log.
 */
struct hub;

/** A connection. */
struct hub_client;

#define HUB_CLIENTS 16	 /* connections at once */
#define HUB_INPUT   4096 /* bytes of input that a client may have pending */
#define HUB_TIMEOUT 5000 /* ms, unless the owner wants another */

/** What becomes of a connection once the answer has left. */
enum hub_then {
	HUB_CLOSE, /* it is closed */
	HUB_NEXT,  /* the next request may come */
	HUB_HOLD,  /* it stays open, mute, until the hub is closed or the client goes */
};

/** How a hub is to be. */
struct hub_config {
	/**
	 * Input of a client: data[len] is what it has sent and was not consumed yet; `end`: no more
	 * will come. Answers (hub_answer()) or hangs up (hub_hang_up()) at the latest when `end` or
	 * when len is HUB_INPUT and nothing of it can be consumed.
	 * Return: how many bytes are consumed; what is left is offered again, with more behind it.
	 */
	size_t (*input)(void *ctx, struct hub_client *c, const char *data, size_t len, bool end);
	/** A client is gone: release what hub_user() holds. May be NULL. */
	void (*gone)(void *ctx, struct hub_client *c);
	/** A stranger wants in: what to tell it, as hub_answer() does; NULL: just close. */
	const char *refusal;
	void *ctx;
	unsigned timeout_ms; /* 0: HUB_TIMEOUT */
};

/** Serve the socket, which the hub closes in the end. Return: 0 or -errno, and then `sock` is still
 * the caller's. */
int hub_open(const struct hub_config *config, const struct unixsock *sock, struct hub **ret);

/** The descriptor to watch for EPOLLIN. It stays the same. */
int hub_fd(const struct hub *h);

/** The socket it serves. */
const struct unixsock *hub_sock(const struct hub *h);

/** Have hub_run() also call `ready` when `fd` is readable: one more descriptor of the owner's,
 * which stays the owner's to close, after the hub. Return: 0 or -errno. */
int hub_watch(struct hub *h, int fd, void (*ready)(void *ctx));

/** Do what there is to do, without waiting. */
void hub_run(struct hub *h);

/** Close all connections and remove the socket. NULL is allowed. Not from within a callback. */
void hub_close(struct hub *h);

/** A pointer of the owner's for each client, NULL at first. */
void **hub_user(struct hub_client *c);

/** Send `text[len]`, which is consumed (wiped, and released with free()), from within `input`. */
void hub_answer(struct hub_client *c, char *text, size_t len, enum hub_then then);

/** Close the connection without an answer, from within `input`. */
void hub_hang_up(struct hub_client *c);

#endif
