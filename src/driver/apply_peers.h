/* SPDX-License-Identifier: MIT */
/* The peers of a configuration applied to the engine as a difference. */
#ifndef DRIVER_APPLY_PEERS_H
#define DRIVER_APPLY_PEERS_H

#include "base/error.h"
#include "conf/model.h"
#include "driver/driver.h"

/** Make the engine have every peer of `conf`, as it is there; others stay. Return: 0, or -errno
 * with `ret_error` filled. */
int apply_peers(struct driver *d, const struct conf_site *conf, struct error *ret_error);

/** Remove every peer that `conf` does not have. */
void apply_peers_sweep(struct driver *d, const struct conf_site *conf);

#endif
