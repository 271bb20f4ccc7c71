/* SPDX-License-Identifier: MIT */
/* Loads and stores of integers in wire byte order, and size helpers. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Check where fields lie in cache lines. The layouts are made for hosts of 64 bits; on others they
 * are right, but not the best. */
#define LINE_ASSERT(condition, text) _Static_assert(sizeof(void *) < 8 || (condition), text)

/** Number of elements of an array (not of a pointer). */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** The struct that holds `member` at address `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_BE(bits, v) __builtin_bswap##bits(v)
#define BYTES_LE(bits, v) (v)
#else
#define BYTES_BE(bits, v) (v)
#define BYTES_LE(bits, v) __builtin_bswap##bits(v)
#endif

/** Big-endian 16-bit load from any alignment. */
static inline uint16_t load_be16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)((b[0] << 8) | b[1]);
}

/** Big-endian 32-bit load from any alignment. */
static inline uint32_t load_be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return BYTES_BE(32, v);
}

/** Big-endian 64-bit load from any alignment. */
static inline uint64_t load_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return BYTES_BE(64, v);
}

/** Big-endian 16-bit store to any alignment. */
static inline void store_be16(void *p, uint16_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/** Big-endian 32-bit store to any alignment. */
static inline void store_be32(void *p, uint32_t v)
{
	v = BYTES_BE(32, v);
	memcpy(p, &v, sizeof(v));
}

/** Big-endian 64-bit store to any alignment. */
static inline void store_be64(void *p, uint64_t v)
{
	v = BYTES_BE(64, v);
	memcpy(p, &v, sizeof(v));
}

/** Little-endian 16-bit load from any alignment. */
static inline uint16_t load_le16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return BYTES_LE(16, v);
}

/** Little-endian 32-bit load from any alignment. */
static inline uint32_t load_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return BYTES_LE(32, v);
}

/** Little-endian 64-bit load from any alignment. */
static inline uint64_t load_le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return BYTES_LE(64, v);
}

/** Little-endian 16-bit store to any alignment. */
static inline void store_le16(void *p, uint16_t v)
{
	const uint16_t le = BYTES_LE(16, v);

	memcpy(p, &le, sizeof(le));
}

/** Little-endian 32-bit store to any alignment. */
static inline void store_le32(void *p, uint32_t v)
{
	const uint32_t le = BYTES_LE(32, v);

	memcpy(p, &le, sizeof(le));
}

/** Little-endian 64-bit store to any alignment. */
static inline void store_le64(void *p, uint64_t v)
{
	const uint64_t le = BYTES_LE(64, v);

	memcpy(p, &le, sizeof(le));
}

/** The unsigned number of `size` bytes, at most 8, at `p`, in host order. */
static inline uint64_t load_host(const void *p, size_t size)
{
	uint64_t v = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(&v, p, size);
#else
	memcpy((uint8_t *)&v + sizeof(v) - size, p, size);
#endif
	return v;
}

/** Store the lower `size` bytes, at most 8, of a number at `p`, in host order. */
static inline void store_host(void *p, uint64_t v, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(p, &v, size);
#else
	memcpy(p, (const uint8_t *)&v + sizeof(v) - size, size);
#endif
}

/** The smaller of two sizes. */
static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/** The larger of two sizes. */
static inline size_t size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

/** `n` rounded up to a multiple of `align`, a power of two. */
static inline size_t size_align(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}
