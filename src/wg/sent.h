/* SPDX-License-Identifier: MIT */
/* Sessions by the receiver index that our data messages carry, to recognise our own messages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct wg_keypair;

/** Hash buckets of sessions. The peer chooses the index, so two sessions may share one. */
struct wg_sent {
	struct list *buckets; /* memory of the caller */
	size_t count;	      /* a power of two */
};

/** Initialise an empty table in `buckets[count]`. */
void wg_sent_init(struct wg_sent *t, struct list *buckets, size_t count);

/** Add a session that is in no table; its `sent_link` leaves the table when the session ends. */
void wg_sent_add(struct wg_sent *t, struct wg_keypair *kp);

/** Return: the session with which a data message with this receiver index and counter may have
 * been sealed: one whose counter has passed it; or NULL. */
const struct wg_keypair *wg_sent_find(const struct wg_sent *t, uint32_t index, uint64_t counter);
