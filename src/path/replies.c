/* SPDX-License-Identifier: MIT */
/* Rate limit for replies to senders of packets that do not fit, with a guaranteed share for each
 * sender. */
#include "path/replies.h"

#include "base/bytes.h"

bool replies_take(struct replies *r, const struct hash_key *key, const uint8_t *addr, size_t n,
	struct mono now)
{
	uint32_t words[4] = { 0 };
	uint32_t place;

	memcpy(words, addr, size_min(n, sizeof(words)));
	place = hash_words(key, words, ARRAY_LEN(words)) & (REPLIES_PLACES - 1);
	return bucket_take(&r->own[place], now, NS_PER_S / REPLIES_OWN_PER_S, REPLIES_OWN_BURST) ||
	       bucket_take(&r->common, now, NS_PER_S / REPLIES_COMMON_PER_S, REPLIES_COMMON_BURST);
}
