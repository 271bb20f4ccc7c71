/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 and XChaCha20-Poly1305 as WireGuard uses them, through a provider that passes
 * its self-test. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "crypto/aead_provider.h"

#define AEAD_XNONCE_LEN 24

/* Providers of a build at most. */
#define AEAD_PROVIDERS_MAX 4

/* The provider that every build and host has. */
#define AEAD_REFERENCE "evp"

/**
 * State of one thread for sealing and opening: working memory and the chosen provider. Keys are
 * plain 32 bytes, passed with each call, so that a session key needs no further memory. Not
 * thread-safe. aead_init() allocates all memory.
 */
struct aead_ctx {
	const struct aead_provider *provider;
	void *state; /* the provider's */
	void *evp;   /* the reference provider's state: XChaCha and self-test */
};

/**
 * Initialise a context. Each provider is tested against the reference before it is used.
 * @force: name of the only provider to use, or NULL: the first of this build that can be used. See
 * aead_measure() for a better choice.
 * Return: 0, -ENOENT if this build has no provider `force`, -ENOTSUP if the provider failed its
 * self-test or the library has no ChaCha20-Poly1305, -ELIBACC if the provider's library is not
 * installed, -ELIBBAD if that is of another version than at build time, -ENOMEM.
 */
MUST_CHECK int aead_init(struct aead_ctx *ctx, const char *force);

/** Wipe and free what aead_init() made; accepts a zeroed or half-initialised context. */
void aead_fini(struct aead_ctx *ctx);

/** Overwrite the keys that were used last, which the library's contexts hold until the next
 * call. */
void aead_forget(struct aead_ctx *ctx);

/** Name of the provider in use ("evp", "ipsec-mb"). */
const char *aead_name(const struct aead_ctx *ctx);

/** Name of the `i`th provider of this build, in order of preference; NULL past the last. */
const char *aead_provider_name(size_t i);

/**
 * Encrypt and authenticate `src[len]` into `dst[len + AEAD_TAG_LEN]`; the tag comes last. `dst` may
 * equal `src`, but must not overlap it otherwise.
 * @counter: the 64-bit nonce; encoded as 4 zero bytes, then 8 bytes little endian
 * @aad: may be NULL if `aad_len` is 0
 * Source: RFC 8439 §2.8; WireGuard whitepaper §5.4.
 */
void aead_seal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN], uint64_t counter,
	uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len);

/**
 * Verify and decrypt `src[len]`, whose last AEAD_TAG_LEN bytes are the tag, into
 * `dst[len - AEAD_TAG_LEN]`. `dst` may equal `src`, but must not overlap it otherwise.
 * Return: 0, or -EBADMSG if authentication fails or `len` is shorter than a tag; `dst` then holds
 * no plaintext.
 */
MUST_CHECK int aead_open(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	uint64_t counter, uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad,
	size_t aad_len);

/** As aead_seal(), under XChaCha20-Poly1305 with a random 24-byte nonce (cookie replies). Source:
 * draft-irtf-cfrg-xchacha-03 §2. */
void aead_xseal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len);

/** As aead_open(), under XChaCha20-Poly1305. */
int aead_xopen(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len);
