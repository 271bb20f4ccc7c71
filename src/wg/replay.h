/* SPDX-License-Identifier: MIT */
/* The sliding window of counters already seen (RFC 6479). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wg/messages.h"

#define WG_REPLAY_WORDS (WG_REPLAY_BITS / 64)
#define WG_LOST_WORDS	16 /* of the window; a counter missing behind them is lost: 1024 or more */

/**
 * How the messages of a session arrived: exact, as the sender counts them from 0. The counters only
 * rise. A counter is `lost` once a counter at least 1024 (at most 1087) higher was received and it
 * was not, or when the session ends. If its message arrives after that, it is accepted within the
 * replay window, and is `late`: so lost − late messages were not delivered. One that arrives behind
 * a higher counter, but before it is lost, is `reordered`. What was sent after the last message
 * that arrived in a session is not known, and in no number.
 */
struct wg_arrivals {
	uint64_t received;  /* accepted, and not seen before; late and reordered ones, too */
	uint64_t lost;	    /* did not arrive in time */
	uint64_t reordered; /* arrived after a later one */
	uint64_t late;	    /* arrived after all, when they had been counted as lost */
};

/**
 * The window: a ring of words, of which one is always being cleared, so that WG_REPLAY_BITS − 64
 * counters behind the newest are accepted. All zero is an empty window. Source: RFC 6479 §2.
 */
struct wg_replay {
	uint64_t next; /* newest counter seen, plus 1 */
	struct wg_arrivals arrivals;
	uint64_t bits[WG_REPLAY_WORDS];
};

/** Whether a message with this counter could still be accepted; checked before the message is
 * decrypted. */
bool wg_replay_check(const struct wg_replay *r, uint64_t counter);

/** Record the counter of an authentic message. Return: false if it was seen before or is too
 * old. */
bool wg_replay_commit(struct wg_replay *r, uint64_t counter);

/** Add how messages have arrived so far. `ended`: no more will, so what is missing is lost. */
void wg_replay_sum(const struct wg_replay *r, bool ended, struct wg_arrivals *sum);
/** Make a window that accepts counters from `next` on only. */
void wg_replay_restore(struct wg_replay *r, uint64_t next);
