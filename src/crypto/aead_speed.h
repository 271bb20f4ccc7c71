/* SPDX-License-Identifier: MIT */
/* How fast the AEAD providers are on this host. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "crypto/aead.h"

/* Bytes of the two texts that are measured: the smallest datagrams, and full ones. */
#define AEAD_SPEED_SMALL 64
#define AEAD_SPEED_FULL	 1440

/** The measurement of one provider. */
struct aead_speed {
	const char *name;
	int err;	   /* 0, or why it cannot be used: see aead_init() */
	uint64_t small_ns; /* of a call with AEAD_SPEED_SMALL bytes, mean of seal and open */
	uint64_t full_ns;  /* the same with AEAD_SPEED_FULL bytes */
};

/**
 * Test and measure all providers of this build, for a few milliseconds. Each result is the best of
 * several rounds, in which the providers take turns, so that other work on the host affects all or
 * none.
 * @now: reads a clock
 * @ret: the fastest first by the sum of both times, then those that cannot be used
 * Return: the number of providers.
 */
size_t aead_measure(struct mono (*now)(void), struct aead_speed ret[static AEAD_PROVIDERS_MAX]);
