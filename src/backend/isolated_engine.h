/* SPDX-License-Identifier: MIT */
/* The engine's process of an isolated site: requests to it, its start and its end. */
#pragma once

#include "backend/backend.h"
#include "backend/engine_proxy.h"
#include "backend/keys_process.h"
#include "backend/resolver_process.h"
#include "backend/wg_changes.h"
#include "backend/wgsock.h"
#include "base/bytes.h"

/** How long a request may take; a reload with thousands of peers takes seconds. */
#define ISOLATED_PATIENCE (30 * NS_PER_S)

/* So many ends of the engine in a short time, and it is started again only after a pause. */
#define ENDS_MAX 5

/** The processes of a program that this one has replaced in the same process. */
struct isolated_old {
	bool saved; /* there are some */
	struct engine_proxy engine;
	int channel; /* of the engine, as it was passed on; borrowed */
	pid_t resolver;
	int resolver_guardian;
	int process; /* the engine is an orphan: a descriptor of it; -1: it is a child */
	pid_t keys;
	int keys_guardian;
	int keys_changes; /* our socket to that process, whose end it waits for; borrowed */
};

/** A site whose engine is a process of its own. */
struct isolated_site {
	struct backend_site site;
	struct conf_site *conf; /* borrowed; with marks in place of its keys: see key_ring.h */
	struct conf_site *next; /* between apply() and sweep() or revert(), else NULL */
	struct loop *loop;
	struct user user; /* of the confined processes, if the configuration names one */
	struct held_ports held;
	struct guardians guardians;
	struct engine_proxy engine;
	const struct saved_state *saved; /* while it is adopted: it has keys. Else NULL */
	struct isolated_old old;	 /* of the program that this one replaces, until start() */
	struct loop_watch watch;	 /* of the engine's channel; fd -1: none */
	struct resolver_process resolver;
	struct keys_process keys;
	struct wgsock wgsock;
	struct wg_changes changes;
	uint32_t fwmark;
	uint32_t link; /* of wirespan-wg: the state of the interface, as in ENGINE_LINK */
	bool any_port; /* of wirespan-wg: the kernel chooses the port, as none was set */
	bool outlives; /* an engine goes on if this process is killed */
	bool started;  /* start() has succeeded */
	bool failed;   /* the engine must be ended; the reason is in `how` */
	char how[ENGINE_ENDED_LEN];
	struct mono ends[ENDS_MAX]; /* the last times at which the engine ended, a ring */
	unsigned n_ends;
	struct mono due;	/* when to start the engine again; never: it runs */
	bool capturing;		/* a capture was started, and work() lets the engine send it */
	unsigned events;	/* for the next work() */
	struct mono changed_at; /* when the engine of the program before ended */
	bool fresh;		/* its sessions could not be used */
};

static inline struct isolated_site *isolated_of(struct backend_site *s)
{
	return CONTAINER_OF(s, struct isolated_site, site);
}

/** The engine cannot be used any more; work() ends it and starts another one. */
void isolated_engine_failed(struct isolated_site *u, int err);

/** Ask the engine. Return: 0 and its reply; or -errno, and there is none. */
MUST_CHECK int isolated_engine_ask(struct isolated_site *u, struct engine_message *m, size_t len,
	size_t n_fds, struct engine_message *ret);

/** Ask for something whose reply is a RESULT. Return: its code, with `ret_error` filled. */
int isolated_engine_call(struct isolated_site *u, struct engine_message *m, size_t len,
	size_t n_fds, struct error *ret_error);

/**
 * Let the engine, which waits, continue with the stored sessions and with what another one has
 * handed over (`text`), and start. Both requests are sent at once: no engine runs meanwhile.
 * Return: the code, with `ret_error` filled. `ret_fresh`: the sessions could not be used.
 */
int isolated_engine_continue(struct isolated_site *u, const void *text, size_t len, bool *ret_fresh,
	struct error *ret_error);

/** Pass a set request of wg(8) on. Return: 0 or -errno. */
int isolated_engine_wg(struct isolated_site *u, const char *text, size_t len);

/** Ask for a part of what wg(8) shows: the first, or the peers after the one with the public key
 * `after`. Return: 0 and the reply; or -errno. */
MUST_CHECK int isolated_engine_show(
	struct isolated_site *u, const uint8_t *after, struct engine_message *reply);

/** The engine may have the ports of the configurations opened, and `set` by wg(8); 0: none. */
void isolated_engine_allow(struct isolated_site *u, uint16_t set);

/** In a new process that must not have what it has inherited from this one: secrets, and changes,
 * which the engine gets by messages. `ctx`: the site. */
void isolated_forget(void *ctx);

/** Start the engine, and watch it. `waits`: another one uses the store until ENGINE_TAKE_OVER.
 * Return: 0, or -errno with `ret_error` filled. */
MUST_CHECK int isolated_engine_start(struct isolated_site *u, bool waits, struct error *ret_error);

/** Try again to send what the engine had no room for. */
void isolated_engine_answer(struct isolated_site *u);

/** Pass the state of the interface of wirespan-wg on, which is in `u->link`. Return: 0, or -errno
 * with `ret_error` filled. */
int isolated_engine_link(struct isolated_site *u, struct error *ret_error);

/** End it; how it had ended before is in `u->how` then, if it had. */
void isolated_engine_end(struct isolated_site *u);

/** Repeat what wg(8) has changed since the file was read. */
void isolated_engine_repeat(struct isolated_site *u);

/** Let the engine wipe stored sessions of peers that it does not have. */
void isolated_engine_repeated(struct isolated_site *u);
