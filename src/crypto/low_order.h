/* SPDX-License-Identifier: MIT */
/* Public keys with which no secret can be shared. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/x25519.h"

/**
 * Whether a public key is a point of low order, in any encoding: x25519_dh() refuses it with every
 * private key, so no handshake succeeds. Source: RFC 7748 §6.1.
 */
bool low_order_key(const uint8_t public_key[static X25519_LEN]);
