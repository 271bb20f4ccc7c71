/* SPDX-License-Identifier: MIT */
/* Trains: contiguous runs of equal datagrams to one endpoint, the last maybe shorter: what one
 * sendmsg with UDP_SEGMENT takes. */
#ifndef PKT_TRAIN_H
#define PKT_TRAIN_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most datagrams in a train. Source: UDP_MAX_SEGMENTS, Linux include/linux/udp.h (64 until 6.9,
 * 128 since). */
#define TRAIN_SEGMENTS_MAX 64

/** Most bytes in a train: the largest IPv4 UDP payload. */
#define TRAIN_BYTES_MAX 65507

/** Most trains in one queue. */
#define TRAINS_MAX 256

/** One train: `count` datagrams of `stride` bytes (the last: what remains of `len`) at `base`. */
struct train {
	uint8_t *base;
	uint32_t len;
	uint16_t stride;
	uint16_t count;
	uint8_t tos; /* outer DSCP and ECN */
	bool open;   /* may still grow */
	struct endpoint to;
};

/** Trains in the order of sending, one behind the other in an arena that the caller owns. */
struct train_queue {
	uint8_t *arena;
	size_t cap;
	size_t used;
	size_t n;
	struct train trains[TRAINS_MAX];
};

/** Make an empty queue over `arena[cap]`. */
void train_queue_init(struct train_queue *q, uint8_t *arena, size_t cap);

/** Forget all trains. */
void train_queue_reset(struct train_queue *q);

/** Whether `count` more datagrams of `bytes` in all surely fit, whatever their sizes and
 * endpoint. */
bool train_has_room(const struct train_queue *q, size_t count, size_t bytes);

/** Where the next datagram has to be written: the arena's tail. The caller has asked
 * train_has_room(). */
uint8_t *train_tail(struct train_queue *q);

/** Append the datagram of `len` bytes that was written at train_tail(): lengthens the last train or
 * begins one. */
void train_append(struct train_queue *q, size_t len, const struct endpoint *to, uint8_t tos);

#endif
