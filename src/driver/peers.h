/* SPDX-License-Identifier: MIT */
/* Find, add and remove the userspace engine's peers. */
#pragma once

#include "driver/driver.h"

/** Return: the peer with this public key, or NULL. */
struct driver_peer *peers_find(const struct driver *d, const uint8_t public_key[static WG_KEY_LEN]);

/** Add a peer. The caller has made room with driver_grow(). Return: 0; -ENOMEM; or the errors of
 * wg_device_add_peer(), -EINVAL for our own public key. */
int peers_add(
	struct driver *d, const uint8_t public_key[static WG_KEY_LEN], struct driver_peer **ret);

/** Remove a peer and free it. */
void peers_remove(struct driver *d, struct driver_peer *p);

/**
 * Set our private key; all zero means none. Setting the present key again changes nothing. Another
 * key ends every session, and removes a peer whose public key is now our own. Return: 0 or -errno
 * of the crypto library.
 */
int peers_set_private_key(struct driver *d, const uint8_t key[static WG_KEY_LEN]);
