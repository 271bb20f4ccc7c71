/* SPDX-License-Identifier: MIT */
/* ChaCha20-Poly1305 composed of separate ChaCha20 and Poly1305, with one cipher call per text.
 *
 * Theory of operation. A library's ChaCha20-Poly1305 usually enciphers the block that becomes the
 * Poly1305 key in a call of its own. The vector code processes 4 to 16 blocks at a time, so that
 * block is almost free if it precedes the text: zeros[64] || text is enciphered from counter 0 in
 * one call, and the result is key block || ciphertext. This copies the text through working memory,
 * which costs a tenth of what it saves; text beyond HEAD_MAX (more than a datagram carries on a
 * usual path) goes through a second call, uncopied. Padding and lengths are written behind the text
 * in working memory, so that one call authenticates all.
 */
#include "crypto/aead_parts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

#define BLOCK	 64
#define HEAD_MAX (32 * BLOCK - BLOCK)
#define TAIL_MAX 32 /* padding to 16, then two lengths of 8 */

struct work {
	uint8_t in[BLOCK + HEAD_MAX + TAIL_MAX];  /* zeros, then the head of the text */
	uint8_t out[BLOCK + HEAD_MAX + TAIL_MAX]; /* key block, then the head after the cipher */
	const struct aead_primitives *p;
	void *state;  /* the primitives' */
	void *memory; /* the allocation that holds this struct, aligned */
};

void aead_parts_close_state(void *state)
{
	struct work *w = state;

	if (!w)
		return;
	w->p->close_state(w->state);
	OPENSSL_clear_free(w->memory, sizeof(*w) + BLOCK);
}

int aead_parts_open_state(const struct aead_primitives *p, void **ret_state)
{
	uint8_t *memory = OPENSSL_zalloc(sizeof(struct work) + BLOCK);
	struct work *w;
	int err;

	if (!memory)
		return -ENOMEM;
	w = (void *)(memory + (-(uintptr_t)memory & (BLOCK - 1)));
	w->memory = memory;
	w->p = p;
	err = p->open_state(&w->state);
	if (err < 0) {
		OPENSSL_free(memory);
		return err;
	}
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

/* Encipher from the `block`th block of the keystream on. */
static void cipher(const struct work *w, const struct aead_call *c, uint32_t block, uint8_t *dst,
	const uint8_t *src, size_t len)
{
	uint8_t iv[16] = { 0 };

	store_le32(iv, block);
	store_le64(iv + 8, c->counter);
	w->p->cipher(w->state, c->key, iv, dst, src, len);
}

/* Compute the tag over the associated data and a ciphertext whose first `head` bytes lie in working
 * memory with room behind them, and whose rest is at `rest`. */
static void authenticate(struct work *w, const struct aead_call *c, uint8_t *text, size_t head,
	const uint8_t *rest, uint8_t ret_tag[static AEAD_TAG_LEN])
{
	static const uint8_t zeros[16];
	uint8_t tail[TAIL_MAX];

	w->p->mac_begin(w->state, w->out);
	secret_wipe(w->out, BLOCK);
	if (c->aad_len) {
		w->p->mac_add(w->state, c->aad, c->aad_len);
		w->p->mac_add(w->state, zeros, -c->aad_len & 15);
	}
	if (head == c->len) {
		w->p->mac_add(w->state, text, head + tail_write(text + head, c->aad_len, head));
	} else {
		w->p->mac_add(w->state, text, head);
		w->p->mac_add(w->state, rest, c->len - head);
		w->p->mac_add(w->state, tail, tail_write(tail, c->aad_len, c->len));
	}
	w->p->mac_end(w->state, ret_tag);
}

void aead_parts_seal(void *state, const struct aead_call *c)
{
	struct work *w = state;
	size_t head = size_min(c->len, HEAD_MAX);

	if (head)
		memcpy(w->in + BLOCK, c->src, head);
	cipher(w, c, 0, w->out, w->in, BLOCK + head);
	if (head)
		memcpy(c->dst, w->out + BLOCK, head);
	if (c->len > head)
		cipher(w, c, (uint32_t)(1 + head / BLOCK), c->dst + head, c->src + head,
			c->len - head);
	authenticate(w, c, w->out + BLOCK, head, c->dst + head, c->dst + c->len);
}

int aead_parts_open(void *state, const struct aead_call *c)
{
	struct work *w = state;
	size_t head = size_min(c->len, HEAD_MAX);
	uint8_t tag[AEAD_TAG_LEN];

	if (head)
		memcpy(w->in + BLOCK, c->src, head);
	cipher(w, c, 0, w->out, w->in, BLOCK + head);
	authenticate(w, c, w->in + BLOCK, head, c->src + head, tag);
	if (CRYPTO_memcmp(tag, c->src + c->len, sizeof(tag)) != 0)
		return -EBADMSG;
	if (head)
		memcpy(c->dst, w->out + BLOCK, head);
	if (c->len > head)
		cipher(w, c, (uint32_t)(1 + head / BLOCK), c->dst + head, c->src + head,
			c->len - head);
	return 0;
}
