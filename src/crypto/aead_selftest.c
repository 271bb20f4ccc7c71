/* SPDX-License-Identifier: MIT */
/* The self-test that an AEAD provider must pass before it is used. */
#include "crypto/aead_selftest.h"

#include <string.h>

#include "base/bytes.h"

#define TEXT_MAX 4200

/* Around the lengths at which vector code branches (1, 2, 4, 8, 16 blocks, with and without the
 * leading key block), whole datagrams, and more than a provider may process in one call. */
static const uint16_t text_lens[] = { 0, 1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128,
	129, 191, 192, 193, 255, 256, 257, 320, 447, 448, 449, 511, 512, 513, 576, 768, 959, 960,
	961, 1023, 1024, 1025, 1280, 1344, 1440, 1472, 1535, 1536, 1537, 1920, 1983, 1984, 1985,
	2047, 2048, 2049, 2999, 4095, 4096, 4097, TEXT_MAX };
static const uint16_t aad_lens[] = { 0, 12, 16, 32 };

struct texts {
	uint8_t plain[TEXT_MAX];
	uint8_t want[TEXT_MAX + AEAD_TAG_LEN];
	uint8_t got[TEXT_MAX + AEAD_TAG_LEN];
};

static void fill(uint8_t *out, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(seed >> 56);
	}
}

/* Compare one text. `c` is complete but for `src` and `dst`. */
static bool same(const struct aead_provider *p, void *state, const struct aead_provider *ref,
	void *ref_state, struct aead_call c, struct texts *t)
{
	size_t sealed = c.len + AEAD_TAG_LEN;

	c.src = t->plain;
	c.dst = t->want;
	ref->seal(ref_state, &c);
	c.dst = t->got;
	p->seal(state, &c);
	if (memcmp(t->got, t->want, sealed) != 0)
		return false;

	memcpy(t->got, t->plain, c.len);
	c.src = t->got;
	p->seal(state, &c);
	if (memcmp(t->got, t->want, sealed) != 0)
		return false;

	if (p->open(state, &c) != 0 || memcmp(t->got, t->plain, c.len) != 0)
		return false;

	c.src = t->want;
	t->want[c.len / 2] ^= 0x10;
	if (p->open(state, &c) == 0)
		return false;
	t->want[c.len / 2] ^= 0x10;
	t->want[sealed - 1] ^= 0x01;
	return p->open(state, &c) != 0;
}

bool aead_selftest(const struct aead_provider *p, void *state, const struct aead_provider *ref,
	void *ref_state)
{
	struct texts t;
	uint8_t key[AEAD_KEY_LEN], aad[32];

	fill(t.plain, sizeof(t.plain), 1);
	fill(key, sizeof(key), 2);
	fill(aad, sizeof(aad), 3);
	for (size_t i = 0; i < ARRAY_LEN(text_lens); i++)
		for (size_t a = 0; a < ARRAY_LEN(aad_lens); a++) {
			struct aead_call c = {
				.key = key,
				.counter = (i + 1) * 0x0102030405060708ULL,
				.len = text_lens[i],
				.aad = aad,
				.aad_len = aad_lens[a],
			};

			if (!same(p, state, ref, ref_state, c, &t))
				return false;
		}
	return true;
}
