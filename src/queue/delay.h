/* SPDX-License-Identifier: MIT */
/* How long packets have waited: quantiles of the last seconds, and the rate at which they left. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/** Four buckets for each power of two, up to 2^20 µs. */
#define DELAY_BUCKETS 80

/** The time of one window; what is reported is that of the last complete one and the one in
 * progress. */
#define DELAY_WINDOW_NS (4 * NS_PER_S)

/** What left in one window. */
struct delay_window {
	uint64_t bytes;
	uint32_t packets;
	uint32_t buckets[DELAY_BUCKETS]; /* packets by the time that they waited */
};

/** The delays of one queue. Zeroed: none. */
struct delay {
	struct mono since; /* begin of the window in progress */
	struct delay_window current;
	struct delay_window last;
};

/** A packet of `bytes` has left at `now` after `waited_ns`. */
void delay_add(struct delay *d, struct mono now, uint64_t waited_ns, size_t bytes);

/** The delay in microseconds that `percent` of the packets did not exceed, rounded up by at most a
 * quarter; 0 if nothing has left lately. */
uint64_t delay_quantile(const struct delay *d, struct mono now, unsigned percent);

/** The mean rate in bytes per second at which packets have left lately. */
uint64_t delay_rate(const struct delay *d, struct mono now);
