/* SPDX-License-Identifier: MIT */
/* Pending inner packets, which wait for a handshake, in a pool that all peers share fairly. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "path/stats.h"

/*
 * Theory of operation
 *
 * A packet is stored in as many units of the pool as it needs: one, unless it is a jumbo packet.
 * If there are not enough units, the oldest packet of the queue with the most units is evicted
 * (base/pool.h). The units of a queue whose peer does not answer count PENDING_WEIGHT_UNANSWERED
 * times. So packets for peers that do not answer are evicted before packets for a peer with a new
 * handshake, down to a few packets each.
 */

/** Bytes of a packet in one unit. */
#define PENDING_UNIT 2024

/** The weight of a unit whose peer has not answered an initiation, or has no endpoint. */
#define PENDING_WEIGHT_UNANSWERED 16

/** One unit of the pool. */
struct pending_unit {
	struct pending_unit *more;  /* of the same packet, or NULL */
	struct pending_unit *next;  /* the first unit of the next packet; in first units only */
	uint32_t len;		    /* of the packet, likewise */
	bool l2tp;		    /* ours to fragment; else a packet from the TUN; likewise */
	struct path_port_tx *stats; /* of the port that it came from; likewise */
	uint8_t bytes[PENDING_UNIT];
};

/** The packets of one peer, the oldest first. Zeroed, then pending_queue_init(). */
struct pending_queue {
	struct pending_unit *first;
	struct pending_unit *last;
	unsigned count;
	struct pool_share share;
};

/** The pool. It must not move. */
struct pending_pool {
	struct pool pool;
	size_t packet_max;
	uint8_t *packet; /* packet_max bytes, to assemble a packet */
};

/** One waiting packet, read. */
struct pending_packet {
	const uint8_t *bytes; /* valid until the next packet is read or written */
	size_t len;
	bool l2tp;
	struct path_port_tx *stats; /* of the port that it came from */
};

/** Bytes of memory for pending_add_units() to raise the number of units from `have`, at first 0, by
 * `more`, of packets of up to `packet_max` bytes. */
size_t pending_memory(unsigned have, unsigned more, size_t packet_max);

/** Initialise a pool without units, for packets of up to `packet_max` bytes. */
void pending_init(struct pending_pool *s, size_t packet_max);

/** Give it `more` units in `memory`: pending_memory() bytes, aligned as malloc(3) does. Earlier
 * memory stays in use. */
void pending_add_units(struct pending_pool *s, void *memory, unsigned more);

/** Initialise an empty queue. */
void pending_queue_init(struct pending_queue *q);

/** Set whether the queue's peer answers: if not, its packets are evicted first. */
void pending_set_unanswered(struct pending_pool *s, struct pending_queue *q, bool unanswered);

/**
 * Find the queue to evict from before a packet of `len` bytes, 1 to packet_max, can be added to
 * `q`, which holds at most `max` packets. Return: the queue whose oldest packet has to be dropped
 * first (may be `q`): pending_drop() it, then call again; or NULL if there is room.
 */
struct pending_queue *pending_victim(
	const struct pending_pool *s, struct pending_queue *q, size_t len, unsigned max);

/** Append `packet` to `q`; its bytes may be s->packet. pending_victim() must have returned NULL
 * before. */
void pending_push(
	struct pending_pool *s, struct pending_queue *q, const struct pending_packet *packet);

/** Read the oldest packet of the queue; it stays in the queue. Return: false if there is none. */
bool pending_first(
	const struct pending_pool *s, const struct pending_queue *q, struct pending_packet *ret);

/** Whether the queue is empty. */
static inline bool pending_is_empty(const struct pending_queue *q)
{
	return !q->first;
}

/** Free the oldest packet of the queue, which must have one. */
void pending_pop(struct pending_pool *s, struct pending_queue *q);

/** Free the oldest packet of the queue unsent: its port counts a drop. */
void pending_drop(struct pending_pool *s, struct pending_queue *q);

/** Free all packets of the queue unsent; their ports count drops. Return: how many. */
unsigned pending_clear(struct pending_pool *s, struct pending_queue *q);

/** Free those packets of the queue that came from the port of `stats`, which counts drops. Return:
 * how many. */
unsigned pending_clear_port(
	struct pending_pool *s, struct pending_queue *q, const struct path_port_tx *stats);
