/* SPDX-License-Identifier: MIT */
/* The process that holds a site's keys, as the monitor sees it: started, informed of changes,
 * and started again when it ends. */
#pragma once

#include <sys/types.h>

#include "backend/guardians.h"
#include "backend/key_ring.h"
#include "backend/wg_changes.h"
#include "base/mono.h"
#include "base/must_check.h"
#include "base/wall.h"
#include "confine/confine.h"
#include "loop/loop.h"

/** The process. The sockets to the engine stay open here, so that a new engine or a new process
 * uses the same ones. Zeroed with the descriptors -1, it is closed. */
struct keys_process {
	pid_t pid;		  /* 0: none */
	int guardian;		  /* see process_wait() */
	int engine[2];		  /* the engine's end, and that of the process */
	int monitor;		  /* our end of the socket for changes; -1: none */
	unsigned measures;	  /* in force, see enum confine_measure */
	const struct user *named; /* the user of the configuration; NULL: none */
	struct confined_user user;
	struct guardians *guardians; /* NULL: the process is forked */
	char site[64];		     /* its name, for the title */
	size_t capacity;	     /* peers for which the process has room */
	struct key_ring now;	     /* the keys that a new process starts with */
	struct key_ring before;	     /* during a change, those to return to */
	void (*forget)(void *ctx);   /* wipes other secrets that the new process has inherited */
	void *ctx;
	struct loop *loop;
	struct loop_watch watch; /* of a pipe that ends with it; fd -1: none */
	struct mono due;	 /* when to start it again; never: it runs */
	struct mono started;
	struct steady_wall time; /* of the last initiation, or later: a new process goes on there */
};

/** Start it, watched by `loop`, with the keys of `conf`, in whose place marks are put. `forget` is
 * called in each new process. Return: 0; or -errno, then the keys are still to be given back. */
MUST_CHECK int keys_process_open(struct keys_process *k, struct loop *loop, struct conf_site *conf,
	void (*forget)(void *ctx), void *ctx);

/** In the new process: confine it and serve. `has`: its namespaces; `monitor`: its end of the
 * socket for changes; `report` gets the set of measures in force, and its end is that of the
 * process. Of `k` it uses keys, capacity, time, user, site, forget() and the engine's socket. */
void keys_process_run(struct keys_process *k, unsigned has, int monitor, int report)
	__attribute__((noreturn));

/** A time that no initiation was later than. The wall clock can have been set back since: a new
 * process that began with its time would have its initiations refused as replays. Each call notes
 * the time. */
struct wall keys_process_time(struct keys_process *k);

/** In another new process: wipe the keys that it has inherited. */
void keys_process_forget(struct keys_process *k);

/** Take the keys of a configuration that is being applied, and put marks in their place. Then
 * keys_process_commit() or keys_process_revert() follows. Return: 0; or -ENOMEM, and nothing has
 * changed. */
MUST_CHECK int keys_process_apply(struct keys_process *k, struct conf_site *next);

/** Take the keys of a request of wg(8); likewise. `ret`: the same with marks, for
 * key_ring_free_set(). */
MUST_CHECK int keys_process_set(
	struct keys_process *k, const struct uapi_set *set, struct uapi_set *ret);

/** Take the keys of changes that another program has passed on, and put marks in their place.
 * Return: 0; or -EBADMSG or -ENOMEM, and the keys are as before. */
MUST_CHECK int keys_process_take_changes(struct keys_process *k, struct wg_changes *changes);

/** The change was made. `conf` is the only configuration in force, so that other peers are
 * forgotten; NULL after a request of wg(8). */
void keys_process_commit(struct keys_process *k, const struct conf_site *conf);

/** The change was not made: return to the keys before. */
void keys_process_revert(struct keys_process *k);

/** Note the time, and start it again, if that is due. */
void keys_process_work(struct keys_process *k);

/** End it. A closed one is allowed. */
void keys_process_close(struct keys_process *k);
