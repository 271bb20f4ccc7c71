/* SPDX-License-Identifier: MIT */
/* Peers by endpoint: a hash in the device's memory. */
#include "wg/endpoint_table.h"

#include "base/bytes.h"
#include "wg/stored.h"

/* A peer has one endpoint, so it controls at most one entry of a bucket. */
struct list *wg_endpoint_table_at(const struct wg_device *dev, const struct endpoint *e)
{
	uint64_t h = e->port;

	for (size_t i = 0; i < sizeof(e->addr.bytes); i += 8)
		h = (h ^ load_le64(e->addr.bytes + i)) * 0x9e3779b97f4a7c15;
	return &dev->at_buckets[(h >> 32) & (dev->bucket_count - 1)];
}

void wg_endpoint_table_place(struct wg_device *dev, struct wg_peer *peer)
{
	list_remove(&peer->at_link);
	if (peer->endpoint.addr.family)
		list_push_tail(wg_endpoint_table_at(dev, &peer->endpoint), &peer->at_link);
	wg_peer_store(peer);
}
