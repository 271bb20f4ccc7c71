/* SPDX-License-Identifier: MIT */
/* Test vectors as hex text, for the tests of this folder only. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** Decode `hex` into `out`. Return: the number of bytes. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
	char pair[3] = { 0 };
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		pair[0] = hex[0];
		pair[1] = hex[1];
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

/** Repeatable bytes for differential tests. */
static inline void fill_pattern(uint8_t *out, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(seed >> 56);
	}
}
