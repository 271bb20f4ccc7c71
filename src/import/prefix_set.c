/* SPDX-License-Identifier: MIT */
/* Sets of prefixes, for lists of thousands. */
#include "import/prefix_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"

/* A prefix is its own key: nothing is between its members, and IPv4 leaves no byte open. */
#define PREFIX_KEY_LEN (offsetof(struct ip_prefix, len) + 1)

_Static_assert(sizeof(struct ip_addr) == sizeof(uint16_t) + 16, "a prefix is a key");
_Static_assert(offsetof(struct ip_prefix, len) == sizeof(struct ip_addr), "a prefix is a key");

int prefix_set_add(struct prefix_set *set, const struct ip_prefix *p)
{
	struct ip_prefix *slot = array_grow(&set->v, &set->n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = ip_prefix_masked(p);
	set->has_len[slot->len] = true;
	return 0;
}

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, PREFIX_KEY_LEN);
}

void prefix_set_sort(struct prefix_set *set)
{
	if (set->n)
		qsort(set->v, set->n, sizeof(*set->v), compare_prefixes);
}

bool prefix_set_has(const struct prefix_set *set, const struct ip_prefix *p)
{
	struct sorted sorted = { set->v, set->n, sizeof(*set->v), 0, PREFIX_KEY_LEN };
	struct ip_prefix masked = ip_prefix_masked(p);

	return sorted_find(&sorted, (const uint8_t *)&masked) < set->n;
}

bool prefix_set_covers(const struct prefix_set *set, const struct ip_prefix *p)
{
	struct ip_prefix wider = *p;

	for (unsigned len = 0; len <= p->len; len++) {
		wider.len = (uint8_t)len;
		if (set->has_len[len] && prefix_set_has(set, &wider))
			return true;
	}
	return false;
}

void prefix_set_fini(struct prefix_set *set)
{
	free(set->v);
	*set = (struct prefix_set){ 0 };
}

/* By prefix; then by position in the list. */
static int compare_items(const void *a, const void *b)
{
	const struct conf_prefix *x = *(const struct conf_prefix *const *)a;
	const struct conf_prefix *y = *(const struct conf_prefix *const *)b;
	int order = ip_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : (x > y) - (x < y); /* in one array */
}

int prefixes_unite(struct conf_prefixes *list)
{
	struct conf_prefix **sorted = calloc(list->n + 1, sizeof(void *));
	size_t left = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		sorted[i] = &list->v[i];
	qsort(sorted, list->n, sizeof(void *), compare_items);
	for (size_t i = list->n; i-- > 1;)
		if (ip_prefix_equal(&sorted[i - 1]->prefix, &sorted[i]->prefix))
			sorted[i]->prefix.addr.family = 0; /* none */
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].prefix.addr.family)
			list->v[left++] = list->v[i];
	list->n = left;
	free(sorted);
	return 0;
}
