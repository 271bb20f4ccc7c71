/* SPDX-License-Identifier: MIT */
/* Deficit round robin with precedence for entries that are new. Source: RFC 8290 §4.2. */
#pragma once

#include "base/list.h"

/** Bytes that an entry may send in its turn: one frame of 1,500 bytes and its header. */
#define ROUND_QUANTUM 1514

/** Entries that have something to send: new ones, which come first, and the others. */
struct round {
	struct list fresh;
	struct list old;
};

/** An entry of a round. */
struct round_entry {
	struct list link;
	int deficit;
	bool fresh; /* is in `fresh` */
};

/** Initialise a round without entries. */
void round_init(struct round *r);

/** Initialise an entry that is in no round. */
void round_entry_init(struct round_entry *e);

/** The entry has something to send: add it as a new one, unless it is in the round already. */
void round_add(struct round *r, struct round_entry *e);

/** Return: the entry whose turn it is; NULL if there is none. */
struct round_entry *round_turn(struct round *r);

/** The entry whose turn it is has nothing to send. A new one that leaves once more as an old one
 * first, so that it cannot come first again at once. */
void round_leave(struct round *r, struct round_entry *e);

/** Put an entry that was removed with list_remove() behind the others. */
void round_return(struct round *r, struct round_entry *e);
