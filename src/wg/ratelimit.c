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

/* How sorry we would be to lose an entry, from 0; KEEP: it may not go. */
enum worth {
	FREE,
	AS_GOOD_AS_FREE, /* its bucket has filled up */
	VOUCHED,	 /* that, too, but a peer was heard from there */
	KEEP
};

static bool is_vouched(const struct wg_ratelimit_entry *e, struct mono now)
{
	return mono_before(now, e->vouched);
}

static enum worth worth_of(const struct wg_ratelimit_entry *e, struct mono now)
{
	if (!e->family)
		return FREE;
	if (tokens_at(e, now) < FULL)
		return KEEP;
	return is_vouched(e, now) ? VOUCHED : AS_GOOD_AS_FREE;
}

static void source_of(const struct ip_addr *src, uint8_t ret[static 8])
{
	memset(ret, 0, 8);
	memcpy(ret, src->bytes, src->family == AF_INET ? 4 : 8);
}

/* The source's entry, or NULL; `ret_spare` is the one to lose for it, or NULL. Strangers do not
 * push out those that are vouched for, unless these have more than half of the set. */
static struct wg_ratelimit_entry *find(struct blake2s *b, const struct wg_ratelimit *r,
	const struct ip_addr *src, struct mono now, struct wg_ratelimit_entry **ret_spare)
{
	enum worth least = KEEP;
	unsigned vouched = 0;
	uint8_t source[8];
	struct wg_ratelimit_entry *set;

	source_of(src, source);
	set = set_of(b, r, source);
	*ret_spare = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		struct wg_ratelimit_entry *e = &set[i];

		if (e->family == src->family && !memcmp(e->source, source, sizeof(e->source)))
			return e;
		vouched += is_vouched(e, now);
		if (worth_of(e, now) < least) {
			least = worth_of(e, now);
			*ret_spare = e;
		}
	}
	if (least == VOUCHED && vouched <= WAYS / 2)
		*ret_spare = NULL;
	return NULL;
}

/* The source's entry, made if there is none; NULL if there is no room. */
static struct wg_ratelimit_entry *entry_of(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	struct wg_ratelimit_entry *spare, *e = find(b, r, src, now, &spare);

	if (e || !spare)
		return e;
	*spare = (struct wg_ratelimit_entry){ .family = src->family, .tokens_ns = FULL };
	source_of(src, spare->source);
	spare->seen = now;
	return spare;
}

bool wg_ratelimit_allow(struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src,
	struct mono now, bool *ret_vouched)
{
	struct wg_ratelimit_entry *e = entry_of(b, r, src, now);
	uint64_t tokens;

	*ret_vouched = e && is_vouched(e, now);
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

void wg_ratelimit_vouch(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	struct wg_ratelimit_entry *e = entry_of(b, r, src, now);

	if (e)
		e->vouched = mono_add(now, WG_VOUCHED);
}

bool wg_ratelimit_cookie(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	struct wg_ratelimit_entry *spare, *e = find(b, r, src, now, &spare);

	return e && is_vouched(e, now) &&
	       bucket_take(&e->cookies, now, WG_VOUCHED_COOKIES_NS, WG_VOUCHED_COOKIES);
}
