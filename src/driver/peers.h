/* SPDX-License-Identifier: MIT */
/* The userspace engine's peers: found, added, removed, for whoever configures them. */
#ifndef DRIVER_PEERS_H
#define DRIVER_PEERS_H

#include "driver/driver.h"

/** Return: the peer with this public key, or NULL. */
struct driver_peer *peers_find(const struct driver *d, const uint8_t public_key[static WG_KEY_LEN]);

/** Add a peer; there must be room (driver_grow()). Return: 0; -ENOMEM; or the errors of
 * wg_device_add_peer(), -EINVAL for our own public key. */
int peers_add(
	struct driver *d, const uint8_t public_key[static WG_KEY_LEN], struct driver_peer **ret);

/** Take a peer out and free it. */
void peers_remove(struct driver *d, struct driver_peer *p);

/**
 * Set our private key, all zero for none. The key we have already changes nothing; another ends
 * every session, and removes a peer that would be ourselves. Return: 0 or -errno of the crypto
 * library.
 */
int peers_set_private_key(struct driver *d, const uint8_t key[static WG_KEY_LEN]);

#endif
