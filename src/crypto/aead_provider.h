/* SPDX-License-Identifier: MIT */
/* The interface of an implementation of ChaCha20-Poly1305. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_LEN 32
#define AEAD_TAG_LEN 16

/** One AEAD call: the text and its nonce and associated data. `dst` and `src` as in aead_seal() and
 * aead_open(). */
struct aead_call {
	const uint8_t *key; /* AEAD_KEY_LEN bytes */
	uint64_t counter;
	uint8_t *dst;
	const uint8_t *src;
	size_t len; /* of src; when opening without the tag */
	const uint8_t *aad;
	size_t aad_len;
};

/** An implementation. All members are set. */
struct aead_provider {
	const char *name;
	/** Make the state of one thread; Return: 0, or an error of aead_init(). */
	int (*open_state)(void **ret_state);
	/** Wipe and free it; accepts NULL. */
	void (*close_state)(void *state);
	/** Write `len` bytes followed by the tag. */
	void (*seal)(void *state, const struct aead_call *c);
	/** `src` holds `len` bytes followed by the tag; Return: 0 or -EBADMSG. */
	int (*open)(void *state, const struct aead_call *c);
};
