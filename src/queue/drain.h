/* SPDX-License-Identifier: MIT */
/* How fast a socket's send buffer drains, and how much is still in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/*
 * Theory of operation
 *
 * The kernel reports how much of what was sent is not freed yet (SIOCOUTQ), but in its own
 * accounting: with its structs and the slack of their memory. So for each send its bytes and what
 * it added are recorded; as the kernel sends in order, what is unsent is the last of these.
 *
 * The rate is what has left within a window of at least 20 ms. If the buffer ran dry while frames
 * waited, the link could have taken more, and the rate is raised; if nothing waited, the window
 * shows only that the link takes at least as much.
 */

/** Most sends that are recorded one by one. */
#define DRAIN_GROUPS 128

/** One send. */
struct drain_group {
	uint32_t charge; /* what the kernel counts for it, and has not freed */
	uint32_t bytes;	 /* of it, likewise: UDP payload */
	struct mono since;
};

/** The meter. Zeroed: nothing was sent, and no rate is known. */
struct drain {
	struct drain_group groups[DRAIN_GROUPS]; /* a ring, the oldest at `first` */
	unsigned first;
	unsigned n;
	uint64_t charge; /* sums of the groups */
	uint64_t bytes;
	uint64_t rate; /* bytes of UDP payload per second; 0: not known */

	struct mono window; /* when it began; MONO_NEVER: none */
	uint64_t left;	    /* bytes that left in it */
	bool dry;	    /* the buffer ran dry while frames waited */
	bool idle;	    /* it ran dry, and none waited */
	unsigned windows;   /* completed, with a wrap */
};

/** At `now` the kernel has `unsent` bytes in its accounting. `waiting`: frames wait for it. */
void drain_look(struct drain *d, uint64_t unsent, bool waiting, struct mono now);

/** `bytes` were sent at `now`, right after drain_look(); since then the kernel counts `more`. */
void drain_sent(struct drain *d, size_t bytes, uint64_t more, struct mono now);

/** How long the oldest bytes have been unsent, in ns; 0: all have left. */
uint64_t drain_age(const struct drain *d, struct mono now);
