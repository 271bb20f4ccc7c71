/* SPDX-License-Identifier: MIT */
/* Pull: reassemble IPv4 and IPv6 fragments inside the tunnel into whole packets. */
#pragma once

#include "base/hash.h"
#include "base/list.h"
#include "base/mono.h"
#include "base/pool.h"
#include "pkt/drop.h"
#include "pkt/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * A slot holds one incomplete packet: the header of its first fragment, its payload in place, and a
 * list of the byte ranges received. A packet with a payload longer than REASSEMBLY_UNIT uses
 * further slots for the rest. Slots are found by (owner, source, destination, protocol, id). A
 * completed packet stays in its slot until the caller has written it and calls
 * reassembly_release(). Only a packet that spans several slots is copied.
 *
 * Slots are shared fairly among owners, which are WireGuard peers (base/pool.h). If no slot is
 * free, the oldest packet of the owner with the most slots is evicted. So a peer that floods, or
 * whose path loses packets, evicts its own packets, and every owner has a guaranteed share. A peer
 * needs about FRAGMENT_RUN_MAX slots, since it sends the first fragments of up to that many packets
 * before their last fragments. Most packets beyond these will never be complete.
 *
 * Fragments are not joined if
 * - their owners differ;
 * - they overlap: the whole packet is dropped, with its later fragments (RFC 5722). An exact
 *   repetition is ignored instead;
 * - their WireGuard counters under one key differ by more than REASSEMBLY_WINDOW;
 * - they arrive more than REASSEMBLY_TIMEOUT_NS apart.
 *
 * Why the counter: at high rates, an IPv4 id is reused within any useful time limit. The counter is
 * authenticated and counts the datagrams of one peer. A sender reuses an IPv4 id after 65,536
 * packets at the earliest, so fragments of different packets are at least that far apart. Fragments
 * of one packet are sent within FRAGMENT_RUN_MAX (wirespan) to 64 (Linux) datagrams. The rest of
 * the window is for reordering on the path, of which WireGuard's replay window (8,192) allows
 * little more. After a rekey, only the first REASSEMBLY_WINDOW datagrams under the new key may
 * complete a packet that began under the old one.
 *
 * The reassembler sends nothing (no ICMP time-exceeded), does not read the payload, and accepts no
 * packet with a payload longer than REASSEMBLY_PAYLOAD_MAX.
 */

/** Longest payload of a reassembled packet, in bytes: more than a 9,000-byte IP packet in a frame
 * with two VLAN tags, with all headers of L2TP. */
#define REASSEMBLY_PAYLOAD_MAX 9472

/** Bytes of payload in one slot: enough for a 1,500-byte IP packet with tags and headers. */
#define REASSEMBLY_UNIT	 2048
#define REASSEMBLY_UNITS ((REASSEMBLY_PAYLOAD_MAX + REASSEMBLY_UNIT - 1) / REASSEMBLY_UNIT)

/** Completed packets that may wait for reassembly_release(), and how many of them may be longer
 * than REASSEMBLY_UNIT. */
#define REASSEMBLY_DONE_MAX	64
#define REASSEMBLY_SPANNING_MAX 16

#define REASSEMBLY_WINDOW     4096
#define REASSEMBLY_TIMEOUT_NS (1 * NS_PER_S)
#define REASSEMBLY_RANGES     16

#define REASSEMBLY_PAYLOAD_AT 64 /* in a slot's memory; the header ends there */

/** The origin of a fragment: the WireGuard datagram that carried it. */
struct fragment_origin {
	uint32_t key;	  /* our receiver index: names the session key */
	uint64_t counter; /* the datagram's counter under it */
};

/** A range [from, to) of payload bytes. */
struct fragment_range {
	uint32_t from;
	uint32_t to;
};

/** The owner of packets that a reassembler joins, and the slots that it holds. In memory of the
 * caller; see reassembly_owner_init(). */
struct reassembly_owner {
	struct pool_share share;
	struct list slots; /* its incomplete packets, the oldest first */
};

/** One incomplete packet, or an additional slot for one. Private to reassembly.c. */
struct reassembly_slot {
	struct list order;	      /* in r->busy (oldest first) or r->done */
	struct list owned;	      /* in owner->slots */
	struct reassembly_slot *next; /* in its hash bucket */
	struct reassembly_owner *owner;
	struct mono begun;
	struct fragment_origin first;
	uint32_t pieces; /* fragments stored here */
	uint32_t passed; /* payload bytes passed to the TUN, if foreign */
	uint32_t id;
	uint16_t family;
	uint8_t proto;
	uint8_t state;
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t header_len; /* of the first fragment, without fragment header; 0: not received */
	uint16_t ranges_len;
	uint32_t end; /* payload length; 0: the last fragment was not received */
	struct fragment_range ranges[REASSEMBLY_RANGES];    /* sorted, never adjacent */
	struct reassembly_slot *more[REASSEMBLY_UNITS - 1]; /* further units of the payload */
	uint8_t data[REASSEMBLY_PAYLOAD_AT + REASSEMBLY_UNIT];
};

/** A reassembler over memory that the caller owns. For one thread; it must not move. */
struct reassembly {
	struct pool pool;
	struct list busy;
	struct list done;
	struct hash_key key;
	struct reassembly_slot **buckets;
	size_t n_buckets;
	unsigned n_done;
	unsigned n_spanning;
	uint8_t *spanning;	     /* room for REASSEMBLY_SPANNING_MAX packets */
	struct drop_counters *drops; /* counts every dropped fragment once */
	uint64_t fragments;	     /* given to reassembly_add() */
	uint64_t packets;	     /* completed */
	uint64_t joined;	     /* fragments of these packets */
	uint64_t duplicates;	     /* exact repetitions, ignored */
	uint64_t passed;	     /* fragments of packets that are not L2TP */
	uint64_t held;		     /* fragments in incomplete packets */
};

/** Result of adding a fragment. */
enum reassembly_verdict {
	REASSEMBLY_HELD,     /* stored (copied), or a duplicate: nothing to do */
	REASSEMBLY_COMPLETE, /* the packet is complete */
	REASSEMBLY_PASS,     /* belongs to a packet that is not L2TP: to the TUN, unmodified */
	REASSEMBLY_DROPPED,  /* dropped, and already counted in `drops` */
	REASSEMBLY_BUSY,     /* too many packets are not yet released: write, release, add again */
};

/** The whole packet, valid until reassembly_release(). */
struct reassembled {
	uint8_t *packet; /* whole IP packet, its header as before fragmentation */
	size_t len;
	unsigned pieces; /* number of fragments it was received in */
};

/** The bytes that reassembly_add_slots() needs to add `more` slots to `have` slots. */
size_t reassembly_memory(unsigned have, unsigned more);

/** Make a reassembler without slots. `drops` is borrowed for its life. */
void reassembly_init(struct reassembly *r, struct drop_counters *drops, const struct rng *rng);

/** Add `more` slots in `memory`: reassembly_memory() bytes, aligned as by malloc(3). Earlier
 * memory stays in use. */
void reassembly_add_slots(struct reassembly *r, void *memory, unsigned more);

/** Initialise an owner without packets. */
void reassembly_owner_init(struct reassembly_owner *o);

/** Drop the incomplete packets of an owner that is about to be removed. Completed ones stay. */
void reassembly_owner_fini(struct reassembly *r, struct reassembly_owner *o);

/**
 * Add one fragment of `owner` (l2tp_judge() returned L2TP_FRAGMENT, and `foreign`), received in the
 * datagram `from` at `now`. `ip`: the header of `fragment`, by ip_header_parse(). Return: the
 * result; `ret` is filled for REASSEMBLY_COMPLETE only, and is to be passed to l2tp_classify().
 * With REASSEMBLY_BUSY nothing has changed.
 */
enum reassembly_verdict reassembly_add(struct reassembly *r, struct reassembly_owner *owner,
	const uint8_t *fragment, const struct ip_header *ip, bool foreign,
	struct fragment_origin from, struct mono now, struct reassembled *ret);

/** Whether reassembly_add() accepts another fragment, that is, does not return REASSEMBLY_BUSY. */
static inline bool reassembly_has_room(const struct reassembly *r)
{
	return r->n_done < REASSEMBLY_DONE_MAX && r->n_spanning < REASSEMBLY_SPANNING_MAX;
}

/** Free the slots of all completed packets: at the end of a batch, once they are written. */
void reassembly_release(struct reassembly *r);

/** When reassembly_expire() has something to do, or MONO_NEVER. */
struct mono reassembly_deadline(const struct reassembly *r);

/** Drop fragments that are too old. Return: reassembly_deadline() after that. */
struct mono reassembly_expire(struct reassembly *r, struct mono now);
