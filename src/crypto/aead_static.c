/* SPDX-License-Identifier: MIT */
/* The fast provider: ChaCha20 and Poly1305 of a static libcrypto, called without EVP.
 *
 * Theory of operation. EVP spends some hundred nanoseconds per call on its own bookkeeping, and a
 * separate ChaCha20 call on the block that becomes the Poly1305 key. The vector code processes 4 to
 * 16 blocks at a time, so that block is almost free if it precedes the text: zeros[64] || text is
 * enciphered from counter 0 in one call, and the result is key block || ciphertext. This copies the
 * text through working memory, which costs a tenth of what it saves; text beyond HEAD_MAX (more
 * than a datagram carries on a usual path) goes through a second call, uncopied. Padding and
 * lengths are written behind the text in working memory, so that one call authenticates all.
 *
 * The functions are global in libcrypto.a but not part of OpenSSL's public interface. Therefore the
 * build links them or leaves this file out, crypto/aead compares this provider with EVP at each
 * start, and the program must take the rest of libcrypto from the same archive, whose start-up code
 * detects the processor's features.
 */
#include "crypto/aead_static.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

void ChaCha20_ctr32(unsigned char *out, const unsigned char *in, size_t len,
	const unsigned int key[8], const unsigned int counter[4]);
size_t Poly1305_ctx_size(void);
void Poly1305_Init(void *ctx, const unsigned char key[32]);
void Poly1305_Update(void *ctx, const unsigned char *in, size_t len);
void Poly1305_Final(void *ctx, unsigned char mac[16]);

#define BLOCK	 64
#define HEAD_MAX (32 * BLOCK - BLOCK)
#define TAIL_MAX 32 /* padding to 16, then two lengths of 8 */
#define POLY_MAX 512

struct work {
	uint8_t in[BLOCK + HEAD_MAX + TAIL_MAX];  /* zeros, then the head of the text */
	uint8_t out[BLOCK + HEAD_MAX + TAIL_MAX]; /* key block, then the head after the cipher */
	uint8_t poly[POLY_MAX];
	void *memory; /* the allocation that holds this struct, aligned */
};

static void static_close(void *state)
{
	struct work *w = state;

	if (w)
		OPENSSL_clear_free(w->memory, sizeof(*w) + BLOCK);
}

static int static_open_state(void **ret_state)
{
	uint8_t *memory;
	struct work *w;

	if (Poly1305_ctx_size() > POLY_MAX)
		return -ENOTSUP;
	memory = OPENSSL_zalloc(sizeof(*w) + BLOCK);
	if (!memory)
		return -ENOMEM;
	w = (void *)(memory + (-(uintptr_t)memory & (BLOCK - 1)));
	w->memory = memory;
	*ret_state = w;
	return 0;
}

/* Write the bytes that follow `len` bytes of text under the tag: zeros to a multiple of 16, then
 * both lengths. Return: the number of bytes written. */
static size_t tail_write(uint8_t *tail, size_t aad_len, size_t len)
{
	size_t pad = -len & 15;

	memset(tail, 0, pad);
	store_le64(tail + pad, aad_len);
	store_le64(tail + pad + 8, len);
	return pad + 16;
}

static void cipher(
	const struct aead_call *c, uint32_t block, uint8_t *dst, const uint8_t *src, size_t len)
{
	const unsigned int counter[4] = { block, 0, (uint32_t)c->counter,
		(uint32_t)(c->counter >> 32) };
	unsigned int key[8];

	memcpy(key, c->key, sizeof(key));
	ChaCha20_ctr32(dst, src, len, key, counter);
	secret_wipe(key, sizeof(key));
}

/* Compute the tag over the associated data and a ciphertext whose first `head` bytes lie in working
 * memory with room behind them, and whose rest is at `rest`. */
static void authenticate(struct work *w, const struct aead_call *c, uint8_t *text, size_t head,
	const uint8_t *rest, uint8_t ret_tag[static AEAD_TAG_LEN])
{
	static const uint8_t zeros[16];
	uint8_t tail[TAIL_MAX];

	Poly1305_Init(w->poly, w->out);
	secret_wipe(w->out, BLOCK);
	if (c->aad_len) {
		Poly1305_Update(w->poly, c->aad, c->aad_len);
		Poly1305_Update(w->poly, zeros, -c->aad_len & 15);
	}
	if (head == c->len) {
		Poly1305_Update(w->poly, text, head + tail_write(text + head, c->aad_len, head));
	} else {
		Poly1305_Update(w->poly, text, head);
		Poly1305_Update(w->poly, rest, c->len - head);
		Poly1305_Update(w->poly, tail, tail_write(tail, c->aad_len, c->len));
	}
	Poly1305_Final(w->poly, ret_tag);
}

static void static_seal(void *state, const struct aead_call *c)
{
	struct work *w = state;
	size_t head = size_min(c->len, HEAD_MAX);

	if (head)
		memcpy(w->in + BLOCK, c->src, head);
	cipher(c, 0, w->out, w->in, BLOCK + head);
	if (head)
		memcpy(c->dst, w->out + BLOCK, head);
	if (c->len > head)
		cipher(c, (uint32_t)(1 + head / BLOCK), c->dst + head, c->src + head,
			c->len - head);
	authenticate(w, c, w->out + BLOCK, head, c->dst + head, c->dst + c->len);
}

static int static_open(void *state, const struct aead_call *c)
{
	struct work *w = state;
	size_t head = size_min(c->len, HEAD_MAX);
	uint8_t tag[AEAD_TAG_LEN];

	if (head)
		memcpy(w->in + BLOCK, c->src, head);
	cipher(c, 0, w->out, w->in, BLOCK + head);
	authenticate(w, c, w->in + BLOCK, head, c->src + head, tag);
	if (CRYPTO_memcmp(tag, c->src + c->len, sizeof(tag)) != 0)
		return -EBADMSG;
	if (head)
		memcpy(c->dst, w->out + BLOCK, head);
	if (c->len > head)
		cipher(c, (uint32_t)(1 + head / BLOCK), c->dst + head, c->src + head,
			c->len - head);
	return 0;
}

const struct aead_provider aead_static = {
	.name = "libcrypto-static",
	.open_state = static_open_state,
	.close_state = static_close,
	.seal = static_seal,
	.open = static_open,
};
