/* SPDX-License-Identifier: MIT */
/* CoDel: whether a queue's delay has been too long for too long. Source: RFC 8289. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/** The delay that is acceptable. Source: RFC 8289 §4.3. */
#define CODEL_TARGET_NS (5 * NS_PER_MS)

/** How long the delay may exceed it: the round trip time of most connections. Source: RFC 8289
 * §4.2. */
#define CODEL_INTERVAL_NS (100 * NS_PER_MS)

/** A queue with no more bytes than this delays no one: one packet. */
#define CODEL_MTU 1514

/** The state of one queue. Zeroed: an empty one. */
struct codel {
	struct mono first_above; /* when the delay will have been too long for an interval */
	struct mono drop_next;
	uint32_t count;	     /* drops since `dropping` is set */
	uint32_t last_count; /* `count` when it was set last */
	bool dropping;
};

/** Whether the delay of the packet that is taken at `now` (`waited_ns`, with `backlog` bytes behind
 * it) makes a drop possible. To be called for each packet taken. Source: RFC 8289 §5.6. */
bool codel_is_above(struct codel *c, uint64_t waited_ns, size_t backlog, struct mono now);

/** The time of the drop that follows one at `t`. Source: RFC 8289 §5.3. */
struct mono codel_next_drop(struct mono t, uint32_t count);

/** Start dropping at `now`, with the frequency of the last time if that is not long ago. Source:
 * RFC 8289 §5.5. */
void codel_start(struct codel *c, struct mono now);
