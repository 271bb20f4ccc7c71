/* SPDX-License-Identifier: MIT */
/* Perform the requests of wg(8) on the userspace engine. */
#pragma once

#include "base/must_check.h"
#include "ctlproto/uapi_parse.h"
#include "driver/driver.h"

/** Print the state, as uapi_print_get() does: with the first `max` peers, or (`after` is the public
 * key of a peer) only the next `max` peers after that one. Return: 0; -ENOENT if there is no such
 * peer; or -ENOMEM. */
MUST_CHECK int uapi_get(
	struct driver *d, const uint8_t *after, size_t max, char **ret_text, size_t *ret_len);

/**
 * Apply a set request. Steps that can fail are tried first: room for additions, then port and mark
 * (-EADDRINUSE). After those, only a lack of memory can leave a request half applied.
 * Return: 0 or -errno.
 */
int uapi_set(struct driver *d, const struct uapi_set *set);
