/* SPDX-License-Identifier: MIT */
/* ChaCha20 and Poly1305 of OpenSSL's EVP interface, combined by us. */
#pragma once

#include "crypto/aead_provider.h"

/** "evp-parts". */
extern const struct aead_provider aead_evp_parts;
