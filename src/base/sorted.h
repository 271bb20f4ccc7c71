/* SPDX-License-Identifier: MIT */
/* Arrays of structs that are sorted by a key of bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Such an array. */
struct sorted {
	const void *items; /* NULL if there are none */
	size_t n;
	size_t size;	/* of an item, in bytes */
	size_t key_at;	/* offset of the key in an item, in bytes */
	size_t key_len; /* in bytes */
};

/** The key of item `i`. */
static inline const uint8_t *sorted_key(const struct sorted *s, size_t i)
{
	return (const uint8_t *)s->items + i * s->size + s->key_at;
}

/** Return: the position of the first item whose key is not less than `key`; or `n`. */
static inline size_t sorted_position(const struct sorted *s, const uint8_t *key)
{
	size_t low = 0;
	size_t high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(sorted_key(s, middle), key, s->key_len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** Return: the position of the item with `key`; `n` if there is none. */
static inline size_t sorted_find(const struct sorted *s, const uint8_t *key)
{
	size_t i = sorted_position(s, key);

	return i < s->n && memcmp(sorted_key(s, i), key, s->key_len) == 0 ? i : s->n;
}
