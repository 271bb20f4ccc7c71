/* SPDX-License-Identifier: MIT */
/* The driver's TAPs and its TUN: open, watch and read them. */
#ifndef DRIVER_PORTS_H
#define DRIVER_PORTS_H

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

/** Watch a session's TAP. Return: 0 or -errno. */
int ports_watch(struct driver *d, struct driver_port *p);

/** Stop watching a TAP or TUN and close it. */
void ports_unwatch(struct driver *d, struct driver_port *p);

/** Watch the TUN and every session's TAP. Return: 0 or -errno. */
int ports_watch_all(struct driver *d);

#endif
