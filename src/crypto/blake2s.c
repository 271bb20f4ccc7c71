/* SPDX-License-Identifier: MIT */
/* BLAKE2s: hash, keyed MAC, and HMAC. */
#include "crypto/blake2s.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/bug.h"
#include "base/secret.h"

int blake2s_init(struct blake2s *b)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);

	*b = (struct blake2s){ .hash = EVP_MD_CTX_new() };
	if (mac)
		b->mac = EVP_MAC_CTX_new(mac);
	if (md && b->hash && !EVP_DigestInit_ex2(b->hash, md, NULL)) {
		EVP_MD_CTX_free(b->hash);
		b->hash = NULL;
	}
	EVP_MD_free(md); /* the contexts hold their own references */
	EVP_MAC_free(mac);
	if (md && mac && b->hash && b->mac)
		return 0;
	blake2s_fini(b);
	return md && mac ? -ENOMEM : -ENOTSUP;
}

void blake2s_fini(struct blake2s *b)
{
	EVP_MD_CTX_free(b->hash);
	EVP_MAC_CTX_free(b->mac);
	*b = (struct blake2s){ 0 };
}

/* BLAKE2s-256(head || in). */
static void hash_two(struct blake2s *b, const void *head, size_t head_len, const void *in,
	size_t len, uint8_t ret_hash[static BLAKE2S_HASH_LEN])
{
	ASSERT(EVP_DigestInit_ex2(b->hash, NULL, NULL));
	if (head_len)
		ASSERT(EVP_DigestUpdate(b->hash, head, head_len));
	if (len)
		ASSERT(EVP_DigestUpdate(b->hash, in, len));
	ASSERT(EVP_DigestFinal_ex(b->hash, ret_hash, NULL));
}

void blake2s_hash(
	struct blake2s *b, const void *in, size_t len, uint8_t ret_hash[static BLAKE2S_HASH_LEN])
{
	hash_two(b, NULL, 0, in, len, ret_hash);
}

void blake2s_mix(
	struct blake2s *b, uint8_t hash[static BLAKE2S_HASH_LEN], const void *in, size_t len)
{
	hash_two(b, hash, BLAKE2S_HASH_LEN, in, len, hash);
}

void blake2s_mac(struct blake2s *b, const uint8_t *key, size_t key_len, const void *in, size_t len,
	uint8_t *ret_mac, size_t ret_len)
{
	size_t size = ret_len;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};

	ASSERT(EVP_MAC_init(b->mac, key, key_len, params));
	if (len)
		ASSERT(EVP_MAC_update(b->mac, in, len));
	ASSERT(EVP_MAC_final(b->mac, ret_mac, &size, ret_len) && size == ret_len);
}

void blake2s_forget(struct blake2s *b)
{
	static const uint8_t nothing[BLAKE2S_BLOCK_LEN];
	uint8_t hash[BLAKE2S_HASH_LEN];

	blake2s_hash(b, nothing, sizeof(nothing), hash);
	blake2s_mac(b, nothing, sizeof(hash), nothing, sizeof(nothing), hash, sizeof(hash));
}

void blake2s_hmac(struct blake2s *b, const uint8_t *key, size_t key_len, const void *in, size_t len,
	uint8_t ret_mac[static BLAKE2S_HASH_LEN])
{
	uint8_t pad[BLAKE2S_BLOCK_LEN] = { 0 };
	uint8_t inner[BLAKE2S_HASH_LEN];

	ASSERT(key_len <= sizeof(pad));
	if (key_len)
		memcpy(pad, key, key_len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	hash_two(b, pad, sizeof(pad), in, len, inner);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_two(b, pad, sizeof(pad), inner, sizeof(inner), ret_mac);
	secret_wipe(pad, sizeof(pad));
	secret_wipe(inner, sizeof(inner));
}
