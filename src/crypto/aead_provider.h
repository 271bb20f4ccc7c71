/* SPDX-License-Identifier: MIT */
/* What an implementation of ChaCha20-Poly1305 gives to crypto/aead. */
#ifndef CRYPTO_AEAD_PROVIDER_H
#define CRYPTO_AEAD_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

/** One AEAD call: the text and what is bound to it. Contract of `dst` and `src` as in aead_seal()
 * and aead_open(). */
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
	/** Make the state of one thread; Return: 0, -ENOMEM, -ENOTSUP. */
	int (*open_state)(void **ret_state);
	/** Wipe and free it; NULL is fine. */
	void (*close_state)(void *state);
	/** Write len bytes and the tag behind them. */
	void (*seal)(void *state, const struct aead_call *c);
	/** src holds len bytes and the tag behind them; Return: 0 or -EBADMSG. */
	int (*open)(void *state, const struct aead_call *c);
};

#endif
