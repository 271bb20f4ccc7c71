/* SPDX-License-Identifier: MIT */
/* The driver's TAPs and its TUN: open, watch and read them. */
#ifndef DRIVER_PORTS_H
#define DRIVER_PORTS_H

#include "driver/driver_state.h"

/** Create the TUN `name`. Return: 0 or -errno. */
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
