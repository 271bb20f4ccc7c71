/* SPDX-License-Identifier: MIT */
/* Rate limit for replies to senders of packets that do not fit, with a guaranteed share for each
 * sender. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/hash.h"
#include "base/mono.h"

/* The guaranteed share of each sender, and the additional share of all together. */
#define REPLIES_OWN_PER_S    10
#define REPLIES_OWN_BURST    5
#define REPLIES_COMMON_PER_S 100
#define REPLIES_COMMON_BURST 50

/* Slots in which senders are counted: two may share one. A power of two. */
#define REPLIES_PLACES 64

/** The answers of one port. Zero-initialised all may be given. */
struct replies {
	struct bucket common;
	struct bucket own[REPLIES_PLACES];
};

/**
 * Whether the sender `addr[n]`, an IPv4 or IPv6 address, may be answered at `now`; if so, that is
 * counted.
 */
bool replies_take(struct replies *r, const struct hash_key *key, const uint8_t *addr, size_t n,
	struct mono now);
