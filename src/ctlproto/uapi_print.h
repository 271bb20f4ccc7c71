/* SPDX-License-Identifier: MIT */
/* Replies of WireGuard's cross-platform configuration protocol. */
#ifndef CTLPROTO_UAPI_PRINT_H
#define CTLPROTO_UAPI_PRINT_H

#include <stddef.h>
#include <stdint.h>

struct wg_device;

#define UAPI_ERRNO_LEN 24 /* of "errno=…" with two newlines and a NUL */

/**
 * Write the whole reply to a get request: the device, its peers, "errno=0" and a blank line. It
 * holds the private and the preshared keys: to be wiped (its length is given) and released with
 * free(). Return: 0 or -ENOMEM.
 */
int uapi_print_get(const struct wg_device *dev, uint16_t listen_port, uint32_t fwmark,
	char **ret_text, size_t *ret_len);

/** Write the reply that is a result alone: `err` is 0 or -errno, and goes out with its sign as
 * wireguard-go has it, which is what wg(8) undoes. Return: its length without the NUL. */
size_t uapi_print_errno(int err, char buf[static UAPI_ERRNO_LEN]);

#endif
