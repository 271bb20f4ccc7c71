/* SPDX-License-Identifier: MIT */
/* Receiver indices: the random 32-bit numbers by which a peer's messages identify our state. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

struct wg_keypair;
struct wg_peer;

/** The state of an index: a peer's handshake (`keypair` NULL) or one of its sessions. */
struct wg_index_entry {
	uint32_t index;
	struct wg_peer *peer; /* NULL: the slot is free */
	struct wg_keypair *keypair;
};

/** An open-addressed hash over `slots[cap]`, memory of the caller; `cap` is a power of two. */
struct wg_indextable {
	struct wg_index_entry *slots;
	size_t cap;
	size_t len;
};

/** Initialise an empty table in `slots[cap]`. */
void wg_indextable_init(struct wg_indextable *t, struct wg_index_entry *slots, size_t cap);

/**
 * Allocate an unused random index for the peer's handshake or session. Return: 0; -ENOSPC if the
 * table is three quarters full.
 */
int wg_indextable_add(struct wg_indextable *t, const struct rng *rng, struct wg_peer *peer,
	struct wg_keypair *keypair, uint32_t *ret_index);

/** Add a session under an index that another process had allocated for it. Return: 0; -EEXIST if it
 * is in use; -EINVAL for 0; -ENOSPC as above. */
int wg_indextable_put(
	struct wg_indextable *t, uint32_t index, struct wg_peer *peer, struct wg_keypair *keypair);

/** Return: the entry of the index, or NULL. Valid until the next addition or removal. */
struct wg_index_entry *wg_indextable_find(const struct wg_indextable *t, uint32_t index);

/** Free the index; it may be unknown. */
void wg_indextable_remove(struct wg_indextable *t, uint32_t index);

/** Move all entries to new memory, with room for at least as many. */
void wg_indextable_move(struct wg_indextable *t, struct wg_index_entry *slots, size_t cap);
