/* SPDX-License-Identifier: MIT */
/* A configuration laid onto the userspace engine as a difference: what both have keeps running. */
#ifndef DRIVER_APPLY_H
#define DRIVER_APPLY_H

#include "base/error.h"
#include "conf/model.h"
#include "driver/driver.h"

/**
 * First half: make the engine hold everything that `conf` says: keys, peers, tunnels, sessions;
 * TAPs of new sessions are opened (and watched if the engine runs). What `conf` no longer has
 * stays, so that the machine can be changed under it. Return: 0, or -errno with `ret_error` filled;
 * then what was added is taken away by apply_sweep() with the old `conf`.
 */
int apply_add(struct driver *d, const struct conf_site *conf, struct error *ret_error);

/** Second half: take out every peer, tunnel and session that `conf` does not have. */
void apply_sweep(struct driver *d, const struct conf_site *conf);

#endif
