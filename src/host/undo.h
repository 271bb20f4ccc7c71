/* SPDX-License-Identifier: MIT */
/* Undo a journal backwards, entry by entry. */
#pragma once

#include <stdbool.h>

#include "host/netdev.h"

/** How far to undo. */
enum undo_depth {
	UNDO_HOST = 0, /* stops before PostDown, which runs after the interfaces are deleted */
	UNDO_ALL,
};

/**
 * Undo the entries, newest first. One that fails is logged and tried again after the others; if it
 * fails again, it stays in the journal for the next attempt.
 * Return: 0 if none stays, or -errno with the netdev's error filled: what stays, and what to do.
 */
int undo_journal(struct netdev *m, enum undo_depth depth);

/** Undo one entry, and remove it from the journal if that succeeds. Return: 0; or -errno, logged
 * and with the netdev's error filled. */
int undo_entry(struct netdev *m, size_t i);
