/* SPDX-License-Identifier: MIT */
/* Sessions by the receiver index that our data messages carry, to recognise our own messages. */
#include "wg/sent.h"

#include "base/bytes.h"
#include "wg/keypair.h"

/* Peers may choose their indices in any manner, so all bits count: multiply by 2^32 / golden
 * ratio. */
static struct list *bucket_of(const struct wg_sent *t, uint32_t index)
{
	return &t->buckets[(index * 0x9e3779b1U >> 7) & (t->count - 1)];
}

void wg_sent_init(struct wg_sent *t, struct list *buckets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		list_init(&buckets[i]);
	*t = (struct wg_sent){ .buckets = buckets, .count = count };
}

void wg_sent_add(struct wg_sent *t, struct wg_keypair *kp)
{
	list_push_tail(bucket_of(t, kp->remote_index), &kp->sent_link);
}

const struct wg_keypair *wg_sent_find(const struct wg_sent *t, uint32_t index, uint64_t counter)
{
	LIST_FOR_EACH(l, bucket_of(t, index))
	{
		struct wg_keypair *kp = CONTAINER_OF(l, struct wg_keypair, sent_link);

		if (kp->remote_index == index &&
			counter < atomic_load_explicit(&kp->tx_counter, memory_order_relaxed))
			return kp;
	}
	return NULL;
}
