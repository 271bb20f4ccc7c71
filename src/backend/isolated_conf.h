/* SPDX-License-Identifier: MIT */
/* A site's configuration as the monitor passes it to a running engine. */
#pragma once

#include "backend/key_ring.h"
#include "base/must_check.h"
#include "conf/model.h"

/** Print a configuration that is complete in one text: keys in place of the names of their files.
 * `keys`: the ring whose marks it has, to put the keys back; NULL: print it as it is. Return: 0 and
 * a text to be wiped and freed; or -ENOMEM. */
MUST_CHECK int isolated_conf_print(const struct conf_site *conf, const struct key_ring *keys,
	char **ret_text, size_t *ret_len);
