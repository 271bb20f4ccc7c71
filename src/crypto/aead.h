/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 and XChaCha20-Poly1305 as WireGuard uses them, over the fastest provider that
 * proved itself. */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_LEN	32
#define AEAD_TAG_LEN	16
#define AEAD_XNONCE_LEN 24

struct aead_provider;

/**
 * What one thread needs to seal and open: working memory and the chosen provider. Keys are plain
 * 32 bytes and are handed in with each call, so a session key costs no memory but its own.
 * Not for two threads at once. All memory is allocated by aead_init().
 */
struct aead_ctx {
	const struct aead_provider *provider;
	void *state; /* the provider's */
	void *evp;   /* the reference provider's state: XChaCha and self-test */
};

/**
 * Make a context. Each provider of this build is tested against the reference ("evp") first; the
 * first one in the table of preference that passes is taken.
 * @force: name of the one provider to take, or NULL
 * Return: 0, -ENOENT if `force` names no provider of this build, -ENOTSUP if the provider asked for
 * failed its self-test or the library has no ChaCha20-Poly1305, -ENOMEM.
 */
int aead_init(struct aead_ctx *ctx, const char *force);

/** Wipe and free what aead_init() made; also right on a zeroed or half-made context. */
void aead_fini(struct aead_ctx *ctx);

/** Let go of the keys that were used last: the library's contexts keep theirs until the next. */
void aead_forget(struct aead_ctx *ctx);

/** Name of the provider in use ("evp", "libcrypto-static"). */
const char *aead_name(const struct aead_ctx *ctx);

/** Name of the `i`th provider of this build, best first; NULL behind the last. */
const char *aead_provider_name(size_t i);

/**
 * Encrypt and authenticate `src[len]` into `dst[len + AEAD_TAG_LEN]`; the tag comes last. `dst` may
 * be `src`, but may not overlap it otherwise.
 * @counter: the 64-bit nonce; on the wire of the primitive 4 zero bytes, then 8 bytes little endian
 * @aad: may be NULL if `aad_len` is 0
 * Source: RFC 8439 §2.8; WireGuard whitepaper §5.4.
 */
void aead_seal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN], uint64_t counter,
	uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len);

/**
 * Verify and decrypt `src[len]`, whose last AEAD_TAG_LEN bytes are the tag, into
 * `dst[len - AEAD_TAG_LEN]`. `dst` may be `src`, but may not overlap it otherwise.
 * Return: 0, or -EBADMSG if it does not authenticate or is shorter than a tag; `dst` holds no
 * plaintext then.
 */
int aead_open(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN], uint64_t counter,
	uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len);

/** As aead_seal(), under XChaCha20-Poly1305 with a random 24-byte nonce (cookie replies). Source:
 * draft-irtf-cfrg-xchacha-03 §2. */
void aead_xseal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len);

/** As aead_open(), under XChaCha20-Poly1305. */
int aead_xopen(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len);

#endif
