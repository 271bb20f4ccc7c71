/* SPDX-License-Identifier: MIT */
/* Trains: contiguous runs of equal-sized datagrams to one endpoint, the last possibly shorter;
 * each is sent by one sendmsg with UDP_SEGMENT. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Maximum of datagrams in a train. Source: UDP_MAX_SEGMENTS, Linux include/linux/udp.h (64 until
 * 6.9, 128 since). */
#define TRAIN_SEGMENTS_MAX 64

/** Maximum of bytes in a train: the largest IPv4 UDP payload. */
#define TRAIN_BYTES_MAX 65507

/** Maximum of trains in one queue. */
#define TRAINS_MAX 256

/** One train: `count` datagrams of `stride` bytes (the last: the remainder of `len`) at `base`. */
struct train {
	uint8_t *base;
	uint32_t len;
	uint16_t stride;
	uint16_t count;
	uint8_t tos;   /* outer DSCP and ECN */
	uint8_t ttl;   /* or IPv6 hop limit; 0: system default */
	bool open;     /* may still grow */
	bool captured; /* the owner's: was copied to a capture */
	struct endpoint to;
};

/** Trains in sending order, contiguous in an arena that the caller owns. */
struct train_queue {
	uint8_t *arena;
	size_t cap;
	size_t used;
	size_t n;
	struct train trains[TRAINS_MAX];
};

/** Initialise an empty queue over `arena[cap]`. */
void train_queue_init(struct train_queue *q, uint8_t *arena, size_t cap);

/** Discard all trains. */
void train_queue_reset(struct train_queue *q);

/** Whether `count` more datagrams of `bytes` in total fit, whatever their sizes and endpoints. */
bool train_has_room(const struct train_queue *q, size_t count, size_t bytes);

/** Where to write the next datagram: the arena's tail. The caller has checked train_has_room(). */
uint8_t *train_tail(struct train_queue *q);

/** Append the datagram of `len` bytes that was written at train_tail(): extends the last train or
 * starts a new one. */
void train_append(struct train_queue *q, size_t len, const struct endpoint *to, uint8_t tos);

/** As train_append(), but a train may have at most `most` datagrams. */
void train_append_most(
	struct train_queue *q, size_t len, const struct endpoint *to, uint8_t tos, unsigned most);

/** Close the last train, if there is one: the next datagram starts another train. */
void train_close(struct train_queue *q);

/** Close the last train and send it with this TTL or hop limit. A router that coalesces packets of
 * a flow (GRO) coalesces only packets with the same TTL, so the train also stays separate on the
 * path. */
void train_close_with_ttl(struct train_queue *q, uint8_t ttl);
