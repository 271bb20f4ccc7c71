/* SPDX-License-Identifier: MIT */
/* A capture in progress: its interfaces, and the blocks that wait to be read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "capture/pcapng.h"
#include "capture/ring.h"

/*
 * Theory of operation
 *
 * A capture is a stream of pcapng blocks in a ring. Packets are appended as they pass; the owner
 * of the ring's reader removes what it could write, whenever that is. A packet for which the ring
 * has no room is dropped and counted, so a slow reader costs packets of the capture and nothing
 * else. Room for the counters of all interfaces stays reserved.
 */

/** Bytes of one interface's counters in the file, at most. */
#define CAPTURE_STATISTICS_LEN 64

/** Interfaces of a capture at most; the packets of further ones are not captured. */
#define CAPTURE_INTERFACES_MAX 1024

/** No interface. */
#define CAPTURE_NONE UINT32_MAX

/** Bytes captured of a packet at most. */
#define CAPTURE_SNAP_MAX 65535

/** Longest comment, with its NUL. */
#define CAPTURE_COMMENT_LEN 192

/** Longest block of a packet. */
#define CAPTURE_BLOCK_MAX (CAPTURE_SNAP_MAX + CAPTURE_COMMENT_LEN + PCAPNG_OVERHEAD)

/** What an interface of a capture has counted. */
struct capture_interface {
	uint64_t received;
	uint64_t dropped;
};

/** A capture. capture_init() fills it. */
struct capture {
	struct capture_ring ring;
	uint32_t snap; /* bytes captured of a packet at most */
	uint32_t n;    /* interfaces */
	struct capture_interface interfaces[CAPTURE_INTERFACES_MAX];
	uint8_t block[CAPTURE_BLOCK_MAX]; /* that is being written */
};

/** Begin a capture into ring[cap], with the start of a file. `snap`: 1 to CAPTURE_SNAP_MAX.
 * Return: 0, or -ENOSPC if the ring is too small. */
MUST_CHECK int capture_init(struct capture *c, uint8_t *ring, size_t cap, uint32_t snap,
	const char *application, const char *comment);

/** Add an interface. Return: its number, or CAPTURE_NONE if there is no room for it. */
MUST_CHECK uint32_t capture_add_interface(
	struct capture *c, uint16_t link, const char *name, const char *description);

/** Append a packet of the interface p->interface, cut to `snap` bytes; with CAPTURE_NONE or without
 * room it is dropped. */
void capture_add_packet(struct capture *c, struct pcapng_packet p);

/** Append the counters of all interfaces: the end of the capture. */
void capture_end(struct capture *c, struct wall now);
