/* SPDX-License-Identifier: MIT */
/* A ring of bytes for whole blocks: what does not fit is refused, and nothing waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/** A ring over bytes[cap] of the caller's. */
struct capture_ring {
	uint8_t *bytes;
	size_t cap;
	size_t start; /* of the oldest byte */
	size_t used;
};

/** Append block[len], if `reserve` more bytes stay free behind it. Return: whether it was. */
MUST_CHECK bool capture_ring_put(
	struct capture_ring *r, const uint8_t *block, size_t len, size_t reserve);

/** The oldest bytes that lie in one piece. Return: their number; 0: the ring is empty. */
size_t capture_ring_front(const struct capture_ring *r, const uint8_t **ret);

/** Remove the oldest `len` bytes, and overwrite them. */
void capture_ring_take(struct capture_ring *r, size_t len);
