/* SPDX-License-Identifier: MIT */
/* Apply a configuration to the userspace engine as a difference: unchanged parts keep running. */
#pragma once

#include "base/error.h"
#include "conf/model.h"
#include "driver/driver.h"

/**
 * First half: add to the engine every key, peer, tunnel and session of `conf`. TAPs of new sessions
 * are opened, and watched if the engine runs. Whatever `conf` no longer contains stays for now, so
 * that the host can be reconfigured first.
 * Return: 0, or -errno with `ret_error` filled; then apply_sweep() with the old `conf` removes what
 * was added.
 */
int apply_add(struct driver *d, const struct conf_site *conf, struct error *ret_error);

/** Second half: remove every peer, tunnel and session that `conf` does not contain. */
void apply_sweep(struct driver *d, const struct conf_site *conf);
