/* SPDX-License-Identifier: MIT */
/* Apply a configuration to the userspace engine as a difference: unchanged parts keep running. */
#include "driver/apply.h"

#include <string.h>

#include "driver/apply_peers.h"
#include "driver/apply_sessions.h"
#include "driver/peers.h"

int apply_add(struct driver *d, const struct conf_site *conf, struct error *ret_error)
{
	int err = peers_set_private_key(d, conf->interface.private_key);

	if (err < 0)
		return error_set(ret_error, err,
			"Cannot derive the public key: %s.\n"
			"Free some memory.",
			strerror(-err));
	err = apply_peers(d, conf, ret_error);
	if (!err)
		err = apply_sessions(d, conf, ret_error);
	if (!err)
		engine_limit(&d->engine, conf->interface.bandwidth / 8);
	return err;
}

void apply_sweep(struct driver *d, const struct conf_site *conf)
{
	apply_peers_sweep(d, conf);
	apply_sessions_sweep(d, conf);
}
