/* SPDX-License-Identifier: MIT */
/* What an engine passes on to its successor when it ends as planned: see engine_is_quiet(). */
#pragma once

#include "path/engine.h"

/*
 * Theory of operation. The sessions of WireGuard are in memory that outlives the process
 * (wg/store.h), as they must be when it crashes. An engine that is replaced as planned can do more,
 * so that no frame is lost: it goes on until it is quiet, so that no packet is incomplete in its
 * memory, and then passes on what only it knows: which counters arrived in each session and
 * which may be sent next, where the sequence numbers of L2TP stand, and the counters of the peers.
 *
 * The text of this is for one version of one program on one host: numbers have the host's byte
 * order, and another version is ignored, which costs what a crash does. The successor checks all
 * that it reads, as an attacker may have had control of its predecessor.
 */

/** Another number for each layout. */
#define HANDOVER_VERSION 1

/**
 * Whether the engine has nothing in its own memory that would be lost with it: no incomplete
 * packet, no frame that waits for a slow link or a session, no datagram that the socket has not
 * taken, no handshake of a peer with a session. Call it between batches.
 */
bool engine_is_quiet(const struct engine *e);

/** Bytes that handover_write() needs at most. */
size_t handover_room(const struct engine *e);

/** Write what a successor needs. The engine must not send or receive afterwards: its successor uses
 * the counters from here on. Return: the bytes written. */
size_t handover_write(struct engine *e, uint8_t *ret);

/**
 * Continue as a predecessor has written, after wg_device_restore(). What contradicts the store, or
 * is about peers and sessions that the engine does not have, is left out.
 * Return: 0; -EPROTO: another version; or -EBADMSG: it is damaged, and what precedes the damage is
 * in use.
 */
MUST_CHECK int handover_read(struct engine *e, const uint8_t *bytes, size_t len);
