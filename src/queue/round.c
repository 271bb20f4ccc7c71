/* SPDX-License-Identifier: MIT */
/* Deficit round robin with precedence for entries that are new. Source: RFC 8290 §4.2. */
#include "queue/round.h"

#include "base/bytes.h"

void round_init(struct round *r)
{
	list_init(&r->fresh);
	list_init(&r->old);
}

void round_entry_init(struct round_entry *e)
{
	*e = (struct round_entry){ 0 };
	list_init(&e->link);
}

void round_add(struct round *r, struct round_entry *e)
{
	if (!list_is_empty(&e->link))
		return;
	e->deficit = ROUND_QUANTUM;
	e->fresh = true;
	list_push_tail(&r->fresh, &e->link);
}

void round_return(struct round *r, struct round_entry *e)
{
	list_remove(&e->link);
	e->fresh = false;
	list_push_tail(&r->old, &e->link);
}

struct round_entry *round_turn(struct round *r)
{
	for (;;) {
		const struct list *from = list_is_empty(&r->fresh) ? &r->old : &r->fresh;
		struct round_entry *e;

		if (list_is_empty(from))
			return NULL;
		e = CONTAINER_OF(from->next, struct round_entry, link);
		if (e->deficit > 0)
			return e;
		e->deficit += ROUND_QUANTUM;
		round_return(r, e);
	}
}

void round_leave(struct round *r, struct round_entry *e)
{
	if (e->fresh && !list_is_empty(&r->old)) {
		round_return(r, e);
		return;
	}
	list_remove(&e->link);
}
