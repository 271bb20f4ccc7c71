/* SPDX-License-Identifier: MIT */
/* A binary heap of deadlines: which timer is due next. Memory is the caller's. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/mono.h"

#include <stddef.h>

/** A place in a heap, embedded in whatever has a deadline. `pos` is 1-based; 0 means "not in a
 * heap". */
struct heap_entry {
	struct mono due;
	size_t pos;
};

/** A heap over `slots[cap]`, an array of pointers that the caller owns (slot 0 is the earliest). */
struct heap {
	struct heap_entry **slots;
	size_t len;
	size_t cap;
};

/** Set the entry's deadline: puts it in, moves it, or (MONO_NEVER) takes it out. Return: 0, or
 * -ENOSPC if the heap is full. */
int heap_set(struct heap *h, struct heap_entry *e, struct mono due);

/** Take the entry out; it may be in no heap. */
void heap_remove(struct heap *h, struct heap_entry *e);

/** Return: the entry due first, or NULL. */
struct heap_entry *heap_first(const struct heap *h);

#endif
