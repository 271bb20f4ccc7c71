/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 composed of separate ChaCha20 and Poly1305, with one cipher call per text. */
#pragma once

#include "crypto/aead_provider.h"

/** An implementation of both primitives. All members are set; `state` is what open_state() made. */
struct aead_primitives {
	/** Make the state of one thread; Return: 0, -ENOMEM, -ENOTSUP. */
	int (*open_state)(void **ret_state);
	/** Wipe and free it. */
	void (*close_state)(void *state);
	/** ChaCha20 with `iv`: the block counter (4 bytes, little endian), then the nonce. Source:
	 * RFC 8439 §2.4. */
	void (*cipher)(void *state, const uint8_t key[static AEAD_KEY_LEN],
		const uint8_t iv[static 16], uint8_t *dst, const uint8_t *src, size_t len);
	/** Start a Poly1305 tag under a one-time key. Source: RFC 8439 §2.5. */
	void (*mac_begin)(void *state, const uint8_t key[static 32]);
	void (*mac_add)(void *state, const uint8_t *text, size_t len);
	void (*mac_end)(void *state, uint8_t ret_tag[static AEAD_TAG_LEN]);
};

/** The members of a provider made of `p`, which stays in place. See struct aead_provider. */
int aead_parts_open_state(const struct aead_primitives *p, void **ret_state);
void aead_parts_close_state(void *state);
void aead_parts_seal(void *state, const struct aead_call *c);
int aead_parts_open(void *state, const struct aead_call *c);
