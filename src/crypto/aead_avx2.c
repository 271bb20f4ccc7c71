/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 by AVX2, for processors without AVX-512: libipsec-mb has no vector code for
 * Poly1305 on those, and OpenSSL's EVP interface costs as much as a short text.
 *
 * Theory of operation. The first blocks of the keystream are made by one call: the key of
 * Poly1305, then what the text is combined with. A text that does not authenticate is not
 * decrypted. There is no state between calls: keys are on the stack and are wiped.
 */
#include "crypto/aead_avx2.h"

#include <errno.h>
#include <immintrin.h>
#include <openssl/crypto.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/chacha20_avx2.h"
#include "crypto/poly1305_avx2.h"

#define AVX2 __attribute__((target("avx2")))

/* A part of the keystream. */
struct keystream {
	_Alignas(32) uint8_t bytes[CHACHA20_AVX2_MAX];
	size_t len;
	uint32_t block;		  /* the next one */
	uint8_t one_time_key[32]; /* for Poly1305: the beginning of block 0 */
};

static void next_part(struct keystream *k, const struct aead_call *c, size_t wanted)
{
	k->len = chacha20_avx2(c->key, c->counter, k->block, wanted, k->bytes);
	k->block += (uint32_t)(k->len / CHACHA20_BLOCK);
}

static AVX2 void combine(uint8_t *dst, const uint8_t *src, const uint8_t *key, size_t len)
{
	size_t at = 0;

	for (; at + 32 <= len; at += 32) {
		__m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(src + at));
		__m256i with = _mm256_loadu_si256((const __m256i *)(const void *)(key + at));

		_mm256_storeu_si256((__m256i *)(void *)(dst + at), _mm256_xor_si256(text, with));
	}
	for (; at + 8 <= len; at += 8)
		store_le64(dst + at, load_le64(src + at) ^ load_le64(key + at));
	for (; at < len; at++)
		dst[at] = src[at] ^ key[at];
}

/* Encrypt or decrypt the text. `k` has the first part of the keystream. */
static void cipher(struct keystream *k, const struct aead_call *c)
{
	size_t used = CHACHA20_BLOCK, n;

	for (size_t at = 0; at < c->len; at += n) {
		if (used == k->len) {
			next_part(k, c, c->len - at);
			used = 0;
		}
		n = size_min(c->len - at, k->len - used);
		combine(c->dst + at, c->src + at, k->bytes + used, n);
		used += n;
	}
}

static void begin(struct keystream *k, const struct aead_call *c)
{
	k->block = 0;
	next_part(k, c, CHACHA20_BLOCK + c->len);
	memcpy(k->one_time_key, k->bytes, sizeof(k->one_time_key));
}

static AVX2 void end(struct keystream *k)
{
	secret_wipe(k->one_time_key, sizeof(k->one_time_key));
	secret_wipe(k->bytes, k->len);
	_mm256_zeroall();
}

static void seal(void *state, const struct aead_call *c)
{
	struct keystream k;

	(void)state;
	begin(&k, c);
	cipher(&k, c);
	poly1305_avx2(k.one_time_key, c->aad, c->aad_len, c->dst, c->len, c->dst + c->len);
	end(&k);
}

static int open_text(void *state, const struct aead_call *c)
{
	struct keystream k;
	uint8_t tag[AEAD_TAG_LEN];
	int err = -EBADMSG;

	(void)state;
	begin(&k, c);
	poly1305_avx2(k.one_time_key, c->aad, c->aad_len, c->src, c->len, tag);
	if (CRYPTO_memcmp(tag, c->src + c->len, sizeof(tag)) == 0) {
		cipher(&k, c);
		err = 0;
	}
	end(&k);
	return err;
}

static int open_state(void **ret_state)
{
	*ret_state = NULL;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? 0 : -ENODEV;
}

static void close_state(void *state)
{
	(void)state;
}

const struct aead_provider aead_avx2 = {
	.name = "avx2",
	.open_state = open_state,
	.close_state = close_state,
	.seal = seal,
	.open = open_text,
};
