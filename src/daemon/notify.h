/* SPDX-License-Identifier: MIT */
/* Telling the service manager how we are: the sd_notify protocol, without libsystemd. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "base/mono.h"

/** A connection to the service manager; fd is -1 if there is none to tell. */
struct notify {
	int fd;
};

/**
 * Connect to $NOTIFY_SOCKET (a path, or @ and an abstract name) and take it out of the environment,
 * so that hooks do not speak in our name. Later calls need no path, so that they work after the
 * process has shut itself in.
 * Return: 0, also if there is no service manager; or -errno, and then there is none to tell.
 */
int notify_open(struct notify *ret);

/** READY=1: traffic can flow; `status` is a line for a person. */
void notify_ready(const struct notify *n, const char *status);

/** RELOADING=1 at `now`; to be followed by notify_ready(). */
void notify_reloading(const struct notify *n, struct mono now);

/** STOPPING=1. */
void notify_stopping(const struct notify *n);

/** STATUS=, a line for a person, made as by printf. */
void notify_status(const struct notify *n, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Hang up. */
void notify_close(struct notify *n);

#endif
