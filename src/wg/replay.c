/* SPDX-License-Identifier: MIT */
/* The sliding window of counters already seen (RFC 6479). */
#include "wg/replay.h"

#include <string.h>

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

/* The first word whose missing counters are not lost yet, if the newest counter is in `word`. */
static uint64_t first_open(uint64_t word)
{
	return word < WG_LOST_WORDS ? 0 : word - WG_LOST_WORDS + 1;
}

/* The number of 1 bits, without the call to libgcc that a builtin would be on old CPUs. */
static unsigned count_bits(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)(bits * 0x0101010101010101 >> 56);
}

/* The number of counters missing in the words from `first` up to `end`. */
static uint64_t missing(const struct wg_replay *r, uint64_t first, uint64_t end)
{
	uint64_t n = 0;

	for (uint64_t word = first; word < end; word++)
		n += count_bits(~r->bits[word % WG_REPLAY_WORDS]);
	return n;
}

/* Count what is lost when the newest counter moves from the word `from` to a later one. */
static void count_lost(struct wg_replay *r, uint64_t from, uint64_t to)
{
	uint64_t end = first_open(to);
	uint64_t known = end < from + 1 ? end : from + 1; /* no counter was seen beyond */

	r->arrivals.lost += missing(r, first_open(from), known) + (end - known) * WORD_BITS;
}

/* Clear the words that the window advances over. */
static void advance(struct wg_replay *r, uint64_t counter)
{
	uint64_t from = r->next ? (r->next - 1) / WORD_BITS : 0;
	uint64_t words = counter / WORD_BITS - from;

	if (words > 0)
		count_lost(r, from, from + words);
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
	else if (counter / WORD_BITS < first_open((r->next - 1) / WORD_BITS))
		r->arrivals.late++;
	else
		r->arrivals.reordered++;
	r->arrivals.received++;
	*word_of(r, counter) |= bit_of(counter);
	return true;
}

void wg_replay_sum(const struct wg_replay *r, bool ended, struct wg_arrivals *sum)
{
	sum->received += r->arrivals.received;
	sum->lost += r->arrivals.lost;
	sum->reordered += r->arrivals.reordered;
	sum->late += r->arrivals.late;
	if (ended && r->next) {
		uint64_t end = (r->next - 1) / WORD_BITS + 1;

		sum->lost += missing(r, first_open(end - 1), end) - (end * WORD_BITS - r->next);
	}
}

void wg_replay_restore(struct wg_replay *r, uint64_t next)
{
	*r = (struct wg_replay){ .next = next };
	if (!next)
		return;
	memset(r->bits, 0xff, sizeof(r->bits));
	/* later counters of the same word are accepted in any order */
	*word_of(r, next - 1) = UINT64_MAX >> (WORD_BITS - 1 - (next - 1) % WORD_BITS);
}
