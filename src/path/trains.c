/* SPDX-License-Identifier: MIT */
/* The limit on datagrams per train to a peer, for paths that lose trains but not single
 * datagrams. */
#include "path/trains.h"

void trains_init(struct trains *t)
{
	*t = (struct trains){ .max = TRAINS_ANY };
}

static bool may_raise(const struct trains *t, struct mono now)
{
	return t->longest > t->max && mono_reached(t->next_raise, now);
}

bool trains_due(const struct trains *t, struct mono now)
{
	if (may_raise(t, now))
		return true;
	return t->max > 1 && t->longest > 1 &&
	       (!mono_is_set(t->next_check) || mono_reached(t->next_check, now));
}

/* List first, 2 * first, 4 * first … below `end`. */
static size_t powers(unsigned first, unsigned end, unsigned ret[static TRAINS_PROBES])
{
	size_t n = 0;

	for (unsigned count = first; count < end && n + 1 < TRAINS_PROBES; count *= 2)
		ret[n++] = count;
	return n;
}

size_t trains_begin(struct trains *t, struct mono now, unsigned ret[static TRAINS_PROBES])
{
	size_t n;

	t->raising = may_raise(t, now);
	if (!t->raising) {
		ret[0] = t->longest < t->max ? t->longest : t->max;
		return 1;
	}
	n = powers(2 * t->max, t->longest, ret);
	ret[n++] = t->longest;
	return n;
}

void trains_passed(struct trains *t, unsigned count)
{
	if (count > t->max)
		t->max = count;
	if (t->failed && t->max >= t->failed) { /* the length that was lost passes now */
		t->max = TRAINS_ANY;
		t->failed = 0;
	}
}

size_t trains_lost(struct trains *t, unsigned count, unsigned ret[static TRAINS_PROBES])
{
	if (!t->failed || count < t->failed)
		t->failed = count;
	if (t->raising)
		return 0;
	t->max = 1;
	t->raising = true;
	return powers(2, count, ret);
}

static uint64_t later(uint64_t ns)
{
	return 2 * ns < TRAINS_RAISE_MAX_NS ? 2 * ns : TRAINS_RAISE_MAX_NS;
}

void trains_done(struct trains *t, uint64_t raise_ns, struct mono now)
{
	bool raised = mono_reached(t->next_raise, now);

	t->longest = 0;
	t->raising = false;
	t->next_check = mono_add(now, TRAINS_CHECK_NS);
	if (t->max == TRAINS_ANY) {
		t->raise_ns = 0;
		t->next_raise = MONO_NEVER;
	} else if (!t->raise_ns || raised) {
		t->raise_ns = t->raise_ns ? later(t->raise_ns) : raise_ns;
		t->next_raise = mono_add(now, t->raise_ns);
	}
}

void trains_recheck(struct trains *t)
{
	t->next_check = MONO_NEVER;
}
