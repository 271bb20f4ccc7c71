/* SPDX-License-Identifier: MIT */
/* ChaCha20 and Poly1305 of a static libcrypto, called without EVP. */
#pragma once

#include "crypto/aead_provider.h"

/** "libcrypto-static"; only in builds that link these symbols (WITH_STATIC_LIBCRYPTO). */
extern const struct aead_provider aead_static;
