/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 by AVX2. */
#pragma once

#include "crypto/aead_provider.h"

/** "avx2"; only in builds for x86-64 (WITH_AVX2). */
extern const struct aead_provider aead_avx2;
