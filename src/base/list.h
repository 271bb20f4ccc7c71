/* SPDX-License-Identifier: MIT */
/* An intrusive, circular, doubly linked list. */
#pragma once

#include <stdbool.h>

/** A link of a list, or its head. An empty head, or an unlinked entry, points at itself. */
struct list {
	struct list *next;
	struct list *prev;
};

/** Initialise `l` as an empty head or an unlinked entry. */
static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

/** Whether the head has no entries, or the entry is unlinked. */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/** Add `entry` at the tail of `head`. */
static inline void list_push_tail(struct list *head, struct list *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

/** Unlink `entry` from its list, if it is in one. */
static inline void list_remove(struct list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

/** Iterate over a list; the loop body must not remove `pos`. */
#define LIST_FOR_EACH(pos, head)                                                                   \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/** Iterate over a list; the loop body may remove `pos`. */
#define LIST_FOR_EACH_SAFE(pos, tmp, head)                                                         \
	for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head);                     \
		pos = tmp, tmp = pos->next)
