/* SPDX-License-Identifier: MIT */
/* Nanoseconds of the components of a handshake: the cost of a flood of initiations before and after
 * mac1. */
#include <stdio.h>

#include "stopwatch.h"
#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/x25519.h"

struct job {
	struct blake2s b;
	struct aead_ctx aead;
	uint8_t key[32];
	uint8_t other[32];
	uint8_t out[32];
	uint8_t message[148];
};

static void mac1(void *arg)
{
	struct job *j = arg;

	blake2s_mac(&j->b, j->key, 32, j->message, 116, j->out, 16);
}

static void mix_hash(void *arg)
{
	struct job *j = arg;

	blake2s_mix(&j->b, j->out, j->message, 32);
}

static void key_pair(void *arg)
{
	struct job *j = arg;

	kdf2(&j->b, j->key, j->message, 32, j->out);
}

static void hchacha(void *arg)
{
	struct job *j = arg;

	aead_xseal(&j->aead, j->key, j->message, j->message + 32, j->message + 32, 16, NULL, 0);
}

static void public_key(void *arg)
{
	struct job *j = arg;

	if (x25519_public(j->key, j->other))
		puts("no memory");
}

static void shared_secret(void *arg)
{
	struct job *j = arg;

	if (x25519_dh(j->key, j->other, j->out))
		puts("low order");
}

int main(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
		unsigned calls;
	} rows[] = {
		{ "mac1 of an initiation", mac1, 5000 },
		{ "MixHash of 32 bytes", mix_hash, 5000 },
		{ "KDF2", key_pair, 2000 },
		{ "cookie sealed (XChaCha20)", hchacha, 2000 },
		{ "X25519 public key", public_key, 100 },
		{ "X25519 shared secret", shared_secret, 100 },
	};
	static struct job j;

	if (blake2s_init(&j.b) || aead_init(&j.aead, NULL))
		return 1;
	for (size_t i = 0; i < sizeof(j.key); i++)
		j.key[i] = (uint8_t)(7 * i + 1);
	if (x25519_public(j.key, j.other))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("%-28s %8.0f ns\n", rows[i].name,
			stopwatch_best(rows[i].fn, &j, rows[i].calls));
	aead_fini(&j.aead);
	blake2s_fini(&j.b);
	return 0;
}
