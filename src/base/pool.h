/* SPDX-License-Identifier: MIT */
/* A pool of equal units that holders share fairly: the one that holds most loses first. */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * Any holder may take units while there are free ones. When there are none, pool_victim() names the
 * holder that is to give one back: the one that holds most, or the one that asks if it holds as
 * many. So shares converge to max-min fairness: each holder gets what it asks for, up to an equal
 * part of the pool. With `size` units and at most n holders, a holder of fewer than size / n never
 * loses a unit: that is each holder's guaranteed share. What the others leave is common.
 *
 * Holders stand in lists by how much they hold ("levels"), so each operation takes constant time. A
 * weight makes each unit of a holder count for more: that holder loses units earlier, and its
 * guaranteed share shrinks by as much. Levels end at POOL_LEVELS - 1: beyond, holders count as
 * equal.
 *
 * Memory is the caller's and comes in blocks. Units that were never taken are never touched, so
 * their pages need not be resident; free units are taken again last in, first out.
 *
 * It does not: take a unit away from a holder. The caller frees one of the victim's units and asks
 * again.
 */

#define POOL_LEVELS 1024

/** What one holder has of a pool. In memory of the caller's; zeroed, then pool_share_init(). */
struct pool_share {
	struct list level; /* in the pool's levels, while it holds anything */
	unsigned held;	   /* units */
	unsigned weight;   /* by which each counts; at least 1 */
};

/** A free unit. */
struct pool_unit {
	struct pool_unit *next;
};

/** The pool. It must not move. */
struct pool {
	size_t unit;	 /* bytes of each, a multiple of their alignment */
	unsigned size;	 /* units in all, */
	unsigned n_free; /* and not taken */
	struct pool_unit *free;
	uint8_t *fresh;	  /* units that were never taken, */
	unsigned n_fresh; /* so many */
	unsigned top;	  /* no holder is at a higher level */
	struct list levels[POOL_LEVELS];
};

/** Start a pool without memory, of units of `unit` bytes. */
void pool_init(struct pool *p, size_t unit);

/** Give it `n` more units at `memory`, aligned as a unit has to be: the pool's until its end. */
void pool_add(struct pool *p, void *memory, unsigned n);

/** Start a share that holds nothing. */
void pool_share_init(struct pool_share *s);

/** Set what each unit of the share counts, 1 or more. */
void pool_share_weigh(struct pool *p, struct pool_share *s, unsigned weight);

/** Whether `n` units are free. */
static inline bool pool_has(const struct pool *p, unsigned n)
{
	return p->n_free >= n;
}

/** Take a unit for a holder. Return: the unit, its bytes undefined; NULL if none is free. */
void *pool_take(struct pool *p, struct pool_share *s);

/** A unit counts for its holder no longer, but is not free yet: pool_free() has to follow. */
void pool_disown(struct pool *p, struct pool_share *s);

/** Free a unit that counts for no holder. */
void pool_free(struct pool *p, void *unit);

/** Free a unit of a holder. */
void pool_give_back(struct pool *p, struct pool_share *s, void *unit);

/**
 * Too few units are free, and the holder `s` wants one. Return: who has to give one back, `s`
 * itself perhaps; NULL if no holder has any.
 */
struct pool_share *pool_victim(const struct pool *p, struct pool_share *s);
