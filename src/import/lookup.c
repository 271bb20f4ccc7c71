/* SPDX-License-Identifier: MIT */
/* Numbers by text, for what many lines name. */
#include "import/lookup.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* An item of the tree; its key is first, so that a key is compared as an item is. */
struct numbered {
	struct lookup_key key;
	size_t number;
};

static int compare_keys(const void *a, const void *b)
{
	const struct lookup_key *x = a;
	const struct lookup_key *y = b;
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	if (!order)
		order = strcmp(x->group, y->group);
	return order ? order : strcmp(x->text, y->text);
}

size_t *lookup_find(const struct lookup *l, const struct lookup_key *key)
{
	struct numbered *const *found = tfind(key, &l->root, compare_keys);

	return found ? &(*found)->number : NULL;
}

size_t *lookup_add(struct lookup *l, const struct lookup_key *key, size_t number)
{
	size_t *old = lookup_find(l, key);
	struct numbered *item = old ? NULL : calloc(1, sizeof(*item));

	if (!item)
		return old;
	*item = (struct numbered){ *key, number };
	if (tsearch(item, &l->root, compare_keys))
		return &item->number;
	free(item);
	return NULL;
}

void lookup_fini(struct lookup *l)
{
	tdestroy(l->root, free);
	l->root = NULL;
}
