/* SPDX-License-Identifier: MIT */
/* Limit the handshakes per source address while we are under load. */
#include "wg/ratelimit.h"

#include <string.h>

#include "base/bytes.h"

#define SET_SLOTS 8
#define COST	  (NS_PER_S / WG_RATELIMIT_PER_S)
#define FULL	  (WG_RATELIMIT_BURST * COST)

void wg_ratelimit_init(
	struct wg_ratelimit *r, struct wg_ratelimit_entry *slots, size_t cap, const struct rng *rng)
{
	memset(slots, 0, cap * sizeof(*slots));
	*r = (struct wg_ratelimit){ .slots = slots, .cap = cap };
	rng_fill(rng, r->key, sizeof(r->key));
}

/* The set of slots for the source; a keyed hash, so that no attacker can target a set. */
static struct wg_ratelimit_entry *set_of(
	struct blake2s *b, const struct wg_ratelimit *r, const uint8_t source[static 8])
{
	uint8_t hash[8];

	blake2s_mac(b, r->key, sizeof(r->key), source, 8, hash, sizeof(hash));
	return &r->slots[load_le64(hash) & (r->cap - 1) & ~(size_t)(SET_SLOTS - 1)];
}

/* The bucket's credit at `now`. */
static uint64_t tokens_at(const struct wg_ratelimit_entry *e, struct mono now)
{
	uint64_t tokens = e->tokens_ns + mono_between(e->seen, now);

	return tokens < FULL ? tokens : FULL;
}

/* Eviction priority, lowest first; EVICT_NEVER: not evictable. */
enum evict_class {
	EVICT_FREE,
	EVICT_IDLE,   /* its bucket has refilled */
	EVICT_RECENT, /* its bucket has refilled, but a peer has authenticated from it */
	EVICT_NEVER
};

static bool is_recent_peer(const struct wg_ratelimit_entry *e, struct mono now)
{
	return mono_before(now, e->recent);
}

static enum evict_class evict_class_of(const struct wg_ratelimit_entry *e, struct mono now)
{
	if (!e->family)
		return EVICT_FREE;
	if (tokens_at(e, now) < FULL)
		return EVICT_NEVER;
	return is_recent_peer(e, now) ? EVICT_RECENT : EVICT_IDLE;
}

static void source_of(const struct ip_addr *src, uint8_t ret[static 8])
{
	memset(ret, 0, 8);
	memcpy(ret, src->bytes, src->family == AF_INET ? 4 : 8);
}

/* The source's entry, or NULL; `ret_spare` is the entry to evict for it, or NULL. Unknown sources
 * do not evict recently authenticated ones, unless these occupy more than half of the set. */
static struct wg_ratelimit_entry *find(struct blake2s *b, const struct wg_ratelimit *r,
	const struct ip_addr *src, struct mono now, struct wg_ratelimit_entry **ret_spare)
{
	enum evict_class least = EVICT_NEVER;
	unsigned recent = 0;
	uint8_t source[8];
	struct wg_ratelimit_entry *set;

	source_of(src, source);
	set = set_of(b, r, source);
	*ret_spare = NULL;
	for (size_t i = 0; i < SET_SLOTS; i++) {
		struct wg_ratelimit_entry *e = &set[i];

		if (e->family == src->family && !memcmp(e->source, source, sizeof(e->source)))
			return e;
		recent += is_recent_peer(e, now);
		if (evict_class_of(e, now) < least) {
			least = evict_class_of(e, now);
			*ret_spare = e;
		}
	}
	if (least == EVICT_RECENT && recent <= SET_SLOTS / 2)
		*ret_spare = NULL;
	return NULL;
}

/* The source's entry, created if there is none; NULL if there is no room. */
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
	struct mono now, bool *ret_recent)
{
	struct wg_ratelimit_entry *e = entry_of(b, r, src, now);
	uint64_t tokens;

	*ret_recent = e && is_recent_peer(e, now);
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

void wg_ratelimit_authenticated(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	struct wg_ratelimit_entry *e = entry_of(b, r, src, now);

	if (e)
		e->recent = mono_add(now, WG_RECENT_NS);
}

bool wg_ratelimit_cookie(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now)
{
	struct wg_ratelimit_entry *spare, *e = find(b, r, src, now, &spare);

	return e && is_recent_peer(e, now) &&
	       bucket_take(&e->cookies, now, WG_RECENT_COOKIES_NS, WG_RECENT_COOKIES);
}
