/* SPDX-License-Identifier: MIT */
/* How fast the AEAD providers are on this host. */
#include "crypto/aead_speed.h"

#include "base/bug.h"

#define ROUNDS 12
#define CALLS  16 /* of seal and of open, in a round */

/* Nanoseconds of one call, on average over a round. */
static uint64_t round_ns(struct aead_ctx *ctx, struct mono (*now)(void), size_t len)
{
	static const uint8_t key[AEAD_KEY_LEN];
	uint8_t text[AEAD_SPEED_FULL + AEAD_TAG_LEN] = { 0 };
	struct mono start = now();

	for (uint64_t counter = 0; counter < CALLS; counter++) {
		aead_seal(ctx, key, counter, text, text, len, NULL, 0);
		ASSERT(aead_open(ctx, key, counter, text, text, len + AEAD_TAG_LEN, NULL, 0) == 0);
	}
	return mono_between(start, now()) / (2 * CALLS);
}

static uint64_t u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_faster(const struct aead_speed *a, const struct aead_speed *b)
{
	if (a->err || b->err)
		return !a->err && b->err;
	return a->small_ns + a->full_ns < b->small_ns + b->full_ns;
}

static void sort(struct aead_speed *speeds, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && is_faster(&speeds[j], &speeds[j - 1]); j--) {
			struct aead_speed slower = speeds[j - 1];

			speeds[j - 1] = speeds[j];
			speeds[j] = slower;
		}
}

size_t aead_measure(struct mono (*now)(void), struct aead_speed ret[static AEAD_PROVIDERS_MAX])
{
	struct aead_ctx ctxs[AEAD_PROVIDERS_MAX] = { 0 };
	size_t count = 0;

	for (const char *name; (name = aead_provider_name(count)) != NULL; count++)
		ret[count] = (struct aead_speed){
			.name = name,
			.err = aead_init(&ctxs[count], name),
			.small_ns = UINT64_MAX,
			.full_ns = UINT64_MAX,
		};
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < count; i++) {
			struct aead_speed *s = &ret[i];

			if (s->err)
				continue;
			s->small_ns =
				u64_min(s->small_ns, round_ns(&ctxs[i], now, AEAD_SPEED_SMALL));
			s->full_ns = u64_min(s->full_ns, round_ns(&ctxs[i], now, AEAD_SPEED_FULL));
		}
	for (size_t i = 0; i < count; i++)
		aead_fini(&ctxs[i]);
	sort(ret, count);
	return count;
}
