/* SPDX-License-Identifier: MIT */
/* Receiver indices: the random 32-bit numbers by which a peer's messages identify our state. */
#include "wg/indextable.h"

#include <errno.h>
#include <string.h>

/* We choose indices at random, so their low bits serve as a hash. */
static size_t home_of(const struct wg_indextable *t, uint32_t index)
{
	return index & (t->cap - 1);
}

void wg_indextable_init(struct wg_indextable *t, struct wg_index_entry *slots, size_t cap)
{
	memset(slots, 0, cap * sizeof(*slots));
	*t = (struct wg_indextable){ .slots = slots, .cap = cap };
}

struct wg_index_entry *wg_indextable_find(const struct wg_indextable *t, uint32_t index)
{
	for (size_t i = home_of(t, index); t->slots[i].peer; i = (i + 1) & (t->cap - 1))
		if (t->slots[i].index == index)
			return &t->slots[i];
	return NULL;
}

static void place(struct wg_indextable *t, const struct wg_index_entry *e)
{
	size_t i = home_of(t, e->index);

	while (t->slots[i].peer)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = *e;
	t->len++;
}

int wg_indextable_put(
	struct wg_indextable *t, uint32_t index, struct wg_peer *peer, struct wg_keypair *keypair)
{
	const struct wg_index_entry e = { .index = index, .peer = peer, .keypair = keypair };

	if (!index)
		return -EINVAL;
	if (wg_indextable_find(t, index))
		return -EEXIST;
	if (t->len >= t->cap / 4 * 3)
		return -ENOSPC;
	place(t, &e);
	return 0;
}

int wg_indextable_add(struct wg_indextable *t, const struct rng *rng, struct wg_peer *peer,
	struct wg_keypair *keypair, uint32_t *ret_index)
{
	struct wg_index_entry e = { .peer = peer, .keypair = keypair };

	if (t->len >= t->cap / 4 * 3)
		return -ENOSPC;
	do
		e.index = rng_u32(rng);
	while (!e.index || wg_indextable_find(t, e.index));
	place(t, &e);
	*ret_index = e.index;
	return 0;
}

/* Close the gap at `hole`: move entries back that a collision had displaced. */
static void close_gap(struct wg_indextable *t, size_t hole)
{
	size_t mask = t->cap - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i].peer; i = (i + 1) & mask) {
		size_t home = home_of(t, t->slots[i].index);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct wg_index_entry){ 0 };
}

void wg_indextable_remove(struct wg_indextable *t, uint32_t index)
{
	struct wg_index_entry *e = wg_indextable_find(t, index);

	if (!e)
		return;
	t->len--;
	close_gap(t, (size_t)(e - t->slots));
}

void wg_indextable_move(struct wg_indextable *t, struct wg_index_entry *slots, size_t cap)
{
	struct wg_indextable old = *t;

	wg_indextable_init(t, slots, cap);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].peer)
			place(t, &old.slots[i]);
}
