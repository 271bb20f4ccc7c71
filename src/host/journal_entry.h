/* SPDX-License-Identifier: MIT */
/* A line of the journal taken apart into its words. */
#ifndef HOST_JOURNAL_ENTRY_H
#define HOST_JOURNAL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_ENTRY_WORDS   4
#define JOURNAL_ENTRY_LEN_MAX 128 /* of one, with its NUL */

/** The words of a line, none empty. */
struct journal_entry {
	char v[JOURNAL_ENTRY_WORDS][JOURNAL_ENTRY_LEN_MAX];
	size_t n;
};

/** Split a line at its blanks. Return: whether it has exactly `n` words, none of them too long. */
bool journal_entry_split(const char *line, size_t n, struct journal_entry *ret);

/** Read a decimal number. Return: whether it is one, of 32 bits; `ret` is untouched otherwise. */
bool journal_entry_u32(const char *word, uint32_t *ret);

/** Read a MAC, "02:00:00:00:00:01". Return: whether it is one; `ret` is untouched otherwise. */
bool journal_entry_mac(const char *word, uint8_t ret[static 6]);

#endif
