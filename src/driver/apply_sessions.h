/* SPDX-License-Identifier: MIT */
/* Apply the tunnels and sessions of a configuration to the engine as a difference. */
#pragma once

#include "base/error.h"
#include "conf/model.h"
#include "driver/driver.h"

/** Add or update every tunnel and session of `conf`; TAPs of other sessions stay open. Return: 0,
 * or -errno with `ret_error` filled. */
int apply_sessions(struct driver *d, const struct conf_site *conf, struct error *ret_error);

/** Fill in the error of a session's interface that cannot be made. Return: `err`. */
int apply_session_error(const char *name, int err, struct error *ret_error);

/** Remove every tunnel and session that `conf` does not contain. */
void apply_sessions_sweep(struct driver *d, const struct conf_site *conf);

/** Return: the engine's session for a configured one, or NULL. */
struct driver_session *apply_find_session(const struct driver *d, const char *name);
