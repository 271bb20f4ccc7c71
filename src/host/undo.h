/* SPDX-License-Identifier: MIT */
/* A journal undone, backwards, line by line. */
#ifndef HOST_UNDO_H
#define HOST_UNDO_H

#include <stdbool.h>

#include "host/netdev.h"

/** How far back to go. */
enum undo_depth {
	UNDO_HOST = 0, /* up to PostDown, which needs the interfaces gone */
	UNDO_ALL,
};

/** Undo the newest lines. What fails is logged, and the next one's turn comes. */
void undo_lines(struct netdev *m, enum undo_depth depth);

/** Undo one line and take it out of the journal. */
void undo_line(struct netdev *m, size_t i);

#endif
