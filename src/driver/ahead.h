/* SPDX-License-Identifier: MIT */
/* Superframes that were read ahead of their processing, so that those of sparse flows go first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "pkt/offload.h"
#include "tap/tap.h"

/*
 * Theory of operation
 *
 * If the engine is slower than the members, what they send waits in the queue of a TAP, and the
 * kernel knows no flows there: a ping waits behind megabytes of a TCP stream. So a port is read
 * until it is empty or all buffers are full. A short frame goes before the long superframes, unless
 * its own flow has some of them: so the order within a flow does not change. Of the long ones, one
 * is processed at a time; then the port is read again.
 *
 * While the engine is faster than the members, a port never has more than a frame or two. They are
 * processed at once, in the same buffers again, and no flow is looked for.
 *
 * It does not: separate flows that send no superframes, or limit what a flow has in the TAP.
 */

/** Most superframes that are read ahead, for all ports together. */
#define AHEAD_MAX 8

/** Longest frame in bytes that goes before superframes. */
#define AHEAD_SHORT 2048

struct driver_port;

/** A superframe with its buffer. */
struct ahead_frame {
	struct driver_port *port;
	struct offload offload;
	size_t len;
	uint8_t *buffer; /* TAP_BUFFER_LEN bytes, as tap_read() fills them */
	uint8_t *bytes;	 /* the frame in it */
	bool ethernet;
	bool hashed; /* `flow` is known */
	uint32_t flow;
	struct ahead_frame *next; /* in its list */
};

/** Frames in the order in which they were read. */
struct ahead_list {
	struct ahead_frame *first;
	struct ahead_frame *last;
};

/** What was read ahead. Created by ahead_init(). */
struct ahead {
	struct hash_key key;
	struct ahead_frame frames[AHEAD_MAX];
	struct ahead_frame *free; /* last in, first out, so that the same memory is used again */
	struct ahead_list sparse; /* to be processed first */
	struct ahead_list superframes; /* and other frames of their flows */
};

/** Bytes of memory that ahead_init() needs. */
#define AHEAD_MEMORY ((size_t)AHEAD_MAX * TAP_BUFFER_LEN)

/** Start with nothing read. `memory[AHEAD_MEMORY]` is borrowed; `key` is secret, against members
 * that choose flows with equal hashes. */
void ahead_init(struct ahead *a, uint8_t *memory, struct hash_key key);

/** Return: an unused buffer, the same until ahead_push() puts it into use; NULL: all are in use. */
struct ahead_frame *ahead_room(const struct ahead *a);

/** Put the frame of ahead_room() into use. Its port, offload, len, bytes[len] and ethernet are
 * filled. */
void ahead_push(struct ahead *a);

/** Take the next frame of a sparse flow, or NULL. The caller gives it back with ahead_free(). */
struct ahead_frame *ahead_take_sparse(struct ahead *a);

/** Take the oldest superframe, or NULL, likewise. If there are frames of sparse flows, take them
 * before. */
struct ahead_frame *ahead_take_superframe(struct ahead *a);

/** Return a frame's buffer. */
void ahead_free(struct ahead *a, struct ahead_frame *f);

/** Whether nothing waits. */
bool ahead_is_empty(const struct ahead *a);

/** Whether a frame of a sparse flow waits. */
bool ahead_has_sparse(const struct ahead *a);

/** Drop what was read from a port that is about to be closed. Return: the number of superframes. */
unsigned ahead_forget(struct ahead *a, const struct driver_port *port);
