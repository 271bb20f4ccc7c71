/* SPDX-License-Identifier: MIT */
/* Report the daemon's state to the service manager: the sd_notify protocol, without libsystemd. */
#pragma once

#include "base/mono.h"
#include "ctlproto/saved_state.h"

/** A connection to the service manager; fd is -1 if there is none. */
struct notify {
	int fd;
	uint64_t alive_ns;	/* how often to report that the process is alive; 0: never */
	struct mono alive_next; /* when to report it again */
};

/**
 * Connect to $NOTIFY_SOCKET (a path, or @ and an abstract name) and remove it from the environment,
 * with WATCHDOG_USEC and WATCHDOG_PID, so that hooks cannot send messages in the daemon's name.
 * Later calls need no path, so that they work after the process has restricted its access to files.
 * Return: 0, also if there is no service manager; or -errno: then nothing is reported.
 */
int notify_open(struct notify *ret);

/** Write the connection, for another program in this process. */
void notify_save(const struct notify *n, struct saved_state *state);

/** Use a copy of the connection that was saved. */
void notify_adopt(struct notify *ret, const struct saved_state *saved);

/** Send READY=1: traffic can flow; `status` is a line of text for the user. */
void notify_ready(const struct notify *n, const char *status);

/** Send a line of text for the user, which `systemctl status` shows. */
void notify_status(const struct notify *n, const char *status);

/** Send RELOADING=1 at `now`; call notify_ready() afterwards. */
void notify_reloading(const struct notify *n, struct mono now);

/** Send STOPPING=1. */
void notify_stopping(const struct notify *n);

/** Report that the process is alive, if it is time to: half of WatchdogSec= has passed. Source:
 * sd_watchdog_enabled(3). */
void notify_alive(struct notify *n);

/** When notify_alive() has to be called next; not set if never. */
static inline struct mono notify_deadline(const struct notify *n)
{
	return n->alive_next;
}

/** Close the connection. */
void notify_close(struct notify *n);
