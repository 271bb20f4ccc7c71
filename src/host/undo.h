/* SPDX-License-Identifier: MIT */
/* Undo a journal backwards, entry by entry. */
#ifndef HOST_UNDO_H
#define HOST_UNDO_H

#include <stdbool.h>

#include "host/netdev.h"

/** How far to undo. */
enum undo_depth {
	UNDO_HOST = 0, /* stops before PostDown, which runs after the interfaces are deleted */
	UNDO_ALL,
};

/** Undo the newest entries. A failure is logged, and the next entry is undone. */
void undo_journal(struct netdev *m, enum undo_depth depth);

/** Undo one entry and remove it from the journal. */
void undo_entry(struct netdev *m, size_t i);

#endif
