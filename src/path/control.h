/* SPDX-License-Identifier: MIT */
/* All messages except data: handshakes, timers, keepalives; and sending of pending packets. */
#ifndef PATH_CONTROL_H
#define PATH_CONTROL_H

#include "path/engine.h"

/** Queue actions (a set of enum wg_action) for a peer; control_pump() runs them. 0 is allowed. */
void control_note(struct engine *e, struct path_peer *peer, unsigned actions);

/** Set the peer's endpoint (configuration, UAPI or DNS) and mark its path MTU unknown;
 * control_timers() then sends what is due. */
void control_move(struct engine *e, struct path_peer *peer, const struct endpoint *to);

/** Process a message that is not data. The caller ensures room for one reply in tx.out.heads. */
void control_handshake(
	struct engine *e, const uint8_t *msg, size_t len, const struct endpoint *from);

/** Run all timers that are due. */
void control_timers(struct engine *e);

/**
 * Run the queued actions: send initiations, keepalives and pending packets. Return: true when all
 * is done; false: send and reset the trains, and call again.
 */
bool control_pump(struct engine *e);

#endif
