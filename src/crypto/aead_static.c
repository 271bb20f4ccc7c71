/* SPDX-License-Identifier: MIT */
/* ChaCha20 and Poly1305 of a static libcrypto, called without EVP.
 *
 * The functions are global in libcrypto.a but not part of OpenSSL's public interface. Therefore
 * only a build on request links them, crypto/aead compares this provider with EVP at each start,
 * and the program must take the rest of libcrypto from the same archive, whose start-up code
 * detects the processor's features.
 */
#include "crypto/aead_static.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead_parts.h"

void ChaCha20_ctr32(unsigned char *out, const unsigned char *in, size_t len,
	const unsigned int key[8], const unsigned int counter[4]);
size_t Poly1305_ctx_size(void);
void Poly1305_Init(void *ctx, const unsigned char key[32]);
void Poly1305_Update(void *ctx, const unsigned char *in, size_t len);
void Poly1305_Final(void *ctx, unsigned char mac[16]);

static int static_open_state(void **ret_state)
{
	*ret_state = OPENSSL_zalloc(Poly1305_ctx_size());
	return *ret_state ? 0 : -ENOMEM;
}

static void static_close_state(void *state)
{
	OPENSSL_clear_free(state, Poly1305_ctx_size());
}

static void static_cipher(void *state, const uint8_t key[static AEAD_KEY_LEN],
	const uint8_t iv[static 16], uint8_t *dst, const uint8_t *src, size_t len)
{
	unsigned int words[8], counter[4];

	for (size_t i = 0; i < ARRAY_LEN(counter); i++)
		counter[i] = load_le32(iv + 4 * i);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = load_le32(key + 4 * i);
	ChaCha20_ctr32(dst, src, len, words, counter);
	secret_wipe(words, sizeof(words));
}

static void static_mac_begin(void *state, const uint8_t key[static 32])
{
	Poly1305_Init(state, key);
}

static void static_mac_add(void *state, const uint8_t *text, size_t len)
{
	Poly1305_Update(state, text, len);
}

static void static_mac_end(void *state, uint8_t ret_tag[static AEAD_TAG_LEN])
{
	Poly1305_Final(state, ret_tag);
}

static const struct aead_primitives primitives = {
	.open_state = static_open_state,
	.close_state = static_close_state,
	.cipher = static_cipher,
	.mac_begin = static_mac_begin,
	.mac_add = static_mac_add,
	.mac_end = static_mac_end,
};

static int static_open(void **ret_state)
{
	return aead_parts_open_state(&primitives, ret_state);
}

const struct aead_provider aead_static = {
	.name = "libcrypto-static",
	.open_state = static_open,
	.close_state = aead_parts_close_state,
	.seal = aead_parts_seal,
	.open = aead_parts_open,
};
