/* SPDX-License-Identifier: MIT */
/* Who holds a running site's keys: the engine alone, lent to the configuration for a reload. */
#ifndef BACKEND_KEYS_H
#define BACKEND_KEYS_H

#include "backend/userspace.h"
#include "conf/model.h"

/**
 * Wipe the private key and the preshared keys of a configuration that the engine has taken over: a
 * key that is replaced or removed there must not live on here.
 */
void keys_forget(struct conf_site *conf);

/**
 * Before a reload that may have to go back to `conf`: fill in the keys that the engine has now, and
 * take out the peers that it no longer has, as wg(8) may have changed either. Afterwards they are
 * to be forgotten again.
 */
void keys_recall(const struct userspace *u, struct conf_site *conf);

#endif
