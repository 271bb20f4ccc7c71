/* SPDX-License-Identifier: MIT */
/* The known word closest to a misspelled one. */
#pragma once

#include <stddef.h>

/** Longest word that is compared, in bytes; a longer one matches nothing. */
#define SUGGEST_MAX 32

/**
 * Number of letters to change, insert, delete or swap with a neighbour to turn `a` into `b`,
 * ignoring case. The distance of words longer than SUGGEST_MAX is SUGGEST_MAX + 1.
 */
size_t suggest_distance(const char *a, const char *b);

/** Largest distance of a word that is suggested for `word`: a third of its letters, at least
 * one. */
size_t suggest_reach(const char *word);

/** The search for the known word closest to a misspelled one. */
struct suggestion {
	const char *word;
	const char *nearest; /* of those tried; NULL: none is close enough */
	size_t best;	     /* its distance, or one more than the largest that is suggested */
};

/** Begin a search; `word` is borrowed. */
struct suggestion suggest_begin(const char *word);

/** Try a known word, which is borrowed. */
void suggest_try(struct suggestion *s, const char *known);
