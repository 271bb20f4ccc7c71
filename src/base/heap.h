/* SPDX-License-Identifier: MIT */
/* A binary heap of deadlines: which timer is due next. The caller owns the memory. */
#pragma once

#include "base/mono.h"
#include "base/must_check.h"

#include <stddef.h>

/** An entry of a heap, embedded in the object that has the deadline. `pos` is 1-based; 0: not in a
 * heap. */
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

/** Set the entry's deadline: inserts it, moves it, or (MONO_NEVER) removes it. Return: 0, or
 * -ENOSPC if the heap is full. */
MUST_CHECK int heap_set(struct heap *h, struct heap_entry *e, struct mono due);

/** Remove the entry; no effect if it is in no heap. */
void heap_remove(struct heap *h, struct heap_entry *e);

/** Return: the entry due first, or NULL. */
struct heap_entry *heap_first(const struct heap *h);
