/* SPDX-License-Identifier: MIT */
/* An intrusive, circular, doubly linked list. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

/** A link in a list, or its head. A head, and a link in no list, points at itself. */
struct list {
	struct list *next;
	struct list *prev;
};

/** Make `l` an empty head, or a link in no list. */
static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

/** Whether the head has no entries (or the link is in no list). */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/** Put `entry` at the tail of `head`. */
static inline void list_push_tail(struct list *head, struct list *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

/** Put `entry` at the front of `head`. */
static inline void list_push_front(struct list *head, struct list *entry)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	head->next = entry;
}

/** Take `entry` out of whatever list it is in; it may be in none. */
static inline void list_remove(struct list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

/** Walk over a list; the entry in hand may not be removed. */
#define LIST_FOR_EACH(pos, head)                                                                   \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/** Walk over a list; the entry in hand may be removed. */
#define LIST_FOR_EACH_SAFE(pos, tmp, head)                                                         \
	for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head);                     \
		pos = tmp, tmp = pos->next)

#endif
