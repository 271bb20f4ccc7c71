/* SPDX-License-Identifier: MIT */
/* X25519: key pairs and the Diffie-Hellman function of the handshake. */
#include "crypto/x25519.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
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

int x25519_dh(const uint8_t private_key[static X25519_LEN],
	const uint8_t public_key[static X25519_LEN], uint8_t ret_shared[static X25519_LEN])
{
	EVP_PKEY *ours =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, X25519_LEN);
	EVP_PKEY *theirs =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, X25519_LEN);
	EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	uint8_t shared[X25519_LEN];
	size_t len = sizeof(shared);
	int err = -ENOMEM;

	if (!theirs || !ctx || EVP_PKEY_derive_init(ctx) != 1 ||
		EVP_PKEY_derive_set_peer(ctx, theirs) != 1)
		goto out;
	/* The library refuses an all-zero result itself; our own look is for versions that do not.
	 */
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
