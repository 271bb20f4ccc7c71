/* SPDX-License-Identifier: MIT */
/* Sets of prefixes, for lists of thousands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "conf/model.h"

/** Prefixes without host bits. Zero-initialise it; free it with prefix_set_fini(). */
struct prefix_set {
	struct ip_prefix *v;
	size_t n;
	bool has_len[129]; /* one of them, of any family, has so many bits */
};

/** Add a prefix; its host bits are cleared. Return: 0 or -ENOMEM. */
MUST_CHECK int prefix_set_add(struct prefix_set *set, const struct ip_prefix *p);

/** Sort the set: to be called after the last one is added, before it is asked. */
void prefix_set_sort(struct prefix_set *set);

/** Whether the set has a prefix, apart from host bits. */
bool prefix_set_has(const struct prefix_set *set, const struct ip_prefix *p);

/** Whether the set has a prefix that all of `p` lies in. */
bool prefix_set_covers(const struct prefix_set *set, const struct ip_prefix *p);

/** Free its memory. */
void prefix_set_fini(struct prefix_set *set);

/** Remove from a list what it has before, host bits included. Return: 0 or -ENOMEM. */
MUST_CHECK int prefixes_unite(struct conf_prefixes *list);
