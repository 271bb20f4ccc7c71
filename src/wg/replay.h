/* SPDX-License-Identifier: MIT */
/* The sliding window of counters already seen (RFC 6479). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wg/messages.h"

#define WG_REPLAY_WORDS (WG_REPLAY_BITS / 64)

/**
 * The window: a ring of words, of which one is always being cleared, so that WG_REPLAY_BITS − 64
 * counters behind the newest are accepted. All zero is an empty window. Source: RFC 6479 §2.
 */
struct wg_replay {
	uint64_t next; /* newest counter seen, plus 1 */
	uint64_t bits[WG_REPLAY_WORDS];
};

/** Whether a message with this counter could still be accepted; checked before the message is
 * decrypted. */
bool wg_replay_check(const struct wg_replay *r, uint64_t counter);

/** Record the counter of an authentic message. Return: false if it was seen before or is too
 * old. */
bool wg_replay_commit(struct wg_replay *r, uint64_t counter);
