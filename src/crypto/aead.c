/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 and XChaCha20-Poly1305 as WireGuard uses them, through a provider that passes
 * its self-test. */
#include "crypto/aead.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead_evp.h"
#include "crypto/aead_evp_parts.h"
#include "crypto/aead_ipsec_mb.h"
#include "crypto/aead_selftest.h"
#include "crypto/aead_static.h"

/* In order of preference: fastest first on most hosts (bench/aead.c). */
static const struct aead_provider *const providers[] = {
#ifdef WITH_IPSEC_MB
	&aead_ipsec_mb,
#endif
#ifdef WITH_STATIC_LIBCRYPTO
	&aead_static,
#endif
	&aead_evp_parts,
	&aead_evp,
};

_Static_assert(ARRAY_LEN(providers) <= AEAD_PROVIDERS_MAX, "room for a measurement of each");

const char *aead_provider_name(size_t i)
{
	return i < ARRAY_LEN(providers) ? providers[i]->name : NULL;
}

const char *aead_name(const struct aead_ctx *ctx)
{
	return ctx->provider->name;
}

void aead_fini(struct aead_ctx *ctx)
{
	if (ctx->provider)
		ctx->provider->close_state(ctx->state);
	aead_evp.close_state(ctx->evp);
	*ctx = (struct aead_ctx){ 0 };
}

/* Use `p` if it can be opened and passes the self-test. Return: 0, -ENOMEM, -ENOTSUP. */
static int try_provider(struct aead_ctx *ctx, const struct aead_provider *p)
{
	void *state;
	int err = p->open_state(&state);

	if (err)
		return err;
	if (p != &aead_evp && !aead_selftest(p, state, &aead_evp, ctx->evp)) {
		p->close_state(state);
		return -ENOTSUP;
	}
	ctx->provider = p;
	ctx->state = state;
	return 0;
}

int aead_init(struct aead_ctx *ctx, const char *force)
{
	bool named = false;
	int err;

	*ctx = (struct aead_ctx){ 0 };
	err = aead_evp.open_state(&ctx->evp);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(providers) && !ctx->provider; i++) {
		if (force && strcmp(force, providers[i]->name) != 0)
			continue;
		named = true;
		err = try_provider(ctx, providers[i]);
	}
	if (ctx->provider)
		return 0;
	aead_fini(ctx);
	return named ? err : -ENOENT;
}

void aead_seal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN], uint64_t counter,
	uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len)
{
	ctx->provider->seal(
		ctx->state, &(struct aead_call){ key, counter, dst, src, len, aad, aad_len });
}

int aead_open(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN], uint64_t counter,
	uint8_t *dst, const uint8_t *src, size_t len, const uint8_t *aad, size_t aad_len)
{
	if (len < AEAD_TAG_LEN)
		return -EBADMSG;
	return ctx->provider->open(ctx->state,
		&(struct aead_call){ key, counter, dst, src, len - AEAD_TAG_LEN, aad, aad_len });
}

void aead_forget(struct aead_ctx *ctx)
{
	static const uint8_t nothing[AEAD_KEY_LEN];
	uint8_t text[AEAD_TAG_LEN] = { 0 };
	uint8_t subkey[AEAD_KEY_LEN];

	aead_seal(ctx, nothing, 0, text, text, 0, NULL, 0);
	ASSERT(aead_open(ctx, nothing, 0, text, text, sizeof(text), NULL, 0) == 0);
	aead_evp_hchacha20(ctx->evp, nothing, nothing, subkey);
}

/* XChaCha20-Poly1305 is ChaCha20-Poly1305 under the HChaCha20 subkey and the nonce's last 8
 * bytes. */
void aead_xseal(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len)
{
	uint8_t subkey[AEAD_KEY_LEN];

	aead_evp_hchacha20(ctx->evp, key, nonce, subkey);
	aead_seal(ctx, subkey, load_le64(nonce + 16), dst, src, len, aad, aad_len);
	secret_wipe(subkey, sizeof(subkey));
}

int aead_xopen(struct aead_ctx *ctx, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t nonce[static AEAD_XNONCE_LEN], uint8_t *dst, const uint8_t *src, size_t len,
	const uint8_t *aad, size_t aad_len)
{
	uint8_t subkey[AEAD_KEY_LEN];
	int err;

	aead_evp_hchacha20(ctx->evp, key, nonce, subkey);
	err = aead_open(ctx, subkey, load_le64(nonce + 16), dst, src, len, aad, aad_len);
	secret_wipe(subkey, sizeof(subkey));
	return err;
}
