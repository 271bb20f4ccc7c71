/* SPDX-License-Identifier: MIT */
/* Pull: IPv4 and IPv6 fragments inside the tunnel, joined to whole packets again. */
#ifndef L2TP_REASSEMBLY_H
#define L2TP_REASSEMBLY_H

#include "base/list.h"
#include "base/mono.h"
#include "pkt/drop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * A slot holds one packet in the making: the header of its first piece, its payload in place, and
 * the ranges that have come. Slots are found by (source, destination, protocol, id), and aged in
 * the order in which they were begun; where room is short, the oldest of the same source goes
 * first. A packet that is complete stays in its slot, untouched, until the caller has written it
 * and says so with reassembly_release(): nothing is copied twice.
 *
 * Never joined: pieces that overlap (the whole packet goes and later pieces with it, RFC 5722; an
 * exact repetition is ignored); pieces further apart than REASSEMBLY_WINDOW in WireGuard's counter
 * of the same key; pieces further apart than REASSEMBLY_TIMEOUT_NS in time. The counter is
 * authenticated and counts datagrams of one peer, so it measures what time cannot at high rates: a
 * sender uses an IPv4 id again after 65,536 packets at the earliest, so pieces of different packets
 * are at least that far apart. Pieces of one packet leave within FRAGMENT_RUN_MAX to 64 datagrams
 * of each other; the rest of the window is for reordering under way, of which WireGuard's own
 * replay window (8,192) passes not much more. Across a rekey, only the first REASSEMBLY_WINDOW
 * datagrams under the new key may complete what the old key began.
 *
 * It does not: ask the sender for anything, send ICMP time-exceeded, look into the payload, or hold
 * packets longer than REASSEMBLY_PAYLOAD_MAX.
 */

/** Longest payload of a reassembled packet: a 9,000-byte IP packet in a frame with two tags, and
 * every header of ours, with room to spare. */
#define REASSEMBLY_PAYLOAD_MAX 9472

/** Slots that the engine gives to one reassembler: 128 × 10 kB is 1.2 MiB. */
#define REASSEMBLY_SLOTS 128

#define REASSEMBLY_WINDOW     4096
#define REASSEMBLY_TIMEOUT_NS (1 * NS_PER_S)
#define REASSEMBLY_RANGES     16

#define REASSEMBLY_PAYLOAD_AT 64 /* in the slot's memory; the header ends there */

/** Where a fragment came from: the WireGuard datagram that carried it. */
struct fragment_origin {
	uint32_t key;	  /* our receiver index: names the session key */
	uint64_t counter; /* the datagram's counter under it */
};

/** Bytes [from, to) of a payload. */
struct fragment_range {
	uint32_t from;
	uint32_t to;
};

/** One packet in the making. Private to reassembly.c, sized here because the caller owns the
 * memory. */
struct reassembly_slot {
	struct list order;	      /* in r->busy (oldest first), r->done or r->free */
	struct reassembly_slot *next; /* in its hash bucket */
	struct mono begun;
	struct fragment_origin first;
	uint32_t pieces; /* held here */
	uint32_t passed; /* payload bytes handed to the TUN, if it is foreign */
	uint32_t id;
	uint16_t family;
	uint8_t proto;
	uint8_t state;
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t header_len; /* of the first piece, fragment header left out; 0: has not come */
	uint16_t ranges_len;
	uint32_t end; /* payload length; 0: the last piece has not come */
	struct fragment_range ranges[REASSEMBLY_RANGES]; /* sorted, never touching */
	uint8_t data[REASSEMBLY_PAYLOAD_AT + REASSEMBLY_PAYLOAD_MAX];
};

#define REASSEMBLY_BUCKETS 128

/** A reassembler over slots that the caller owns. For one thread. */
struct reassembly {
	struct list busy;
	struct list done;
	struct list free;
	struct reassembly_slot *buckets[REASSEMBLY_BUCKETS];
	struct drop_counters *drops; /* every fragment that is thrown away is counted here, once */
	uint64_t fragments;	     /* given to reassembly_add() */
	uint64_t packets;	     /* completed */
	uint64_t joined;	     /* fragments in these */
	uint64_t duplicates;	     /* exact repetitions, ignored */
	uint64_t passed;	     /* fragments that turned out to be for the TUN */
	uint64_t held;		     /* fragments in packets in the making */
};

/** What became of a fragment. */
enum reassembly_verdict {
	REASSEMBLY_HELD,     /* taken (copied), or a duplicate: nothing to do */
	REASSEMBLY_COMPLETE, /* the packet is whole */
	REASSEMBLY_PASS,     /* belongs to a packet that is not L2TP: to the TUN, unmodified */
	REASSEMBLY_DROPPED,  /* thrown away, and counted in `drops` already */
	REASSEMBLY_BUSY, /* every slot holds a packet not yet released: write, release, add again */
};

/** The whole packet, valid until reassembly_release(). */
struct reassembled {
	uint8_t *packet; /* whole IP packet, header made good: no trace of fragments */
	size_t len;
};

/** Make a reassembler of `slots[n]`. `drops` is borrowed for its life. */
void reassembly_init(
	struct reassembly *r, struct reassembly_slot *slots, size_t n, struct drop_counters *drops);

/**
 * Take one fragment, fragment[len] (l2tp_classify() said L2TP_FRAGMENT, and `foreign`), which came
 * in the datagram `from` at `now`.
 * Return: what became of it; `ret` is filled for REASSEMBLY_COMPLETE only, and is to be given to
 * l2tp_classify().
 */
enum reassembly_verdict reassembly_add(struct reassembly *r, const uint8_t *fragment, size_t len,
	bool foreign, struct fragment_origin from, struct mono now, struct reassembled *ret);

/** Give the slots of all completed packets back: at the end of a batch, once they are written. */
void reassembly_release(struct reassembly *r);

/** Throw away what has become too old. Return: when to call again, or MONO_NEVER. */
struct mono reassembly_expire(struct reassembly *r, struct mono now);

#endif
