/* SPDX-License-Identifier: MIT */
/* The sliding window of counters already seen (RFC 6479). */
#include "wg/replay.h"

#define WORD_BITS 64
#define WINDOW	  (WG_REPLAY_BITS - WORD_BITS) /* one word is always shared with the next round */

static uint64_t *word_of(struct wg_replay *r, uint64_t counter)
{
	return &r->bits[(counter / WORD_BITS) % WG_REPLAY_WORDS];
}

static uint64_t bit_of(uint64_t counter)
{
	return 1ULL << (counter % WORD_BITS);
}

bool wg_replay_check(const struct wg_replay *r, uint64_t counter)
{
	if (counter >= WG_REJECT_AFTER_MESSAGES)
		return false;
	if (counter >= r->next)
		return true;
	if (r->next - 1 - counter > WINDOW)
		return false;
	return !(r->bits[(counter / WORD_BITS) % WG_REPLAY_WORDS] & bit_of(counter));
}

/* Clear the words that the window advances over. */
static void advance(struct wg_replay *r, uint64_t counter)
{
	uint64_t from = r->next ? (r->next - 1) / WORD_BITS : 0;
	uint64_t words = counter / WORD_BITS - from;

	if (words > WG_REPLAY_WORDS)
		words = WG_REPLAY_WORDS;
	for (uint64_t i = 1; i <= words; i++)
		r->bits[(from + i) % WG_REPLAY_WORDS] = 0;
	r->next = counter + 1;
}

bool wg_replay_commit(struct wg_replay *r, uint64_t counter)
{
	if (!wg_replay_check(r, counter))
		return false;
	if (counter >= r->next)
		advance(r, counter);
	*word_of(r, counter) |= bit_of(counter);
	return true;
}
