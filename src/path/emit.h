/* SPDX-License-Identifier: MIT */
/* Emit: seal inner packets into datagrams, fragmented if necessary, and append these to trains. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "crypto/aead.h"
#include "l2tp/fragment.h"
#include "path/path_peer.h"
#include "path/stats.h"
#include "pkt/drop.h"
#include "pkt/train.h"

/*
 * Theory of operation
 *
 * Every datagram with data, a keepalive or a probe is sealed here: reserve a counter, seal in
 * place, append to a train, account. If a packet fits into one datagram, the caller writes it to
 * emit_place() and emit_placed() seals it. A packet of a session that does not fit is sent in
 * fragments: the last one is queued in `tails`, the others in `heads`. The heads of a batch are
 * equally long, and so are the tails, so each queue is sent as trains. If there are tails, whole
 * packets are queued behind them, so that none overtakes a fragmented one.
 */

/** Trains to be sent, and the state for sealing. Each lane that sends has its own. */
struct emit {
	struct train_queue heads; /* sent first */
	struct train_queue tails; /* last fragments, and packets that must not overtake them */
	unsigned fragmented;	  /* packets whose heads are in `heads` */
	struct aead_ctx *aead;
	_Atomic uint32_t *fragment_id; /* the engine's: see fragment_plan() */
	struct lane_counters *counters;
};

/** The destination of datagrams, and the sum of those that were sealed. */
struct emit_flow {
	struct path_peer *peer;
	struct wg_keypair *kp;
	unsigned train_max; /* datagrams in a train at most */
	uint64_t bytes;	    /* UDP payload sealed so far */
	size_t largest;	    /* plaintext of the largest, padded */
};

/** A flow to a peer under `kp` from which nothing was sent yet. */
static inline struct emit_flow emit_flow_to(struct path_peer *peer, struct wg_keypair *kp)
{
	return (struct emit_flow){ .peer = peer, .kp = kp, .train_max = peer->train_max };
}

/** Discard the trains after they have been sent. */
void emit_reset(struct emit *em);

/** The largest inner packet that is sent to the peer in one piece. */
unsigned emit_whole_max(const struct path_peer *peer);

/** Whether an inner packet of `len` bytes is longer than any datagram can carry. */
bool emit_is_oversized(const struct path_peer *peer, size_t len);

/** Where to write an inner packet of `len` bytes that is sent in one piece; NULL if there is no
 * room. */
uint8_t *emit_place(struct emit *em, size_t len);

/** Seal the packet that was written to emit_place(). A session key that is used up is a drop. */
void emit_placed(struct emit *em, struct emit_flow *flow, size_t len);

/**
 * Plan the fragments of a packet of a session, of `len` bytes, which is longer than
 * emit_whole_max().
 * Return: 0; -ENOBUFS if there is no room for them now; another -errno if it cannot be sent.
 */
MUST_CHECK int emit_plan(const struct emit *em, const struct path_peer *peer, uint16_t family,
	size_t len, struct fragment_plan *ret);

/** Seal `packet` in the fragments that emit_plan() has planned. `stats`: of the port that it came
 * from. */
void emit_fragments(struct emit *em, struct emit_flow *flow, struct path_port_tx *stats,
	const uint8_t *packet, const struct fragment_plan *plan);

/**
 * Seal a complete inner packet; one of a session (`l2tp`) leaves in fragments if need be. `stats`:
 * of the port that it came from. Return: 0; -ENOBUFS if there is no room now; another -errno if it
 * cannot be sent. Nothing was done then.
 */
MUST_CHECK int emit_packet(struct emit *em, struct emit_flow *flow, struct path_port_tx *stats,
	const uint8_t *packet, size_t len, bool l2tp);

/**
 * Seal a datagram of exactly `padded` bytes of plaintext, of which the first `len` were written
 * behind the header's place at train_tail(heads): a keepalive (0, 0) or a probe. The caller has
 * checked train_has_room(). Return: false if the session key is used up.
 */
MUST_CHECK bool emit_exact(struct emit *em, struct emit_flow *flow, size_t len, size_t padded);
