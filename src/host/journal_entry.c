/* SPDX-License-Identifier: MIT */
/* Split a journal line into its fields. */
#include "host/journal_entry.h"

#include <stdlib.h>
#include <string.h>

bool journal_entry_split(const char *line, size_t n, struct journal_entry *ret)
{
	ret->n = 0;
	for (;;) {
		size_t len;

		line += strspn(line, " ");
		len = strcspn(line, " ");
		if (!len)
			return ret->n == n;
		if (ret->n == JOURNAL_ENTRY_WORDS || len >= JOURNAL_ENTRY_LEN_MAX)
			return false;
		memcpy(ret->v[ret->n], line, len);
		ret->v[ret->n++][len] = '\0';
		line += len;
	}
}

bool journal_entry_u32(const char *word, uint32_t *ret)
{
	unsigned long long v;

	if (!*word || strlen(word) > 10 || strspn(word, "0123456789") != strlen(word))
		return false;
	v = strtoull(word, NULL, 10);
	if (v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool journal_entry_mac(const char *word, uint8_t ret[static 6])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t mac[6];

	if (strlen(word) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		const char *high = strchr(digits, word[3 * i]);
		const char *low = strchr(digits, word[3 * i + 1]);

		if (!high || !low || (i < 5 && word[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	memcpy(ret, mac, sizeof(mac));
	return true;
}
