/* SPDX-License-Identifier: MIT */
/* Split a journal line into its fields. */
#ifndef HOST_JOURNAL_ENTRY_H
#define HOST_JOURNAL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_ENTRY_WORDS   4
#define JOURNAL_ENTRY_LEN_MAX 128 /* of one field, with its NUL */

/** The fields of a line, none of them empty. */
struct journal_entry {
	char v[JOURNAL_ENTRY_WORDS][JOURNAL_ENTRY_LEN_MAX];
	size_t n;
};

/** Split a line at its blanks. Return: whether it has exactly `n` fields, none of them too long. */
bool journal_entry_split(const char *line, size_t n, struct journal_entry *ret);

/** Parse a decimal number. Return: whether it is valid and fits 32 bits; `ret` is untouched
 * otherwise. */
bool journal_entry_u32(const char *word, uint32_t *ret);

/** Parse a MAC address, "02:00:00:00:00:01". Return: whether it is valid; `ret` is untouched
 * otherwise. */
bool journal_entry_mac(const char *word, uint8_t ret[static 6]);

#endif
