/* SPDX-License-Identifier: MIT */
/* The state of a running site that its configuration lacks: keys, and changes made with wg(8). */
#pragma once

#include "conf/model.h"
#include "driver/driver.h"

/**
 * Before a reload that may have to return to `conf`: update `conf` to the engine's present state,
 * which wg(8) may have changed. Keys, allowed IPs and keepalives are filled in; peers that the
 * engine no longer has are removed; peers that only the engine has are added, without an endpoint:
 * their present one stays. Call conf_site_forget_keys() afterwards.
 * Return: 0; or -ENOMEM with `conf` partly updated.
 */
int snapshot_take(const struct driver *d, struct conf_site *conf);
