/* SPDX-License-Identifier: MIT */
/* When frames may leave: by the configured rate, and by what the socket has not sent yet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "queue/drain.h"
#include "queue/shaper.h"

/*
 * Theory of operation
 *
 * PACE_FREE: the socket takes everything at once. Frames are sealed and sent without a queue, and
 * the caller looks at the socket (SIOCOUTQ) only after it has sent a few datagrams more.
 * PACE_WATCH: some were unsent at the last look. Each send is measured. Frames still leave at once.
 * PACE_QUEUE: datagrams have been unsent for longer than 4 ms, twice in a row, or the kernel has
 * refused some (ENOBUFS: the queue of the device is full). Frames wait in a queue, and the socket
 * is given what it sends in 4 ms. This ends when no frame had to wait for 50 ms.
 *
 * If frames wait and nothing at all leaves, the cause may be one peer: the kernel stores datagrams
 * for a next hop that it cannot resolve, for three seconds, and counts them as unsent. The others
 * must not wait for these. So after 250 ms of this what is unsent is ignored for a while:
 * PACE_FREE, unless far more becomes unsent than the kernel stores so.
 *
 * Beside this a rate can be configured (`limit`), for a bottleneck that this host does not see.
 */

/** What the socket is given in advance. */
#define PACE_AHEAD_NS (4 * NS_PER_MS)

/** See above. */
enum pace_state {
	PACE_FREE,
	PACE_WATCH,
	PACE_QUEUE
};

/** The state of the sockets of one port. Zeroed: PACE_FREE, without a limit. */
struct pace {
	enum pace_state state;
	struct shaper limit; /* configured */
	struct drain drain;
	uint64_t unseen;	  /* bytes sent since the last look */
	uint64_t taken;		  /* bytes taken from the queue since the last look or send */
	uint64_t refused;	  /* the kernel refused more than so many unsent bytes; 0: no */
	unsigned refused_window;  /* drain.windows when `refused` was raised last */
	struct mono late_since;	  /* datagrams were unsent for too long; MONO_NEVER: were not */
	struct mono idle_since;	  /* no frame had to wait; likewise */
	bool held;		  /* frames had to wait when the socket was given some last */
	struct mono still_since;  /* frames waited, and nothing left; MONO_NEVER: something did */
	struct mono ignore_until; /* what is unsent is ignored until then; MONO_NEVER: it is not */
	uint64_t ignore_ns;	  /* for how long that was, last */
};

/** Whether the caller has to look at the socket before it sends: pace_look(). */
static inline bool pace_must_look(const struct pace *p)
{
	return p->state != PACE_FREE || p->unseen > 3000;
}

/** At `now` the sockets have `unsent` bytes (SIOCOUTQ). */
void pace_look(struct pace *p, uint64_t unsent, struct mono now);

/** `bytes` of UDP payload were sent at `now`; if pace_look() was called before, and the state is
 * not PACE_FREE, the sockets have `more` unsent bytes than before. */
void pace_sent(struct pace *p, size_t bytes, uint64_t more, struct mono now);

/** The kernel has refused a datagram because a queue below the sockets, or their buffer, is full;
 * the sockets have `unsent` bytes. To be called after pace_sent(). */
void pace_refused(struct pace *p, uint64_t unsent, struct mono now);

/** Whether another frame may be taken from the queue. */
bool pace_is_ready(const struct pace *p, struct mono now);

/** A frame was taken from the queue that will be `wire` bytes on the link. */
void pace_take(struct pace *p, size_t wire, struct mono now);

/** The socket was given what it may have; `waiting`: frames are left in the queue. */
void pace_end(struct pace *p, bool waiting, struct mono now);

/** When to try again, if pace_is_ready() was false at `now`. */
struct mono pace_due(const struct pace *p, struct mono now);

/** The rate at which datagrams leave, in bytes per second: the configured one, or what was measured
 * if frames wait; 0: not known. */
uint64_t pace_rate(const struct pace *p);

/** Most datagrams of `len` bytes that a train may have so that it takes 1 ms at most; 0: no
 * limit. */
unsigned pace_train_max(const struct pace *p, size_t len);
