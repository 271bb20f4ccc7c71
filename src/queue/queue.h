/* SPDX-License-Identifier: MIT */
/* FQ-CoDel: frames wait here, before they are sealed, for a link that is slower than their senders.
 * Source: RFC 8290. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/must_check.h"
#include "base/pool.h"
#include "pkt/drop.h"
#include "queue/codel.h"
#include "queue/delay.h"
#include "queue/round.h"
#include "queue/shaper.h"

/*
 * Theory of operation
 *
 * Peers take turns, and within each peer its flows (queue/flow.h), by deficit round robin. Peers
 * and flows that had nothing to send come first, so that a frame of a sparse flow (a ping, a DNS
 * query, a key press) leaves with the next opportunity. Each flow has its own CoDel: frames that
 * waited longer than 5 ms for 100 ms are marked CE if their IP packet allows it, else dropped, at
 * an increasing frequency.
 *
 * A flow exists while it is in its peer's round. It is found by the peer and a hash of 32 bits, in
 * a table with chains, so flows do not share queues by collision. If all flows are in use, further
 * ones of a peer share one.
 *
 * Frames are copied into units of a pool. If it is full, the flow with the most units loses its
 * oldest frame. A peer whose own rate is limited (`limit`) pauses in a list until it may send.
 *
 * It does not: know how much the link takes. The caller takes frames when they can leave.
 */

/** Units of memory, of QUEUE_UNIT bytes of a frame each. */
#define QUEUE_UNITS 2048
#define QUEUE_UNIT  2000

/** Flows at the same time, and chains of the table in which they are found. */
#define QUEUE_FLOWS  1024
#define QUEUE_CHAINS 1024

/** One unit of the pool. Except for `more` and the bytes, only a frame's first unit is used. */
struct queue_unit {
	struct queue_unit *more; /* of the same frame, or NULL */
	struct queue_unit *next; /* the first unit of the flow's next frame */
	struct mono since;
	void *port;
	uint64_t *dropped;
	uint32_t len;
	uint32_t wire;
	bool ethernet;
	uint8_t bytes[QUEUE_UNIT];
};

/** One flow. */
struct queue_flow {
	struct round_entry turn; /* in its peer's `flows` */
	struct queue_peer *peer;
	struct queue_flow *chain; /* the next one of the chain, or of those not in use */
	uint32_t hash;
	struct queue_unit *first;
	struct queue_unit *last;
	size_t bytes;
	struct codel codel;
	struct pool_share share;
};

/** Counters of a peer. */
struct queue_stats {
	uint64_t packets; /* that have left the queue to be sent */
	uint64_t dropped;
	uint64_t marked;
};

/** What waits for one peer. Zeroed, then queue_peer_init(). */
struct queue_peer {
	struct round_entry turn; /* in queue.peers or queue.paused */
	struct round flows;
	struct queue_flow rest; /* of flows for which there was no room in the table */
	struct shaper limit;	/* of the rate to this peer */
	size_t bytes;		/* that wait */
	unsigned count;		/* frames that wait */
	struct queue_stats stats;
	struct delay delay;
};

/** A frame for the queue, or from it. */
struct queue_frame {
	const uint8_t *bytes;
	size_t len;
	bool ethernet;	   /* else an IP packet */
	size_t wire;	   /* bytes that the link has to carry for it */
	void *port;	   /* the caller's: where it came from */
	uint64_t *dropped; /* incremented if it is dropped: may be NULL */
};

/** All that waits. It must not move. */
struct queue {
	struct round peers;
	struct list paused; /* peers whose limit does not let them send yet */
	struct mono due;    /* the first of them may; MONO_NEVER: none pauses */
	unsigned count;	    /* frames that wait */
	struct pool pool;
	struct queue_flow *flows; /* QUEUE_FLOWS */
	struct queue_flow *unused;
	struct queue_flow *chains[QUEUE_CHAINS];
	struct queue_unit *taken; /* the frame that queue_take() returned last, or NULL */
	uint8_t *assembled;	  /* packet_max bytes, for a frame of several units */
	size_t packet_max;
	struct hash_key key;
	struct drop_counters *drops;
};

/** Bytes of memory that queue_init() needs for frames of up to `packet_max` bytes. */
size_t queue_memory(size_t packet_max);

/** Initialise an empty queue in `memory`, aligned as by malloc(3). Drops are counted in `drops`. */
void queue_init(struct queue *q, void *memory, size_t packet_max, const struct rng *rng,
	struct drop_counters *drops);

/** Initialise a peer for which nothing waits. */
void queue_peer_init(struct queue_peer *p);

/** Append a frame of 1 to packet_max bytes for a peer; frames of the largest flow are dropped for
 * it if necessary. */
void queue_push(
	struct queue *q, struct queue_peer *p, const struct queue_frame *frame, struct mono now);

/**
 * Take the frame that is next, of a peer that may send. Return: the peer, with the frame in `ret`,
 * valid until the next call of a function of this file; NULL if there is none.
 */
MUST_CHECK struct queue_peer *queue_take(struct queue *q, struct mono now, struct queue_frame *ret);

/** Limit the rate to the peer, in bytes per second on the wire; 0: no limit. */
void queue_limit(struct queue *q, struct queue_peer *p, uint64_t rate);

/** Drop what waits for a peer and came from `port`; NULL: all, and the peer's memory is the
 * caller's again. */
void queue_clear(struct queue *q, struct queue_peer *p, const void *port);

/** Whether every peer for which frames wait pauses. */
static inline bool queue_is_paused(const struct queue *q)
{
	return list_is_empty(&q->peers.fresh) && list_is_empty(&q->peers.old);
}

/** Whether nothing waits. */
static inline bool queue_is_empty(const struct queue *q)
{
	return !q->count;
}
