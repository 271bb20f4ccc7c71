/* SPDX-License-Identifier: MIT */
/* The test that an AEAD provider passes before it is given traffic. */
#ifndef CRYPTO_AEAD_SELFTEST_H
#define CRYPTO_AEAD_SELFTEST_H

#include <stdbool.h>

#include "crypto/aead_provider.h"

/**
 * Compare a provider with the reference on texts around every block and vector length it may treat
 * apart, in place and not, and let it refuse forgeries. Takes about a millisecond.
 * @state, @ref_state: of either provider, made by its open_state()
 * Return: whether all was equal.
 */
bool aead_selftest(const struct aead_provider *p, void *state, const struct aead_provider *ref,
	void *ref_state);

#endif
