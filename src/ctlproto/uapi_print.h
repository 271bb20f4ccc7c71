/* SPDX-License-Identifier: MIT */
/* Writing replies of WireGuard's cross-platform configuration protocol. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

struct uapi_set;
struct wg_device;
struct wg_peer;

#define UAPI_ERRNO_LEN 24 /* of "errno=…" with two newlines and a NUL */

#define UAPI_GET_END "errno=0\n\n" /* the end of the reply to a get request */

/** What a reply to a get request shows: all, or a part of it. */
struct uapi_shown {
	const struct wg_device *dev;
	uint16_t listen_port;
	uint32_t fwmark;
	const struct wg_peer *after; /* only the peers after this one; NULL: the device, and all */
	size_t max;		     /* so many peers at most */
};

/**
 * Write a reply to a get request: the device, its peers, and UAPI_GET_END, which is missing if
 * there are further peers. It contains the private and preshared keys: the caller wipes it (its
 * length is returned) and frees it. Return: 0 or -ENOMEM.
 */
MUST_CHECK int uapi_print_get(const struct uapi_shown *shown, char **ret_text, size_t *ret_len);

/** Write a set request, with the blank line that ends it; zones must have been converted to scopes.
 * It contains keys: the caller wipes and frees it. Return: 0 or -ENOMEM. */
MUST_CHECK int uapi_print_set(const struct uapi_set *set, char **ret_text, size_t *ret_len);

/** Write a reply that consists of the result only: 0, -errno for a set request, or errno for a get
 * request, as wg(8) expects them. Return: its length without the NUL. */
size_t uapi_print_errno(int err, char buf[static UAPI_ERRNO_LEN]);
