/* SPDX-License-Identifier: MIT */
/* The engine's process as the monitor sees it: started, asked, and ended if it misbehaves. */
#pragma once

#include <sys/types.h>

#include "backend/engine_channel.h"
#include "backend/guardians.h"
#include "backend/held_ports.h"
#include "base/bucket.h"
#include "confine/confine.h"

/** Most ports that the engine may have opened: those of the files, and one set by wg(8). */
#define ENGINE_PORTS_ALLOWED 4

/** Index of the latter among them. */
#define ENGINE_PORT_BY_WG 2

/** One engine process, or none (`pid` 0). Must not move. */
struct engine_proxy {
	pid_t pid;
	int guardian; /* see process_wait() */
	bool leaves;  /* it is replaced, and gets no more ports */
	bool drop_in; /* it has an interface of wirespan-wg, and no site */
	bool replied; /* the process has reported its start, or why it cannot start */
	struct engine_channel channel;
	unsigned measures;	  /* in force: set of enum confine_measure */
	const struct user *named; /* the user of the configuration; NULL: none */
	struct confined_user user;
	struct guardians *guardians; /* NULL: the process is forked */
	uint32_t seq;		     /* of the last request */
	struct engine_mtus mtus;
	unsigned events;	   /* reported and not yet taken: set of enum backend_event */
	void (*forget)(void *ctx); /* in the new process: wipes secrets that it does not need */
	void *ctx;
	int keys;  /* the socket to the process that holds the keys */
	int store; /* where sessions outlive the process; -1: nowhere */
	struct held_ports *held;
	uint32_t fwmark;		      /* the only one that it may have set */
	uint16_t ports[ENGINE_PORTS_ALLOWED]; /* the ports that it may have opened; 0: any */
	struct engine_head answer;	      /* to a PORT, not sent yet; type 0: none */
	struct mono answer_until;	      /* when the engine must have room for it */
	struct bucket lines;		      /* limits its lines in the log */
	uint64_t lines_lost;
};

/**
 * Start a process and wait until it is ready. `conf` is not changed; `resolver_fd`: see struct
 * userspace_adopted; `waits`: the store is another engine's until ENGINE_TAKE_OVER.
 * Return: 0, or -errno with `ret_error` filled and no process left.
 */
MUST_CHECK int engine_proxy_start(struct engine_proxy *p, struct conf_site *conf, int resolver_fd,
	bool waits, struct error *ret_error);

/** Send a request, whose reply is to be awaited; `m->head.seq` is set. Return: 0; or -errno, then
 * the process must be ended. */
MUST_CHECK int engine_proxy_send(
	struct engine_proxy *p, struct engine_message *m, size_t len, size_t n_fds);

/** Wait for the reply to the request `seq`, as engine_proxy_call() does. */
MUST_CHECK int engine_proxy_await(struct engine_proxy *p, uint32_t seq, int stop_fd,
	struct mono until, struct engine_message *ret);

/**
 * Send a request and wait for its reply until `until`, or until `stop_fd` (-1: none) is readable.
 * Meanwhile do what the engine asks for. `len` and `n_fds` are those of `m`.
 * Return: 0 and the reply in `ret`, whose body is valid until the next call; -EINTR for `stop_fd`;
 * or -errno, then the process must be ended.
 */
MUST_CHECK int engine_proxy_call(struct engine_proxy *p, struct engine_message *m, size_t len,
	size_t n_fds, int stop_fd, struct mono until, struct engine_message *ret);

/** When engine_proxy_read() must be called again, even if nothing arrives, or MONO_NEVER. */
struct mono engine_proxy_deadline(const struct engine_proxy *p);

/** Read what the engine has sent. Return: 0; or -errno, then the process must be ended. */
MUST_CHECK int engine_proxy_read(struct engine_proxy *p);

/** Prepare for results with the MTUs of `conf`'s sessions. Return: 0 or -ENOMEM. */
MUST_CHECK int engine_proxy_expect(struct engine_proxy *p, const struct conf_site *conf);

/** Size of the text of engine_proxy_end(). */
#define ENGINE_ENDED_LEN 80

/** End the process, and write how it had ended before into `ret_how`, if it had. No process is
 * allowed. */
void engine_proxy_end(struct engine_proxy *p, char ret_how[static ENGINE_ENDED_LEN]);
