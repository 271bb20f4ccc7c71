/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071): sums over ranges, pseudo headers, and incremental updates (RFC
 * 1624). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/*
 * A running sum is a uint32_t: the one's-complement sum of the range's 16-bit words in memory
 * order, not complemented. Only its value modulo 0xffff is significant. One's-complement addition
 * is independent of the byte order, so bytes are swapped only when a sum is stored. Consecutive
 * ranges must have even length, except the last.
 */

/** Add two running sums. */
static inline uint32_t checksum_combine(uint32_t a, uint32_t b)
{
	uint32_t sum = a + b;

	return sum + (sum < a);
}

/** The sum without `part`, which must have been added before. */
static inline uint32_t checksum_remove(uint32_t sum, uint32_t part)
{
	return checksum_combine(sum, ~part);
}

/** Add one 16-bit word, given in host order, as if it were in a packet in network order. */
static inline uint32_t checksum_add_be16(uint32_t sum, uint16_t v)
{
	return checksum_combine(sum, __builtin_bswap16(v));
}

/** Add one 32-bit word, given in host order, as if it were in a packet in network order. */
static inline uint32_t checksum_add_be32(uint32_t sum, uint32_t v)
{
	return checksum_combine(sum, __builtin_bswap32(v));
}

/** Fold a running sum to 16 bits, not complemented, in memory order; 0xffff also means zero. */
static inline uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/** Store the complement of the sum: the checksum of a range whose checksum field was zero. */
static inline void checksum_store(void *field, uint32_t sum)
{
	store_le16(field, (uint16_t)~checksum_fold(sum));
}

/** As checksum_store(), with UDP's rule that a checksum of zero is sent as 0xffff (RFC 768). */
static inline void checksum_store_udp(void *field, uint32_t sum)
{
	uint16_t v = (uint16_t)~checksum_fold(sum);

	store_le16(field, v ? v : 0xffff);
}

/** Whether the sum over a whole range, checksum field included, is correct. */
static inline bool checksum_ok(uint32_t sum)
{
	return checksum_fold(sum) == 0xffff;
}

/** Add the `len` bytes at `p`; an odd last byte counts as if a zero byte followed it. */
uint32_t checksum_add(uint32_t sum, const void *p, size_t len);

/** Copy `len` bytes from `src` to `dst`, which do not overlap, and add them. */
uint32_t checksum_copy(uint32_t sum, void *restrict dst, const void *restrict src, size_t len);

/** Sum of the pseudo header of TCP, UDP over IPv4. `src`, `dst`: 4 bytes; `len`: transport header
 * and payload in bytes. */
uint32_t checksum_pseudo4(const void *src, const void *dst, uint8_t proto, uint32_t len);

/** Sum of the pseudo header of TCP, UDP, ICMPv6 over IPv6. `src`, `dst`: 16 bytes; `len`:
 * transport header and payload in bytes. */
uint32_t checksum_pseudo6(const void *src, const void *dst, uint8_t proto, uint32_t len);

/**
 * Replace the 16-bit word at `word` (any alignment) by `v` (host order) and update the final
 * checksum at `field`: a correct checksum stays correct, a wrong one stays wrong by the same
 * difference.
 * `odd`: the word is at an odd offset in the summed range.
 * Source: RFC 1624, equation 3.
 */
void checksum_replace16(void *field, void *word, uint16_t v, bool odd);
