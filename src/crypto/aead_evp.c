/* SPDX-License-Identifier: MIT */
/* The reference provider: OpenSSL's EVP interface, present in every build. */
#include "crypto/aead_evp.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"

/* One context per direction, so that no call sets the cipher, which costs more than a small
 * packet. */
struct evp_state {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
	EVP_CIPHER_CTX *chacha;
};

static void evp_close(void *state)
{
	struct evp_state *s = state;

	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->seal);
	EVP_CIPHER_CTX_free(s->open);
	EVP_CIPHER_CTX_free(s->chacha);
	OPENSSL_clear_free(s, sizeof(*s));
}

EVP_CIPHER_CTX *aead_evp_ctx_new(const char *cipher, int encrypt)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (!c || !ctx || !EVP_CipherInit_ex2(ctx, c, NULL, NULL, encrypt, NULL)) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_CIPHER_free(c); /* the context holds its own reference */
	return ctx;
}

static int evp_open(void **ret_state)
{
	struct evp_state *s = OPENSSL_zalloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->seal = aead_evp_ctx_new("ChaCha20-Poly1305", 1);
	s->open = aead_evp_ctx_new("ChaCha20-Poly1305", 0);
	s->chacha = aead_evp_ctx_new("ChaCha20", 1);
	if (!s->seal || !s->open || !s->chacha) {
		evp_close(s);
		return -ENOTSUP;
	}
	*ret_state = s;
	return 0;
}

/* Set key, nonce and associated data of a context whose cipher is set. */
static void evp_begin(EVP_CIPHER_CTX *ctx, const struct aead_call *c)
{
	uint8_t nonce[12] = { 0 };
	int n;

	ASSERT(c->len <= INT_MAX && c->aad_len <= INT_MAX);
	store_le64(nonce + 4, c->counter);
	ASSERT(EVP_CipherInit_ex2(ctx, NULL, c->key, nonce, -1, NULL));
	if (c->aad_len)
		ASSERT(EVP_CipherUpdate(ctx, NULL, &n, c->aad, (int)c->aad_len));
}

static void evp_seal(void *state, const struct aead_call *c)
{
	EVP_CIPHER_CTX *ctx = ((struct evp_state *)state)->seal;
	int n;

	evp_begin(ctx, c);
	if (c->len)
		ASSERT(EVP_EncryptUpdate(ctx, c->dst, &n, c->src, (int)c->len));
	ASSERT(EVP_EncryptFinal_ex(ctx, c->dst + c->len, &n));
	ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, c->dst + c->len));
}

static int evp_open_text(void *state, const struct aead_call *c)
{
	EVP_CIPHER_CTX *ctx = ((struct evp_state *)state)->open;
	uint8_t tag[AEAD_TAG_LEN];
	int n;

	memcpy(tag, c->src + c->len, sizeof(tag));
	evp_begin(ctx, c);
	if (c->len)
		ASSERT(EVP_DecryptUpdate(ctx, c->dst, &n, c->src, (int)c->len));
	ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag));
	if (EVP_DecryptFinal_ex(ctx, tag, &n) == 1)
		return 0;
	secret_wipe(c->dst, c->len);
	return -EBADMSG;
}

const struct aead_provider aead_evp = {
	.name = "evp",
	.open_state = evp_open,
	.close_state = evp_close,
	.seal = evp_seal,
	.open = evp_open_text,
};

/*
 * The library has no HChaCha20, but has the ChaCha20 block function: the same 20 rounds, followed
 * by the addition of the initial state. A block of keystream (the encryption of zeros) minus the
 * initial state is thus the permuted state, of which HChaCha20 takes the first and last four words;
 * their initial values are the constants and the nonce, all public.
 */
void aead_evp_hchacha20(void *state, const uint8_t key[static 32], const uint8_t nonce[static 16],
	uint8_t ret_subkey[static 32])
{
	static const uint8_t constants[16] = "expand 32-byte k";
	static const uint8_t zeros[64];
	EVP_CIPHER_CTX *ctx = ((struct evp_state *)state)->chacha;
	uint8_t block[64];
	int n;

	/* EVP's ChaCha20 takes the counter as the first word of a 16-byte IV. */
	ASSERT(EVP_CipherInit_ex2(ctx, NULL, key, nonce, -1, NULL));
	ASSERT(EVP_EncryptUpdate(ctx, block, &n, zeros, sizeof(zeros)));
	for (size_t i = 0; i < 16; i += 4) {
		store_le32(ret_subkey + i, load_le32(block + i) - load_le32(constants + i));
		store_le32(ret_subkey + 16 + i, load_le32(block + 48 + i) - load_le32(nonce + i));
	}
	secret_wipe(block, sizeof(block));
}
