/* SPDX-License-Identifier: MIT */
/* A device continues with the sessions of another process: see store.h. */
#include "wg/successor.h"

#include <string.h>

#include "base/bytes.h"
#include "base/wall.h"
#include "crypto/tai64n.h"
#include "wg/device.h"
#include "wg/endpoint_table.h"

void wg_device_use_store(struct wg_device *dev, const struct wg_store *store)
{
	dev->store = *store;
}

/* An address, without what would follow it. */
static struct ip_addr restored_addr(const struct ip_addr *a)
{
	if (a->family == AF_INET6)
		return ip_addr_v6(a->bytes);
	return a->family == AF_INET ? ip_addr_v4(a->bytes) : (struct ip_addr){ 0 };
}

static void restore_endpoint(
	struct wg_device *dev, struct wg_peer *peer, const struct endpoint *stored)
{
	struct endpoint e = { .addr = restored_addr(&stored->addr),
		.port = stored->port,
		.scope = stored->scope,
		.local = restored_addr(&stored->local),
		.local_ifindex = stored->local_ifindex };

	if (!e.addr.family || !e.port)
		return;
	if (e.local.family != e.addr.family)
		endpoint_clear_source(&e);
	peer->endpoint = e;
	wg_endpoint_table_place(dev, peer);
}

/* Whether a peer's clock would be ahead of ours by more than an hour: rather, an attacker wants all
 * its initiations to be refused. */
static bool is_future(const uint8_t *timestamp, struct wall wall)
{
	uint8_t latest[WG_TIMESTAMP_LEN];

	wall.sec += 3600;
	tai64n_encode(wall, latest);
	return tai64n_later(timestamp, latest);
}

static void restore_details(
	struct wg_device *dev, struct wg_peer *peer, struct mono now, struct wall wall)
{
	struct wg_store_details d;

	if (!wg_store_get_details(peer->keys.stored, &d))
		return;
	if (!is_future(d.newest_timestamp, wall))
		memcpy(peer->newest_timestamp, d.newest_timestamp, WG_TIMESTAMP_LEN);
	if (d.last_handshake_ns < NS_PER_S && d.handshake_at <= now.ns) {
		peer->last_handshake =
			(struct wall){ .sec = d.last_handshake_s, .nsec = d.last_handshake_ns };
		peer->handshake_at = (struct mono){ d.handshake_at };
		if (peer->last_handshake.sec &&
			wall_was_set(peer->handshake_at, peer->last_handshake, now, wall))
			peer->last_handshake = wall_at(peer->handshake_at, now, wall);
	}
	restore_endpoint(dev, peer, &d.endpoint);
}

/* Set the timers as if a message with data had just arrived. */
static void restore_timers(struct wg_device *dev, struct wg_peer *peer, struct mono now)
{
	struct mono newest = MONO_NEVER;

	for (size_t i = 0; i < ARRAY_LEN(peer->keys.slots); i++) {
		const struct wg_keypair *kp = &peer->keys.slots[i];

		if (kp->peer && mono_before(newest, kp->born))
			newest = kp->born;
	}
	if (!mono_is_set(newest))
		return;
	wg_timers_session_derived(&peer->timers, newest);
	if (peer->keys.current)
		wg_timers_data_received(&peer->timers, now);
	wg_peer_arm(dev, peer);
}

static void restore_peer(struct wg_device *dev, struct wg_peer *peer, struct wg_store_record *r,
	struct mono now, struct wall wall)
{
	wg_store_take(r);
	peer->keys.stored = r;
	wg_keypairs_restore(&peer->keys, &dev->indices, peer, now);
	for (size_t i = 0; i < ARRAY_LEN(peer->keys.slots); i++)
		if (peer->keys.slots[i].peer)
			wg_sent_add(&dev->sent, &peer->keys.slots[i]);
	restore_details(dev, peer, now, wall);
	restore_timers(dev, peer, now);
}

size_t wg_device_restore(struct wg_device *dev, struct mono now, struct wall wall)
{
	struct wg_store_record *r;
	uint32_t at = 0;
	size_t n = 0;

	while ((r = wg_store_next_left(&dev->store, &at))) {
		struct wg_peer *peer = wg_device_find_peer(dev, r->public_key);

		if (!peer || peer->keys.stored)
			continue;
		restore_peer(dev, peer, r, now, wall);
		n += peer->keys.current || peer->keys.next;
	}
	return n;
}

void wg_device_discard_stored(struct wg_device *dev)
{
	wg_store_discard(&dev->store);
}
