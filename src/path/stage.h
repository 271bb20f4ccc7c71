/* SPDX-License-Identifier: MIT */
/* Staging: inner packets that wait for a handshake, in a fixed pool that all peers share. */
#ifndef PATH_STAGE_H
#define PATH_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One waiting packet; its bytes follow it in the pool. */
struct stage_slot {
	struct stage_slot *next;
	uint32_t len;
	bool l2tp; /* ours to fragment; else a packet from the TUN */
};

/** The packets of one peer, oldest first. */
struct stage_queue {
	struct stage_slot *first;
	struct stage_slot *last;
	unsigned count;
};

/** The pool. */
struct stage {
	struct stage_slot *free;
	size_t packet_max;
};

/** Bytes of memory for a pool of `slots` packets of up to `packet_max` bytes. */
size_t stage_memory(size_t slots, size_t packet_max);

/** Make a pool in `memory`, aligned as malloc(3) does. */
void stage_init(struct stage *s, void *memory, size_t slots, size_t packet_max);

/** The packet's bytes. */
uint8_t *stage_bytes(struct stage_slot *slot);

/**
 * Room for one more packet at the end of `q`; the caller then fills stage_bytes(), `len` and
 * `l2tp`. Beyond `max` packets, or with an empty pool, the queue's oldest packet makes room.
 * Return: the slot, or NULL if the pool is empty and the queue, too. `ret_dropped` says whether one
 * made room.
 */
struct stage_slot *stage_push(
	struct stage *s, struct stage_queue *q, unsigned max, bool *ret_dropped);

/** The oldest packet of the queue, or NULL; it stays where it is. */
struct stage_slot *stage_first(const struct stage_queue *q);

/** Give back the oldest packet of the queue, which must have one. */
void stage_pop(struct stage *s, struct stage_queue *q);

/** Give back all packets of the queue. Return: how many. */
unsigned stage_clear(struct stage *s, struct stage_queue *q);

#endif
