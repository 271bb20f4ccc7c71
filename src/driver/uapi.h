/* SPDX-License-Identifier: MIT */
/* What wg(8) asks of the userspace engine, carried out. */
#ifndef DRIVER_UAPI_H
#define DRIVER_UAPI_H

#include "ctlproto/uapi_parse.h"
#include "driver/driver.h"

/** Tell everything, as uapi_print_get(). Return: 0 or -ENOMEM. */
int uapi_get(struct driver *d, char **ret_text, size_t *ret_len);

/**
 * Apply a set request. What can fail is tried first: room for what is added, then port and mark
 * (-EADDRINUSE); after that only a lack of memory can leave a request half applied.
 * Return: 0 or -errno.
 */
int uapi_set(struct driver *d, const struct uapi_set *set);

#endif
