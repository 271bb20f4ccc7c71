/* SPDX-License-Identifier: MIT */
/* Oversize = reject: fragments a member's IPv4 packet without DF. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/** Plan for the fragments of a frame. Borrows the frame, which must not change until the last
 * fragment is written. */
struct ether_pieces {
	const uint8_t *frame;
	uint32_t count;	      /* 2 or more */
	uint32_t payload;     /* IP payload of the whole packet */
	uint16_t size;	      /* IP payload of each fragment but the last: a multiple of 8 */
	uint16_t l3;	      /* offset of the IP header */
	uint16_t l4;	      /* offset of the IP payload */
	uint16_t frag_offset; /* of the packet, which may be a fragment itself, in bytes */
	uint16_t flags;	      /* reserved bit and "more fragments" of the packet */
};

/**
 * Plan the fragments of the IPv4 packet in an Ethernet frame whose checksums are complete.
 * `max_packet`: the largest IP packet in bytes that an untagged frame can carry; each tag takes 4
 * bytes of it.
 * Return: 0; -EINVAL if the packet fits, has DF, or is not IPv4; -EBADMSG if it is truncated,
 * corrupt or extends beyond 65,535 bytes; -EMSGSIZE if `max_packet` leaves no room. `ret` is
 * untouched on failure.
 */
MUST_CHECK int ether_pieces_plan(
	const uint8_t *frame, size_t len, unsigned max_packet, struct ether_pieces *ret);

/** Length of fragment `i` as an Ethernet frame. */
size_t ether_piece_len(const struct ether_pieces *p, unsigned i);

/**
 * Write fragment `i` (below count) to `dst`, which has room for ether_piece_len(p, i) bytes and
 * does not overlap the frame. Options without the copied flag become NOPs in all fragments but the
 * first.
 * Source: RFC 791 §3.2.
 */
void ether_piece_write(const struct ether_pieces *p, unsigned i, uint8_t *dst);
