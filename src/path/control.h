/* SPDX-License-Identifier: MIT */
/* All messages except data: handshakes, timers, keepalives; and sending of pending packets. */
#pragma once

#include "base/must_check.h"
#include "path/engine.h"

/** Set the peer's endpoint (configuration, UAPI or DNS) and mark its path MTU unknown;
 * control_timers() then sends what is due. */
void control_move(struct engine *e, struct path_peer *peer, const struct endpoint *to);

/** Run all timers that are due. */
void control_timers(struct engine *e);

/**
 * Read what the lanes have reported, process the messages that they keep for control, and run the
 * actions that follow: send initiations, keepalives and pending packets. Return: true when all is
 * done; false: send and reset the trains of control.out, and call again.
 */
MUST_CHECK bool control_pump(struct engine *e);
