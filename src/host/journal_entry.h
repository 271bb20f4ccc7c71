/* SPDX-License-Identifier: MIT */
/* A line of the journal taken apart into its words. */
#ifndef HOST_JOURNAL_ENTRY_H
#define HOST_JOURNAL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX     4
#define WORDS_LEN_MAX 128 /* of one, with its NUL */

/** The words of a line, none empty. */
struct words {
	char v[WORDS_MAX][WORDS_LEN_MAX];
	size_t n;
};

/** Split a line at its blanks. Return: whether it has exactly `n` words, none of them too long. */
bool words_split(const char *line, size_t n, struct words *ret);

/** Read a decimal number. Return: whether it is one, of 32 bits; `ret` is untouched otherwise. */
bool words_u32(const char *word, uint32_t *ret);

/** Read a MAC, "02:00:00:00:00:01". Return: whether it is one; `ret` is untouched otherwise. */
bool words_mac(const char *word, uint8_t ret[static 6]);

#endif
