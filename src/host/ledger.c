/* SPDX-License-Identifier: MIT */
/* Decide whether to restore a difference, and when, or only to report it. */
#include "host/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define BACKOFF	  NS_PER_S	   /* after the first restore; doubled after each further one */
#define DOUBLINGS 4		   /* of the time between restores that fail: 16 s */
#define FINISH	  (3 * NS_PER_S)   /* the time that another program has to set up a bridge */
#define FORGET	  (600 * NS_PER_S) /* after an entry was last seen */

void ledger_begin(struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++) {
		l->v[i].was_present = l->v[i].present;
		l->v[i].present = false;
	}
}

struct ledger_entry *ledger_find(const struct ledger *l, const struct difference *difference)
{
	for (size_t i = 0; i < l->n; i++)
		if (difference_equal(&l->v[i].difference, difference))
			return &l->v[i];
	return NULL;
}

struct ledger_entry *ledger_see(
	struct ledger *l, const struct difference *difference, struct mono now)
{
	struct ledger_entry *e = ledger_find(l, difference);

	if (!e) {
		e = array_grow(&l->v, &l->n, sizeof(*e));
		if (!e)
			return NULL;
	}
	if (difference->later && !e->was_present)
		e->due = mono_add(now, FINISH);
	e->difference = *difference;
	e->present = true;
	e->seen = now;
	return e;
}

/** Whether no further attempt is made after those that failed: each runs resolvconf, which takes
 * its time and prints its own messages. */
static bool has_failed_enough(const struct ledger_entry *e)
{
	return e->difference.kind == DIFFERENCE_DNS && e->failures >= LEDGER_RESTORES_MAX;
}

enum ledger_verdict ledger_judge(const struct ledger_entry *e, struct mono now)
{
	switch (e->difference.remedy) {
	case DIFFERENCE_WAIT:
		return LEDGER_WAIT;
	case DIFFERENCE_LEAVE:
		return LEDGER_LEAVE;
	case DIFFERENCE_RESTORE:
		break;
	}
	if (e->insisted || e->restores >= LEDGER_RESTORES_MAX || has_failed_enough(e))
		return LEDGER_LEAVE;
	return mono_is_set(e->due) && !mono_reached(e->due, now) ? LEDGER_LATER : LEDGER_RESTORE;
}

void ledger_restored(struct ledger_entry *e, struct mono now)
{
	e->due = mono_add(now, BACKOFF << e->restores);
	e->restores++;
	e->failures = 0;
	e->logged = false;
}

bool ledger_failed(struct ledger_entry *e, struct mono now, const struct error *why)
{
	bool new = !e->failures || strcmp(e->why.problem, why->problem) != 0;

	e->due = mono_add(now, BACKOFF << e->failures);
	if (e->failures < DOUBLINGS)
		e->failures++;
	e->why = *why;
	return new;
}

void ledger_end(struct ledger *l, struct mono now)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct ledger_entry *e = &l->v[i];

		if (!e->present) {
			e->logged = false;
			e->failures = 0;
		}
		if (e->present || mono_between(e->seen, now) < FORGET)
			l->v[n++] = *e;
	}
	l->n = n;
}

struct mono ledger_deadline(const struct ledger *l)
{
	struct mono due = MONO_NEVER;

	for (size_t i = 0; i < l->n; i++) {
		const struct ledger_entry *e = &l->v[i];

		if (e->present && ledger_judge(e, e->seen) == LEDGER_LATER)
			due = mono_earliest(due, e->due);
	}
	return due;
}

void ledger_clear(struct ledger *l)
{
	free(l->v);
	*l = (struct ledger){ 0 };
}
