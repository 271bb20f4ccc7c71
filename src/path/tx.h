/* SPDX-License-Identifier: MIT */
/* Transmit path: superframe → segments → L2TPv3 → fragments if need be → WireGuard → trains. */
#ifndef PATH_TX_H
#define PATH_TX_H

#include "path/engine.h"

/**
 * Start processing a superframe that was read from `port`: check it, plan its segments, find its
 * peer. A drop is counted. `frame` is borrowed until tx_continue() returns true. No other
 * superframe may be in progress.
 */
void tx_begin(struct engine *e, struct path_port *port, uint8_t *frame, size_t len,
	const struct offload *offload);

/**
 * Turn segments of the superframe in hand into datagrams.
 * Return: true when it is done (or there is none); false: send and reset the trains, and call
 * again.
 */
bool tx_continue(struct engine *e);

/**
 * Seal one inner packet for a peer and append it to the trains; one of ours that exceeds the wg MTU
 * leaves in fragments. `stats` are those of the port that it came from. Return: true; false if
 * there is no room: send and reset the trains, and call again.
 */
bool tx_packet(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	struct path_port_stats *stats, const uint8_t *packet, size_t len, bool l2tp);

/** Discard the trains after they have been sent. */
void tx_reset(struct engine *e);

#endif
