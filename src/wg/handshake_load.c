/* SPDX-License-Identifier: MIT */
/* Load meter: whether handshakes arrive too fast to be answered without a cookie. */
#include "wg/handshake_load.h"

#include <string.h>

#include "base/bytes.h"

#define COST (NS_PER_S / WG_LOAD_PER_S)
#define FULL (WG_LOAD_BURST * COST)

void wg_load_init(struct wg_handshake_load *l, const struct rng *rng)
{
	memset(l, 0, sizeof(*l));
	hash_init(&l->key, rng);
}

/* Whether the source is within its own share. */
static bool is_within_share(struct wg_handshake_load *l, const struct ip_addr *src, struct mono now)
{
	const uint32_t words[] = { src->family, load_le32(src->bytes),
		src->family == AF_INET6 ? load_le32(src->bytes + 4) : 0 };
	uint32_t place = hash_words(&l->key, words, ARRAY_LEN(words)) & (WG_LOAD_PLACES - 1);

	return bucket_take(
		&l->places[place], now, NS_PER_S / WG_LOAD_SOURCE_PER_S, WG_LOAD_SOURCE_BURST);
}

bool wg_handshake_load_add(struct wg_handshake_load *l, const struct ip_addr *src, struct mono now)
{
	uint64_t drained = mono_between(l->updated, now);

	l->level_ns = l->level_ns > drained ? l->level_ns - drained : 0;
	l->updated = now;
	if (!is_within_share(l, src, now) && l->level_ns + COST > FULL / 2)
		return true;
	l->level_ns += COST;
	if (l->level_ns > FULL) {
		l->level_ns = FULL; /* refused messages cause no work */
		l->until = mono_add(now, WG_LOAD_HYSTERESIS);
	}
	return mono_before(now, l->until);
}
