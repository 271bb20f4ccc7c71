/* SPDX-License-Identifier: MIT */
/* Apply the peers of a configuration to the engine as a difference. */
#pragma once

#include "base/error.h"
#include "conf/model.h"
#include "driver/driver.h"

/** Add or update every peer of `conf`; other peers stay. Return: 0, or -errno with `ret_error`
 * filled. */
int apply_peers(struct driver *d, const struct conf_site *conf, struct error *ret_error);

/** Remove every peer that `conf` does not contain. */
void apply_peers_sweep(struct driver *d, const struct conf_site *conf);
