/* SPDX-License-Identifier: MIT */
/* A pool of equal units that holders share fairly: the one that holds most loses first. */
#include "base/pool.h"

#include "base/bug.h"
#include "base/bytes.h"

void pool_init(struct pool *p, size_t unit)
{
	*p = (struct pool){ .unit = unit };
	for (size_t i = 0; i < POOL_LEVELS; i++)
		list_init(&p->levels[i]);
}

static void put(struct pool *p, void *unit)
{
	struct pool_unit *u = unit;

	u->next = p->free;
	p->free = u;
}

void pool_add(struct pool *p, void *memory, unsigned n)
{
	for (; p->n_fresh; p->n_fresh--, p->fresh += p->unit)
		put(p, p->fresh);
	p->fresh = memory;
	p->n_fresh = n;
	p->n_free += n;
	p->size += n;
}

void pool_share_init(struct pool_share *s)
{
	*s = (struct pool_share){ .weight = 1 };
	list_init(&s->level);
}

static unsigned level_of(const struct pool_share *s)
{
	size_t level = (size_t)s->held * s->weight;

	return (unsigned)size_min(level, POOL_LEVELS - 1);
}

/* Put the share where it belongs by what it holds and weighs now. */
static void place(struct pool *p, struct pool_share *s)
{
	unsigned level = level_of(s);

	list_remove(&s->level);
	if (level)
		list_push_tail(&p->levels[level], &s->level);
	if (level > p->top)
		p->top = level;
	while (p->top && list_is_empty(&p->levels[p->top]))
		p->top--;
}

void pool_share_weigh(struct pool *p, struct pool_share *s, unsigned weight)
{
	if (s->weight == weight)
		return;
	s->weight = weight;
	place(p, s);
}

void *pool_take(struct pool *p, struct pool_share *s)
{
	void *unit = p->free;

	if (unit) {
		p->free = p->free->next;
	} else if (p->n_fresh) {
		unit = p->fresh;
		p->fresh += p->unit;
		p->n_fresh--;
	} else {
		return NULL;
	}
	p->n_free--;
	s->held++;
	place(p, s);
	return unit;
}

void pool_disown(struct pool *p, struct pool_share *s)
{
	ASSERT(s->held);
	s->held--;
	place(p, s);
}

void pool_free(struct pool *p, void *unit)
{
	put(p, unit);
	p->n_free++;
}

void pool_give_back(struct pool *p, struct pool_share *s, void *unit)
{
	pool_disown(p, s);
	pool_free(p, unit);
}

struct pool_share *pool_victim(const struct pool *p, struct pool_share *s)
{
	if (!p->top)
		return NULL;
	if (s->held && level_of(s) == p->top)
		return s;
	return CONTAINER_OF(p->levels[p->top].next, struct pool_share, level);
}
