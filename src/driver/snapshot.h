/* SPDX-License-Identifier: MIT */
/* What a running site has beyond its configuration: the keys, and whatever wg(8) has changed. */
#ifndef DRIVER_SNAPSHOT_H
#define DRIVER_SNAPSHOT_H

#include "conf/model.h"
#include "driver/driver.h"

/**
 * Wipe the private key and the preshared keys of a configuration that the engine has taken over: a
 * key that is replaced or removed there must not live on here.
 */
void snapshot_forget_keys(struct conf_site *conf);

/**
 * Before a reload that may have to go back to `conf`: make it say what the engine has now, as wg(8)
 * may have changed that. Keys, allowed IPs and keepalives are filled in, peers that the engine no
 * longer has are taken out, and those that it has besides are added, without an endpoint: the one
 * they have stays. Afterwards the keys are to be forgotten again. Return: 0; or -ENOMEM with `conf`
 * as it was, in part.
 */
int snapshot_take(const struct driver *d, struct conf_site *conf);

#endif
