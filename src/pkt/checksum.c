/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071): sums over ranges, pseudo headers, and incremental updates (RFC
 * 1624). */
#include "pkt/checksum.h"

/* Bytes per iteration of the loops. */
#define BLOCK 64

/* Two 64-bit lanes: one register with SSE2 or NEON. */
typedef uint64_t lanes __attribute__((vector_size(16)));
typedef lanes lanes_anywhere __attribute__((aligned(1), may_alias));

/*
 * Sum of 32-bit words, at two additions and one shift per 16 bytes: `all` adds whole 64-bit lanes
 * and loses its carries; `high` adds only the upper halves and loses none (below 64 GiB). The sum
 * of the lower halves follows: all − (high << 32), which is exact.
 */
struct acc {
	lanes all;
	lanes high;
};

/* The lanes as sum_tail() reads words. */
static inline lanes lanes_le(lanes v)
{
	return (lanes){ BYTES_LE(64, v[0]), BYTES_LE(64, v[1]) };
}

static inline lanes load_lanes(const uint8_t *p)
{
	return lanes_le(*(const lanes_anywhere *)p);
}

static inline lanes move_lanes(uint8_t *to, const uint8_t *from)
{
	lanes v = *(const lanes_anywhere *)from;

	*(lanes_anywhere *)to = v;
	return lanes_le(v);
}

static inline void acc_add(struct acc *a, lanes v)
{
	a->all += v;
	a->high += v >> 32;
}

static inline uint64_t acc_sum(const struct acc *a)
{
	lanes low = a->all - (a->high << 32);

	return low[0] + low[1] + a->high[0] + a->high[1];
}

static uint32_t fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)sum;
}

/* The bytes after the last whole block: less than 64. */
static uint64_t sum_tail(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len >= 4; p += 4, len -= 4)
		sum += load_le32(p);
	if (len >= 2) {
		sum += load_le16(p);
		p += 2;
		len -= 2;
	}
	return len ? sum + *p : sum;
}

uint32_t checksum_add(uint32_t sum, const void *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t total = sum;

	if (len >= BLOCK) {
		struct acc a = { 0 }, b = { 0 };

		for (; len >= BLOCK; at += BLOCK, len -= BLOCK) {
			acc_add(&a, load_lanes(at));
			acc_add(&b, load_lanes(at + 16));
			acc_add(&a, load_lanes(at + 32));
			acc_add(&b, load_lanes(at + 48));
		}
		total += (uint64_t)fold32(acc_sum(&a)) + fold32(acc_sum(&b));
	}
	return fold32(total + sum_tail(at, len));
}

uint32_t checksum_copy(uint32_t sum, void *restrict dst, const void *restrict src, size_t len)
{
	const uint8_t *restrict from = src;
	uint8_t *restrict to = dst;
	uint64_t total = sum;

	if (len >= BLOCK) {
		struct acc a = { 0 }, b = { 0 };

		for (; len >= BLOCK; from += BLOCK, to += BLOCK, len -= BLOCK) {
			acc_add(&a, move_lanes(to, from));
			acc_add(&b, move_lanes(to + 16, from + 16));
			acc_add(&a, move_lanes(to + 32, from + 32));
			acc_add(&b, move_lanes(to + 48, from + 48));
		}
		total += (uint64_t)fold32(acc_sum(&a)) + fold32(acc_sum(&b));
	}
	memcpy(to, from, len);
	return fold32(total + sum_tail(from, len));
}

uint32_t checksum_pseudo4(const void *src, const void *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = (uint64_t)load_le32(src) + load_le32(dst);

	sum += __builtin_bswap32(len);
	sum += (uint32_t)proto << 8; /* the word 00 proto, in memory order */
	return fold32(sum);
}

uint32_t checksum_pseudo6(const void *src, const void *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = __builtin_bswap32(len);

	sum += sum_tail(src, 16);
	sum += sum_tail(dst, 16);
	sum += (uint32_t)proto << 8;
	return fold32(sum);
}

void checksum_replace16(void *field, void *word, uint16_t v, bool odd)
{
	uint16_t old = load_le16(word);
	uint16_t new = __builtin_bswap16(v);
	uint32_t sum = (uint16_t)~load_le16(field);

	store_le16(word, new);
	if (odd) {
		old = __builtin_bswap16(old);
		new = __builtin_bswap16(new);
	}
	sum += (uint16_t)~old;
	sum += new;
	checksum_store(field, sum);
}
