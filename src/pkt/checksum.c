/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071): sums over ranges, pseudo headers, and updates in place (RFC
 * 1624). */
#include "pkt/checksum.h"

/* Four 64-bit lanes: two registers with SSE2 or NEON, one with AVX2. */
typedef uint64_t lanes __attribute__((vector_size(32)));

/* 64-bit sum, of 32-bit words: cannot overflow below 16 GiB. */
static uint64_t sum_lanes(const lanes *low, const lanes *high)
{
	lanes all = (*low & 0xffffffff) + (*low >> 32) + (*high & 0xffffffff) + (*high >> 32);

	return all[0] + all[1] + all[2] + all[3];
}

static uint32_t fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)sum;
}

/* What is left behind the lanes: below 32 bytes. */
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

	if (len >= sizeof(lanes)) {
		lanes low = { 0 }, high = { 0 }, v;

		for (; len >= sizeof(v); at += sizeof(v), len -= sizeof(v)) {
			memcpy(&v, at, sizeof(v));
			low += v & 0xffffffff;
			high += v >> 32;
		}
		total += sum_lanes(&low, &high);
	}
	return fold32(total + sum_tail(at, len));
}

uint32_t checksum_copy(uint32_t sum, void *dst, const void *src, size_t len)
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	uint64_t total = sum;

	if (len >= sizeof(lanes)) {
		lanes low = { 0 }, high = { 0 }, v;

		for (; len >= sizeof(v); from += sizeof(v), to += sizeof(v), len -= sizeof(v)) {
			memcpy(&v, from, sizeof(v));
			memcpy(to, &v, sizeof(v));
			low += v & 0xffffffff;
			high += v >> 32;
		}
		total += sum_lanes(&low, &high);
	}
	memcpy(to, from, len);
	return fold32(total + sum_tail(from, len));
}

uint32_t checksum_pseudo4(const void *src, const void *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = (uint64_t)load_le32(src) + load_le32(dst);

	sum += __builtin_bswap32(len);
	sum += (uint32_t)proto << 8; /* the word 00 proto, as it lies in memory */
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
