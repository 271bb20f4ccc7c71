/* SPDX-License-Identifier: MIT */
/* Follow the peers of a running site: log what happens to them, run hooks, report how many
 * are up. */
#pragma once

#include "backend/backend.h"
#include "daemon/notify.h"
#include "daemon/peer_hooks.h"
#include "daemon/peer_watch.h"

/** Size of the line for the service manager. */
#define PEER_FOLLOW_STATUS_LEN 64

/** What is followed. All is borrowed; `conf` is the one that is in force. */
struct peer_follow_site {
	const struct backend *backend;
	struct backend_site *site;
	struct host *host;
	const struct conf_site *conf;
	const struct notify *notify;
};

/** Zero-initialised, nothing is followed. */
struct peer_follow {
	struct peer_watch watch;
	struct peer_hooks hooks;
	struct mono due; /* of the next query, or MONO_NEVER */
	char status[PEER_FOLLOW_STATUS_LEN];
};

/** Follow from now on. The environment variable WIRESPAN_PEER_SILENCE can have another number of
 * seconds after which a peer is down, for tests. */
void peer_follow_start(struct peer_follow *f);

/** The line for the service manager: "running, 1 of 2 peers up". Borrowed until the next call. */
const char *peer_follow_status(const struct peer_follow *f);

/** When to call peer_follow_work() next, or MONO_NEVER. */
struct mono peer_follow_deadline(const struct peer_follow *f);

/** Query the peers if that is due, and act on what has changed. */
void peer_follow_work(struct peer_follow *f, const struct peer_follow_site *site);

/** A child process has ended, perhaps a hook's. */
void peer_follow_child(struct peer_follow *f);

/** Write the states of the peers, for another program in this process. Return: 0; or -EBUSY while a
 * hook runs. */
MUST_CHECK int peer_follow_save(const struct peer_follow *f, struct saved_state *state);

/** Begin with the states that were saved. Return: 0 or -ENOMEM. */
MUST_CHECK int peer_follow_restore(struct peer_follow *f, const struct saved_state *saved);

/** Follow no longer; hooks that still run are killed. */
void peer_follow_stop(struct peer_follow *f);
