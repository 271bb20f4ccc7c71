/* SPDX-License-Identifier: MIT */
/* The limit on datagrams per train to a peer, for paths that lose trains but not single
 * datagrams. */
#pragma once

#include "base/mono.h"
#include "pkt/train.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Theory of operation
 *
 * The kernel handles a train as one packet (UDP_SEGMENT). A router, a network card or a hypervisor
 * may drop that packet: because it cannot segment, by a rule on the length of packets, or by a rate
 * limit whose burst is smaller than the train. Single datagrams of the same size pass there. So the
 * path MTU is right, but bulk traffic does not arrive.
 *
 * While trains are sent, a check is due every TRAINS_CHECK_NS: a train of probes, as long as the
 * longest train of data, and a single probe. If the single probe is lost, too, the caller (pmtud.c)
 * draws no conclusion about the train. If only the train is lost, `max` becomes 1 at once; then
 * shorter trains of probes find the largest number that passes. Longer trains are tried again
 * later.
 */

#define TRAINS_ANY	TRAIN_SEGMENTS_MAX
#define TRAINS_CHECK_NS (4 * NS_PER_S)
#define TRAINS_PROBES	7 /* maximum of lengths in one check: 2, 4 … 64 and one more */

#define TRAINS_RAISE_MAX_NS (600 * NS_PER_S)

/** The length of trains to one peer, in datagrams. Read `max`; the rest is private. */
struct trains {
	unsigned max;	  /* limit for trains of data; TRAINS_ANY: none */
	unsigned longest; /* longest train that traffic could fill since the last check */
	unsigned failed;  /* the shortest train that was lost; 0: none */
	bool raising;	  /* the check is of lengths above `max`, not of one up to it */
	struct mono next_check;
	struct mono next_raise; /* when longer trains than `max` are tried */
	uint64_t raise_ns;	/* the interval between such tries; 0: no limit is known */
};

/** Initialise without a limit. */
void trains_init(struct trains *t);

/** Report that traffic could fill a train of `count` datagrams, were there no limit. */
static inline void trains_note(struct trains *t, unsigned count)
{
	if (count > t->longest)
		t->longest = count < TRAINS_ANY ? count : TRAINS_ANY;
}

/** Whether a check is due at `now`. */
bool trains_due(const struct trains *t, struct mono now);

/** Begin the check that is due. Return: the number of lengths to check, in `ret`, in ascending
 * order. */
size_t trains_begin(struct trains *t, struct mono now, unsigned ret[static TRAINS_PROBES]);

/** Whether the check of trains of `count` has no result yet. */
static inline bool trains_is_open(const struct trains *t, unsigned count)
{
	return !t->raising || count > t->max;
}

/** A train of `count` probes has passed. Shorter ones count as passed, too. */
void trains_passed(struct trains *t, unsigned count);

/**
 * A train of `count` probes was lost although single probes pass. If `count` was within `max`, this
 * sets `max` to 1. Return: the number of lengths to check next, in `ret`; 0 if `max` is unchanged.
 */
size_t trains_lost(struct trains *t, unsigned count, unsigned ret[static TRAINS_PROBES]);

/** The check is complete. Sets the time of the next one and, if `max` is a limit, the time to try
 * longer trains: after `raise_ns` at first, which doubles up to TRAINS_RAISE_MAX_NS. */
void trains_done(struct trains *t, uint64_t raise_ns, struct mono now);

/** The path may have changed: make the next check due at once. */
void trains_recheck(struct trains *t);
