/* SPDX-License-Identifier: MIT */
/* ChaCha20 and Poly1305 of OpenSSL's EVP interface, combined by us: faster than its
 * ChaCha20-Poly1305, which sets up a context twice per text and gets the tag by a control call. */
#include "crypto/aead_evp_parts.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/bug.h"
#include "crypto/aead_evp.h"
#include "crypto/aead_parts.h"

struct evp_parts {
	EVP_CIPHER_CTX *chacha;
	EVP_MAC_CTX *poly;
};

static void evp_parts_close_state(void *state)
{
	struct evp_parts *s = state;

	EVP_CIPHER_CTX_free(s->chacha);
	EVP_MAC_CTX_free(s->poly);
	OPENSSL_free(s);
}

static int evp_parts_open_state(void **ret_state)
{
	struct evp_parts *s = OPENSSL_zalloc(sizeof(*s));
	EVP_MAC *poly = EVP_MAC_fetch(NULL, "POLY1305", NULL);

	if (s) {
		s->chacha = aead_evp_ctx_new("ChaCha20", 1);
		s->poly = poly ? EVP_MAC_CTX_new(poly) : NULL;
	}
	EVP_MAC_free(poly); /* the context holds its own reference */
	if (!s)
		return -ENOMEM;
	if (!s->chacha || !s->poly) {
		evp_parts_close_state(s);
		return -ENOTSUP;
	}
	*ret_state = s;
	return 0;
}

static void evp_parts_cipher(void *state, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t iv[static 16], uint8_t *dst, const uint8_t *src, size_t len)
{
	EVP_CIPHER_CTX *ctx = ((struct evp_parts *)state)->chacha;
	int n;

	ASSERT(len <= INT_MAX);
	ASSERT(EVP_CipherInit_ex2(ctx, NULL, key, iv, -1, NULL));
	ASSERT(EVP_EncryptUpdate(ctx, dst, &n, src, (int)len));
}

static void evp_parts_mac_begin(void *state, const uint8_t key[static 32])
{
	ASSERT(EVP_MAC_init(((struct evp_parts *)state)->poly, key, 32, NULL));
}

static void evp_parts_mac_add(void *state, const uint8_t *text, size_t len)
{
	ASSERT(EVP_MAC_update(((struct evp_parts *)state)->poly, text, len));
}

static void evp_parts_mac_end(void *state, uint8_t ret_tag[static AEAD_TAG_LEN])
{
	size_t n;

	ASSERT(EVP_MAC_final(((struct evp_parts *)state)->poly, ret_tag, &n, AEAD_TAG_LEN));
}

static const struct aead_primitives primitives = {
	.open_state = evp_parts_open_state,
	.close_state = evp_parts_close_state,
	.cipher = evp_parts_cipher,
	.mac_begin = evp_parts_mac_begin,
	.mac_add = evp_parts_mac_add,
	.mac_end = evp_parts_mac_end,
};

static int evp_parts_open(void **ret_state)
{
	return aead_parts_open_state(&primitives, ret_state);
}

const struct aead_provider aead_evp_parts = {
	.name = "evp-parts",
	.open_state = evp_parts_open,
	.close_state = aead_parts_close_state,
	.seal = aead_parts_seal,
	.open = aead_parts_open,
};
