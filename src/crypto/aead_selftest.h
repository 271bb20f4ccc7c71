/* SPDX-License-Identifier: MIT */
/* The self-test that an AEAD provider must pass before it is used. */
#pragma once

#include <stdbool.h>

#include "crypto/aead_provider.h"

/**
 * Compare a provider with the reference on texts around every block and vector length at which it
 * may branch, in place and not, and check that it rejects forgeries. Takes about a millisecond.
 * @state, @ref_state: of either provider, made by its open_state()
 * Return: whether all results are equal.
 */
bool aead_selftest(const struct aead_provider *p, void *state, const struct aead_provider *ref,
	void *ref_state);
