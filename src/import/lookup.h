/* SPDX-License-Identifier: MIT */
/* Numbers by text, for what many lines name. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"

/** What a number is found by: a kind, a static text and a text. */
struct lookup_key {
	unsigned kind;
	const char *group;
	const char *text;
};

/** Numbers by key: a tree. Zero-initialise it; end it with lookup_fini(). */
struct lookup {
	void *root;
};

/** Return: the number of a key, which may be changed; or NULL. */
size_t *lookup_find(const struct lookup *l, const struct lookup_key *key);

/** Find a key's number, or add the key, whose texts are borrowed, with that number. Return: the
 * number; or NULL if out of memory. */
MUST_CHECK size_t *lookup_add(struct lookup *l, const struct lookup_key *key, size_t number);

/** Forget all keys. */
void lookup_fini(struct lookup *l);
