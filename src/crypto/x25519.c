/* SPDX-License-Identifier: MIT */
/* X25519: key pairs and the Diffie-Hellman function of the handshake. */
#include "crypto/x25519.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/secret.h"

void x25519_clamp(uint8_t private_key[static X25519_LEN])
{
	private_key[0] &= 0xf8;
	private_key[31] = (uint8_t)((private_key[31] & 0x7f) | 0x40);
}

int x25519_public(
	const uint8_t private_key[static X25519_LEN], uint8_t ret_public[static X25519_LEN])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, X25519_LEN);
	size_t len = X25519_LEN;
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret_public, &len) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -ENOMEM;
}

/* A library object for `private_key` that is used for derivation only. From a private key alone the
 * library would compute the public key first, at the cost of a second multiplication; a derivation
 * never reads the public key, so zeros are passed instead. */
static EVP_PKEY *pkey_for_derive(const uint8_t private_key[static X25519_LEN])
{
	uint8_t priv[X25519_LEN];
	uint8_t pub[X25519_LEN] = { 0 };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, priv, sizeof(priv)),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, pub, sizeof(pub)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY *key = NULL;

	memcpy(priv, private_key, sizeof(priv));
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	secret_wipe(priv, sizeof(priv));
	return key;
}

int x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN])
{
	EVP_PKEY *ours = pkey_for_derive(private_key);
	EVP_PKEY *theirs =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, X25519_LEN);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	uint8_t shared[X25519_LEN];
	size_t len = sizeof(shared);
	int err = -ENOMEM;

	if (!theirs || !ctx || EVP_PKEY_derive_init(ctx) != 1 ||
		EVP_PKEY_derive_set_peer(ctx, theirs) != 1)
		goto out;
	/* The library rejects an all-zero result itself; this check is for versions that do not. */
	if (EVP_PKEY_derive(ctx, shared, &len) != 1 || secret_is_zero(shared, sizeof(shared))) {
		ERR_clear_error();
		err = -EINVAL;
		goto out;
	}
	memcpy(ret_shared, shared, sizeof(shared));
	err = 0;
out:
	secret_wipe(shared, sizeof(shared));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return err;
}
