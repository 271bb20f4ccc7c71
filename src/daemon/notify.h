/* SPDX-License-Identifier: MIT */
/* Report the daemon's state to the service manager: the sd_notify protocol, without libsystemd. */
#pragma once

#include "base/mono.h"

/** A connection to the service manager; fd is -1 if there is none. */
struct notify {
	int fd;
};

/**
 * Connect to $NOTIFY_SOCKET (a path, or @ and an abstract name) and remove it from the environment,
 * so that hooks cannot send messages in the daemon's name. Later calls need no path, so that they
 * work after the process has restricted its access to files.
 * Return: 0, also if there is no service manager; or -errno: then nothing is reported.
 */
int notify_open(struct notify *ret);

/** Send READY=1: traffic can flow; `status` is a line of text for the user. */
void notify_ready(const struct notify *n, const char *status);

/** Send RELOADING=1 at `now`; call notify_ready() afterwards. */
void notify_reloading(const struct notify *n, struct mono now);

/** Send STOPPING=1. */
void notify_stopping(const struct notify *n);

/** Close the connection. */
void notify_close(struct notify *n);
