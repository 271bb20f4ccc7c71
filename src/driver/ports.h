/* SPDX-License-Identifier: MIT */
/* The driver's TAPs and its TUN: open, watch and read them. */
#pragma once

#include "base/must_check.h"
#include "driver/driver_state.h"

/**
 * Take ownership of an open TAP or TUN. When an interface of its name and kind is to be opened,
 * this descriptor is used instead of a new one. Return: 0; or -errno with `fd` still the caller's.
 */
int ports_offer(struct driver *d, int fd);

/** Open an interface, or take the one that was offered. Return: 0, or the errors of tap_open(). */
int ports_open(struct driver *d, const char *name, enum tap_kind kind, struct tap *ret);

/** Close what was offered and not used. */
void ports_close_offered(struct driver *d);

/** Open the TUN `name`. Return: 0 or -errno. */
int ports_open_tun(struct driver *d, const char *name);

/** Take ownership of an open TUN descriptor. Return: 0 or -errno. */
int ports_adopt_tun(struct driver *d, int fd);

/** Whether another process has deleted the interface `name` of the TUN or a session. */
bool ports_is_deleted(struct driver *d, const char *name);

/** Make the interface `name` again, down; peers and sessions stay as they are. Return: 0; -ENOENT
 * if there is no port of that name; or the errors of tap_open() and loop_add(). */
MUST_CHECK int ports_make_again(struct driver *d, const char *name);

/** Watch a session's TAP. Return: 0 or -errno. */
int ports_watch(struct driver *d, struct driver_port *p);

/** Stop watching a TAP or TUN and close it. */
void ports_unwatch(struct driver *d, struct driver_port *p);

/** Watch the TUN and every session's TAP. Return: 0 or -errno. */
int ports_watch_all(struct driver *d);

/** Process for one turn what was read from ports and waits, unless a port had its turn since the
 * last call. */
void ports_work(struct driver *d);

/** Process all that was read from ports and waits, unless the sockets take nothing. Return: whether
 * nothing waits now. */
bool ports_finish(struct driver *d);

/** When ports_work() is to be called: at once, or MONO_NEVER if nothing waits, or if the sockets
 * take nothing. */
struct mono ports_deadline(const struct driver *d);
