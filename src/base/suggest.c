/* SPDX-License-Identifier: MIT */
/* The known word closest to a misspelled one. */
#include "base/suggest.h"

#include <ctype.h>
#include <string.h>

#include "base/bytes.h"

static int lower(char c)
{
	return tolower((unsigned char)c);
}

size_t suggest_distance(const char *a, const char *b)
{
	/* optimal string alignment; rows i-2, i-1 and i of the table */
	size_t rows[3][SUGGEST_MAX + 1];
	size_t *before = rows[0];
	size_t *above = rows[1];
	size_t *row = rows[2];
	size_t la = strlen(a);
	size_t lb = strlen(b);

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SUGGEST_MAX + 1;
	for (size_t k = 0; k <= lb; k++)
		before[k] = above[k] = k;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t k = 1; k <= lb; k++) {
			size_t change = lower(a[i - 1]) != lower(b[k - 1]);

			row[k] = size_min(
				size_min(above[k] + 1, row[k - 1] + 1), above[k - 1] + change);
			if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) &&
				lower(a[i - 2]) == lower(b[k - 1]))
				row[k] = size_min(row[k], before[k - 2] + 1);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[lb];
}

size_t suggest_reach(const char *word)
{
	return size_max(1, strlen(word) / 3);
}

struct suggestion suggest_begin(const char *word)
{
	return (struct suggestion){ .word = word, .best = suggest_reach(word) + 1 };
}

void suggest_try(struct suggestion *s, const char *known)
{
	size_t distance = suggest_distance(s->word, known);

	if (distance >= s->best)
		return;
	s->best = distance;
	s->nearest = known;
}
