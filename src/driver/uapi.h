/* SPDX-License-Identifier: MIT */
/* Perform the requests of wg(8) on the userspace engine. */
#pragma once

#include "ctlproto/uapi_parse.h"
#include "driver/driver.h"

/** Print the whole state, as uapi_print_get() does. Return: 0 or -ENOMEM. */
int uapi_get(struct driver *d, char **ret_text, size_t *ret_len);

/**
 * Apply a set request. Steps that can fail are tried first: room for additions, then port and mark
 * (-EADDRINUSE). After those, only a lack of memory can leave a request half applied.
 * Return: 0 or -errno.
 */
int uapi_set(struct driver *d, const struct uapi_set *set);
