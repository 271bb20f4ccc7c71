/* SPDX-License-Identifier: MIT */
/* What a running site is made of; for host.c, hooks.c, claim.c and reload.c only. */
#ifndef HOST_HOST_STATE_H
#define HOST_HOST_STATE_H

#include "conf/model.h"
#include "host/host.h"
#include "host/host_lock.h"
#include "host/netdev.h"
#include "host/route_plan.h"

/** A site of this machine, between host_open() and host_close(). */
struct host {
	struct netdev netdev;
	struct host_lock lock;
	const struct conf_site *conf;
	struct route_plan plan; /* the routes that are laid */
	uint32_t mark;
	bool mark_chosen; /* by us, not by the file */
};

/** Walks over all sessions of a configuration in the order of the file; `i` counts them. */
struct host_session_walk {
	const struct conf_site *conf;
	size_t tunnel;
	size_t session;
	size_t i;
};

/** The next session, or NULL. `walk->i` is one more than its number then. */
const struct conf_session *host_next_session(struct host_session_walk *walk);

/** Remember the mark in use, and that we have chosen it if the file gives none. */
void host_set_mark(struct host *host, const struct conf_site *conf, uint32_t mark);

/** Hooks of the way down. */
enum host_down_hooks {
	HOST_PRE_DOWN = 0, /* at the journal's top: undone first */
	HOST_POST_DOWN,	   /* at its bottom: undone last */
};

/** Write the lines of one kind of down hooks to the journal, instead of those there, with %i
 * replaced, in such an order that undoing backwards runs them in the order of the file. Return: 0
 * or -errno, error filled. */
int host_note_hooks(struct host *host, enum host_down_hooks which);

/** Set up one of the engine's Ethernet interfaces: MTU (0: as it is), bridge, up. Return: 0 or
 * -errno, error filled. */
int host_set_session(struct host *host, const struct conf_session *conf, uint32_t mtu);

/** Run PreUp. Return: 0 or -errno, error filled. */
int host_run_pre_up(struct host *host);

/** Free a site whose changes have been undone, and release its lock. */
void host_free(struct host *host);

#endif
