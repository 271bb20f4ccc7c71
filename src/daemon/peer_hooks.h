/* SPDX-License-Identifier: MIT */
/* The processes of the hooks PeerUp and PeerDown.
 *
 * Theory of operation. Nothing waits for a hook: its end is a signal in the event loop. What is to
 * be run follows from each peer's state and the state for which hooks ran last, so there is no
 * queue that could grow: a peer that has gone down and come up again before there was a free slot
 * needs no hook. Of one peer, one hook runs at a time. A hook that takes too long is killed, with
 * the processes that it has started.
 */
#pragma once

#include <sys/types.h>

#include "base/mono.h"
#include "conf/model.h"
#include "daemon/peer_watch.h"
#include "host/host.h"

/** Hooks that run at the same time, at most. */
#define PEER_HOOKS_MAX 4

/** How long one may take. */
#define PEER_HOOKS_TIME (60 * NS_PER_S)

/** A hook that runs. */
struct peer_hook {
	pid_t pid; /* of its process and process group; 0: the slot is free */
	bool up;   /* PeerUp, not PeerDown */
	bool killed;
	struct mono until;
	uint8_t public_key[KEY_LEN];
	char label[CONF_PEER_NAME]; /* of the peer */
};

/** The hooks of a site. Zero-initialised, none runs. */
struct peer_hooks {
	struct peer_hook v[PEER_HOOKS_MAX];
};

/** What people call the peer: its name in the file, or its key, written into `ret`. */
const char *peer_hooks_label(const struct conf_site *conf, const uint8_t public_key[static KEY_LEN],
	char ret[static CONF_PEER_NAME]);

/** Start the hooks that are due, as far as there are free slots, and kill those that take too
 * long. */
void peer_hooks_work(struct peer_hooks *h, struct peer_watch *w, const struct conf_site *conf,
	struct host *host);

/** When to call peer_hooks_work() next, or MONO_NEVER. */
struct mono peer_hooks_deadline(const struct peer_hooks *h);

/** A process has ended: wait for it if it is a hook's, and log a failure. */
void peer_hooks_child(struct peer_hooks *h);

/** Kill those that still run, and wait for them. */
void peer_hooks_stop(struct peer_hooks *h);
