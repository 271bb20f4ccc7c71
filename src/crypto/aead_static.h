/* SPDX-License-Identifier: MIT */
/* The fast provider: ChaCha20 and Poly1305 as they lie in a static libcrypto, without EVP around
 * them. */
#ifndef CRYPTO_AEAD_STATIC_H
#define CRYPTO_AEAD_STATIC_H

#include "crypto/aead_provider.h"

/** "libcrypto-static"; only in builds that found the symbols (WITH_STATIC_LIBCRYPTO). */
extern const struct aead_provider aead_static;

#endif
