/* SPDX-License-Identifier: MIT */
/* A binary heap of deadlines: which timer is due next. The caller owns the memory. */
#include "base/heap.h"

#include <errno.h>

static void heap_place(struct heap *h, struct heap_entry *e, size_t i)
{
	h->slots[i] = e;
	e->pos = i + 1;
}

static void heap_up(struct heap *h, struct heap_entry *e, size_t i)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (!mono_before(e->due, h->slots[parent]->due))
			break;
		heap_place(h, h->slots[parent], i);
		i = parent;
	}
	heap_place(h, e, i);
}

static void heap_down(struct heap *h, struct heap_entry *e, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->len)
			break;
		if (child + 1 < h->len &&
			mono_before(h->slots[child + 1]->due, h->slots[child]->due))
			child++;
		if (!mono_before(h->slots[child]->due, e->due))
			break;
		heap_place(h, h->slots[child], i);
		i = child;
	}
	heap_place(h, e, i);
}

static void heap_settle(struct heap *h, struct heap_entry *e, size_t i)
{
	heap_up(h, e, i);
	heap_down(h, e, e->pos - 1);
}

int heap_set(struct heap *h, struct heap_entry *e, struct mono due)
{
	if (!mono_is_set(due)) {
		heap_remove(h, e);
		return 0;
	}
	if (!e->pos) {
		if (h->len == h->cap)
			return -ENOSPC;
		e->due = due;
		h->len++;
		heap_up(h, e, h->len - 1);
		return 0;
	}
	e->due = due;
	heap_settle(h, e, e->pos - 1);
	return 0;
}

void heap_remove(struct heap *h, struct heap_entry *e)
{
	size_t hole;
	struct heap_entry *last;

	if (!e->pos)
		return;
	hole = e->pos - 1;
	e->pos = 0;
	last = h->slots[--h->len];
	if (last != e)
		heap_settle(h, last, hole);
}

struct heap_entry *heap_first(const struct heap *h)
{
	return h->len ? h->slots[0] : NULL;
}
