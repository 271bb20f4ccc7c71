/* SPDX-License-Identifier: MIT */
/* The limit on datagrams per train to a peer, where a path loses trains but not single
 * datagrams. */
#ifndef PATH_TRAINS_H
#define PATH_TRAINS_H

#include "base/mono.h"
#include "pkt/train.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Theory of operation
 *
 * A train leaves as one packet of the kernel (UDP_SEGMENT), and a router, a network card or a
 * hypervisor may drop that packet: one that cannot segment, a rule on the length of packets, a rate
 * limit whose burst is smaller than the train. Single datagrams of the same size pass there, so the
 * path's MTU is right, and yet bulk traffic does not arrive.
 *
 * While trains are sent, a train of probes, as long as the longest of them, is sent every
 * TRAINS_CHECK_NS together with a single probe. The caller (pmtud.c) judges by the single one
 * whether the train was lost by chance. A train that vanishes cuts `max` to one datagram at once;
 * then shorter trains of probes find how many pass. Longer ones are tried again after a while.
 */

#define TRAINS_ANY	TRAIN_SEGMENTS_MAX
#define TRAINS_CHECK_NS (4 * NS_PER_S)
#define TRAINS_PROBES	7 /* most lengths that one call proposes: 2, 4 … 64 and one more */

#define TRAINS_RAISE_MAX_NS (600 * NS_PER_S)

/** The length of trains to one peer, in datagrams. Read `max`; the rest is private. */
struct trains {
	unsigned max;	  /* of a train that may be sent; TRAINS_ANY: no limit */
	unsigned longest; /* that the traffic would fill, since the last check */
	unsigned failed;  /* the shortest that was lost; 0: none */
	bool raising;	  /* lengths above `max` are being checked, not one below it */
	struct mono next_check;
	struct mono next_raise; /* when longer trains than `max` are tried */
	uint64_t raise_ns;	/* how long after the last time; 0: no limit is known */
};

/** Initialise without a limit. */
void trains_init(struct trains *t);

/** The traffic fills trains of up to `count` datagrams, if there is no limit. */
static inline void trains_note(struct trains *t, unsigned count)
{
	if (count > t->longest)
		t->longest = count < TRAINS_ANY ? count : TRAINS_ANY;
}

/** Whether there is a length to be checked at `now`. */
bool trains_due(const struct trains *t, struct mono now);

/** Begin what is due. Return: how many lengths, in `ret`, are to be checked, shortest first. */
size_t trains_begin(struct trains *t, struct mono now, unsigned ret[static TRAINS_PROBES]);

/** Whether it is not known yet if trains of `count` pass; as long as none of that length has. */
static inline bool trains_is_open(const struct trains *t, unsigned count)
{
	return !t->raising || count > t->max;
}

/** A train of `count` probes has passed: shorter ones do, too. */
void trains_passed(struct trains *t, unsigned count);

/**
 * A train of `count` probes was lost although single ones pass. Return: how many lengths in `ret`
 * are to be checked next, as `max` was cut; 0 if `count` was beyond it anyway.
 */
size_t trains_lost(struct trains *t, unsigned count, unsigned ret[static TRAINS_PROBES]);

/** All lengths are judged: sets the next check and, where `max` is a limit, when longer trains are
 * tried: in `raise_ns` at first, then ever later up to TRAINS_RAISE_MAX_NS. */
void trains_done(struct trains *t, uint64_t raise_ns, struct mono now);

/** The path may have changed: the next check is due at once. */
void trains_recheck(struct trains *t);

#endif
