/* SPDX-License-Identifier: MIT */
/* How many handshakes one source address may ask for while we are under load. */
#include "wg/ratelimit.h"

#include <string.h>

#include "base/bytes.h"

#define WAYS 8
#define COST (NS_PER_S / WG_RATELIMIT_PER_S)
#define FULL (WG_RATELIMIT_BURST * COST)

void wg_ratelimit_init(
	struct wg_ratelimit *r, struct wg_ratelimit_entry *slots, size_t cap, const struct rng *rng)
{
	memset(slots, 0, cap * sizeof(*slots));
	*r = (struct wg_ratelimit){ .slots = slots, .cap = cap };
	rng_fill(rng, r->key, sizeof(r->key));
}

/* The set of slots in which the source may be; keyed, so that nobody can aim at a set. */
static struct wg_ratelimit_entry *set_of(
	struct blake2s *b, const struct wg_ratelimit *r, const uint8_t source[static 8])
{
	uint8_t hash[8];

	blake2s_mac(b, r->key, sizeof(r->key), source, 8, hash, sizeof(hash));
	return &r->slots[load_le64(hash) & (r->cap - 1) & ~(size_t)(WAYS - 1)];
}

/* What the bucket holds at `now`. */
static uint64_t tokens_at(const struct wg_ratelimit_entry *e, struct mono now)
{
	uint64_t tokens = e->tokens_ns + mono_between(e->seen, now);

	return tokens < FULL ? tokens : FULL;
}

/* The source's bucket; or a free one, or a full one that is as good as free; or NULL. */
static struct wg_ratelimit_entry *bucket_of(
	struct wg_ratelimit_entry *set, const uint8_t *source, uint16_t family, struct mono now)
{
	struct wg_ratelimit_entry *spare = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct wg_ratelimit_entry *e = &set[i];

		if (e->family == family && !memcmp(e->source, source, sizeof(e->source)))
			return e;
		if (!e->family || tokens_at(e, now) == FULL)
			spare = e;
	}
	if (spare) {
		*spare = (struct wg_ratelimit_entry){ .family = family, .tokens_ns = FULL };
		memcpy(spare->source, source, sizeof(spare->source));
		spare->seen = now;
	}
	return spare;
}

bool wg_ratelimit_allow(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	uint8_t source[8] = { 0 };
	struct wg_ratelimit_entry *e;
	uint64_t tokens;

	memcpy(source, src->bytes, src->family == AF_INET ? 4 : 8);
	e = bucket_of(set_of(b, r, source), source, src->family, now);
	if (!e)
		return false;
	tokens = tokens_at(e, now);
	e->seen = now;
	e->tokens_ns = tokens;
	if (tokens < COST)
		return false;
	e->tokens_ns = tokens - COST;
	return true;
}
