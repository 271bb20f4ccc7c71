/* SPDX-License-Identifier: MIT */
/* The known word nearest to a mistyped one. */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include <stddef.h>

/** Longest word that is compared, in bytes; a longer one is near to nothing. */
#define CONF_NEAREST_MAX 32

/**
 * Letters to change, put in, leave out or swap with a neighbour to make `b` of `a`; case does not
 * count. Words longer than CONF_NEAREST_MAX are at distance CONF_NEAREST_MAX + 1.
 */
size_t conf_word_distance(const char *a, const char *b);

/** How near a word must be to be offered: a third of its letters may be wrong, at least one. */
size_t conf_word_reach(const char *word);

#endif
