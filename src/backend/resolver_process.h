/* SPDX-License-Identifier: MIT */
/* The resolver's process as the monitor sees it: started, and started again when it ends. */
#pragma once

#include <sys/types.h>

#include "backend/guardians.h"
#include "base/mono.h"
#include "base/must_check.h"
#include "confine/confine.h"
#include "loop/loop.h"

/** The resolver of a site. Both ends of its socket stay open here, so that the engine's copy stays
 * connected when it is started again. Zeroed with both descriptors -1, it is closed. */
struct resolver_process {
	pid_t pid;		  /* 0: none */
	int guardian;		  /* see process_wait() */
	int fds[2];		  /* the engine's end, and the resolver's */
	unsigned measures;	  /* in force, see enum confine_measure */
	const struct user *named; /* the user of the configuration; NULL: none */
	struct confined_user user;
	struct guardians *guardians; /* NULL: the process is forked */
	char site[64];		     /* its name, for the title */
	void (*forget)(void *ctx);   /* wipes the secrets that the new process has inherited */
	void *ctx;
	struct loop *loop;
	struct loop_watch watch; /* of a pipe that ends with it; fd -1: none */
	struct mono due;	 /* when to start it again; never: it runs */
};

/** Start it, watched by `loop`. `forget` is called in each new process. Return: 0 or -errno. */
MUST_CHECK int resolver_process_open(struct resolver_process *r, struct loop *loop,
	const char *site, void (*forget)(void *ctx), void *ctx);

/** In the new process: confine it and serve. `has`: its namespaces; `report` gets the set of
 * measures in force, and its end is that of the process. Of `r` it uses the user, the site,
 * forget() and the resolver's end of the socket. */
void resolver_process_run(struct resolver_process *r, unsigned has, int report)
	__attribute__((noreturn));

/** Start it again, if that is due. */
void resolver_process_work(struct resolver_process *r);

/** End it. A closed one is allowed. */
void resolver_process_close(struct resolver_process *r);
