/* SPDX-License-Identifier: MIT */
/* Timing of a call: the best of several rounds, as other work on the host can only add time. */
#pragma once

#include <stdint.h>
#include <time.h>

#define STOPWATCH_ROUNDS 15

/** Nanoseconds of the monotonic clock. */
static inline uint64_t stopwatch_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/** Nanoseconds of one call of `fn(arg)`: the best of STOPWATCH_ROUNDS rounds of `calls` each. */
static inline double stopwatch_best(void (*fn)(void *), void *arg, unsigned calls)
{
	double best = 1e18;

	for (int round = 0; round < STOPWATCH_ROUNDS; round++) {
		uint64_t start = stopwatch_ns();

		for (unsigned i = 0; i < calls; i++)
			fn(arg);

		double each = (double)(stopwatch_ns() - start) / calls;

		if (each < best)
			best = each;
	}
	return best;
}
