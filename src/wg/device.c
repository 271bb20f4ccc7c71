/* SPDX-License-Identifier: MIT */
/* A WireGuard interface: its identity, its peers, and the tables to find them. */
#include "wg/device.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "base/wall.h"
#include "crypto/x25519.h"
#include "wg/endpoint_table.h"
#include "wg/secrets.h"

#define ALIGNMENT	 64
#define INDICES_PER_PEER 10 /* 2 handshakes and 5 sessions; the table is at most 3/4 full */

/* Offset of each table in the device's memory block. */
struct layout {
	size_t buckets, at_buckets, bucket_count;
	size_t heap;
	size_t allowed;
	size_t indices, index_count;
	size_t sent, sent_count;
	size_t sources, source_count;
	size_t total;
};

static size_t power_of_two(size_t at_least)
{
	size_t n = 16;

	while (n < at_least)
		n *= 2;
	return n;
}

static size_t place_array(size_t *total, size_t count, size_t size)
{
	size_t at = *total;

	*total = size_align(at + count * size, ALIGNMENT);
	return at;
}

static struct layout layout_of(const struct wg_sizes *s)
{
	struct layout l = {
		.total = 0,
		.bucket_count = power_of_two(s->peers),
		.index_count = power_of_two(s->peers * INDICES_PER_PEER),
		.sent_count = power_of_two(s->peers * WG_SESSIONS_PER_PEER),
		.source_count = power_of_two(s->sources),
	};

	l.buckets = place_array(&l.total, l.bucket_count, sizeof(struct list));
	l.at_buckets = place_array(&l.total, l.bucket_count, sizeof(struct list));
	l.heap = place_array(&l.total, s->peers, sizeof(struct heap_entry *));
	l.allowed = place_array(&l.total, 1, wg_allowedips_memory(s->allowed_ips));
	l.indices = place_array(&l.total, l.index_count, sizeof(struct wg_index_entry));
	l.sent = place_array(&l.total, l.sent_count, sizeof(struct list));
	l.sources = place_array(&l.total, l.source_count, sizeof(struct wg_ratelimit_entry));
	return l;
}

size_t wg_device_memory(const struct wg_sizes *sizes)
{
	return layout_of(sizes).total;
}

/* Keys come from the configuration, so no keyed hash is needed. */
static struct list *bucket_of(const struct wg_device *dev, const uint8_t *public_key)
{
	return &dev->buckets[load_le64(public_key) & (dev->bucket_count - 1)];
}

/* Put the buckets at `m` and every peer into its buckets. */
static void place_buckets(struct wg_device *dev, uint8_t *m, const struct layout *l)
{
	dev->buckets = (void *)(m + l->buckets);
	dev->at_buckets = (void *)(m + l->at_buckets);
	dev->bucket_count = l->bucket_count;
	for (size_t i = 0; i < l->bucket_count; i++) {
		list_init(&dev->buckets[i]);
		list_init(&dev->at_buckets[i]);
	}
	LIST_FOR_EACH(p, &dev->peers)
	{
		struct wg_peer *peer = CONTAINER_OF(p, struct wg_peer, link);

		list_push_tail(bucket_of(dev, peer->remote.public_key), &peer->hash_link);
		list_init(&peer->at_link);
		wg_endpoint_table_place(dev, peer);
	}
}

/* Put the buckets of sessions at `memory` and every session into its bucket. */
static void place_sessions(struct wg_device *dev, struct list *buckets, size_t count)
{
	wg_sent_init(&dev->sent, buckets, count);
	LIST_FOR_EACH(l, &dev->peers)
	{
		struct wg_keypairs *keys = &CONTAINER_OF(l, struct wg_peer, link)->keys;

		for (size_t i = 0; i < ARRAY_LEN(keys->slots); i++)
			if (keys->slots[i].peer)
				wg_sent_add(&dev->sent, &keys->slots[i]);
	}
}

int wg_device_init(
	struct wg_device *dev, const struct wg_sizes *sizes, void *memory, struct rng rng)
{
	struct layout l = layout_of(sizes);
	uint8_t *m = memory;
	int err;

	*dev = (struct wg_device){ .rng = rng, .sizes = *sizes };
	list_init(&dev->peers);
	err = blake2s_init(&dev->crypto.blake2s);
	if (!err)
		err = aead_init(&dev->crypto.aead, AEAD_REFERENCE);
	if (err) {
		blake2s_fini(&dev->crypto.blake2s);
		return err;
	}
	place_buckets(dev, m, &l);
	dev->deadlines = (struct heap){ .slots = (void *)(m + l.heap), .cap = sizes->peers };
	wg_allowedips_init(&dev->allowed, m + l.allowed, sizes->allowed_ips);
	wg_indextable_init(&dev->indices, (void *)(m + l.indices), l.index_count);
	wg_sent_init(&dev->sent, (void *)(m + l.sent), l.sent_count);
	wg_ratelimit_init(&dev->limiter, (void *)(m + l.sources), l.source_count, &dev->rng);
	wg_load_init(&dev->load, &dev->rng);
	wg_cookie_checker_init(&dev->crypto, &dev->checker, dev->identity.public_key);
	return 0;
}

int wg_device_resize(struct wg_device *dev, const struct wg_sizes *sizes, void *memory)
{
	struct layout l = layout_of(sizes);
	uint8_t *m = memory;

	if (sizes->peers < dev->sizes.peers || sizes->allowed_ips < dev->sizes.allowed_ips ||
		sizes->sources < dev->sizes.sources)
		return -EINVAL;
	place_buckets(dev, m, &l);
	memcpy(m + l.heap, dev->deadlines.slots,
		dev->deadlines.len * sizeof(*dev->deadlines.slots));
	dev->deadlines.slots = (void *)(m + l.heap);
	dev->deadlines.cap = sizes->peers;
	wg_allowedips_move(&dev->allowed, m + l.allowed, sizes->allowed_ips);
	wg_indextable_move(&dev->indices, (void *)(m + l.indices), l.index_count);
	place_sessions(dev, (void *)(m + l.sent), l.sent_count);
	wg_ratelimit_init(&dev->limiter, (void *)(m + l.sources), l.source_count, &dev->rng);
	dev->sizes = *sizes;
	return 0;
}

void wg_device_tidy(struct wg_device *dev)
{
	aead_forget(&dev->crypto.aead);
	blake2s_forget(&dev->crypto.blake2s);
	dev->spent = false;
}

void wg_device_fini(struct wg_device *dev)
{
	if (!dev || !dev->buckets)
		return;
	LIST_FOR_EACH_SAFE(l, next, &dev->peers)
	wg_device_remove_peer(dev, CONTAINER_OF(l, struct wg_peer, link));
	blake2s_fini(&dev->crypto.blake2s);
	aead_fini(&dev->crypto.aead);
	secret_wipe(dev, sizeof(*dev));
}

void wg_device_use_service(struct wg_device *dev, const struct wg_key_service *service)
{
	dev->service = service;
}

/* Set the identity from a key; an all-zero key means none. */
static void identity_of(const struct wg_device *dev, const uint8_t *key, struct wg_identity *ret)
{
	*ret = (struct wg_identity){ 0 };
	if (secret_is_zero(key, WG_KEY_LEN))
		return;
	if (dev->service) {
		memcpy(ret->public_key, key, WG_KEY_LEN);
		ret->present = true;
		return;
	}
	memcpy(ret->private_key, key, WG_KEY_LEN);
	x25519_clamp(ret->private_key);
	ret->present = !x25519_public(ret->private_key, ret->public_key);
}

void wg_device_set_up(struct wg_device *dev, bool up)
{
	if (dev->down == !up)
		return;
	dev->down = !up;
	LIST_FOR_EACH(l, &dev->peers)
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, link);

		if (!up)
			wg_peer_reset(dev, peer);
		wg_peer_reconsider(dev, peer);
	}
}

/* After a change of our identity: drop the peer's sessions; pending packets wait for the next
 * one. */
static void change_identity(struct wg_device *dev, struct wg_peer *peer)
{
	struct mono give_up = peer->timers.give_up;

	wg_peer_reset(dev, peer);
	peer->timers.give_up = give_up;
	wg_secrets_precompute(dev, &peer->remote);
	wg_peer_reconsider(dev, peer);
}

struct wg_peer *wg_device_set_private_key(
	struct wg_device *dev, const uint8_t key[static WG_KEY_LEN])
{
	struct wg_identity identity;
	struct wg_peer *self = NULL;
	bool changed;

	dev->spent = true;
	identity_of(dev, key, &identity);
	changed = !secret_equal(identity.private_key, dev->identity.private_key, WG_KEY_LEN) ||
		  memcmp(identity.public_key, dev->identity.public_key, WG_KEY_LEN) != 0;
	if (changed)
		dev->identity = identity;
	secret_wipe(&identity, sizeof(identity));
	if (!changed)
		return NULL;
	wg_cookie_checker_init(&dev->crypto, &dev->checker, dev->identity.public_key);
	if (dev->identity.present)
		self = wg_device_find_peer(dev, dev->identity.public_key);
	if (self)
		wg_device_remove_peer(dev, self);
	LIST_FOR_EACH(l, &dev->peers)
	change_identity(dev, CONTAINER_OF(l, struct wg_peer, link));
	return self;
}

const uint8_t *wg_device_key(const struct wg_device *dev)
{
	return dev->service ? dev->identity.public_key : dev->identity.private_key;
}

int wg_device_add_peer(
	struct wg_device *dev, struct wg_peer *peer, const uint8_t public_key[static WG_KEY_LEN])
{
	if (dev->identity.present && !memcmp(public_key, dev->identity.public_key, WG_KEY_LEN))
		return -EINVAL;
	if (wg_device_find_peer(dev, public_key))
		return -EEXIST;
	if (dev->peer_count == dev->sizes.peers)
		return -ENOSPC;
	memset(peer, 0, sizeof(*peer));
	memcpy(peer->remote.public_key, public_key, WG_KEY_LEN);
	peer->allowed_first = WG_NO_NODE;
	peer->dev = dev;
	list_init(&peer->at_link);
	wg_secrets_precompute(dev, &peer->remote);
	wg_cookie_maker_init(&dev->crypto, &peer->cookie, public_key);
	list_push_tail(&dev->peers, &peer->link);
	list_push_tail(bucket_of(dev, public_key), &peer->hash_link);
	dev->peer_count++;
	return 0;
}

void wg_device_remove_peer(struct wg_device *dev, struct wg_peer *peer)
{
	wg_allowedips_remove_peer(&dev->allowed, peer);
	wg_peer_reset(dev, peer);
	wg_store_release(&dev->store, peer->keys.stored);
	peer->keys.stored = NULL;
	heap_remove(&dev->deadlines, &peer->due);
	list_remove(&peer->link);
	list_remove(&peer->hash_link);
	list_remove(&peer->at_link);
	dev->peer_count--;
	secret_wipe(&peer->remote, sizeof(peer->remote));
	secret_wipe(&peer->cookie, sizeof(peer->cookie));
}

struct wg_peer *wg_device_find_peer(
	const struct wg_device *dev, const uint8_t public_key[static WG_KEY_LEN])
{
	LIST_FOR_EACH(l, bucket_of(dev, public_key))
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, hash_link);

		if (!memcmp(peer->remote.public_key, public_key, WG_KEY_LEN))
			return peer;
	}
	return NULL;
}

/* Find the peer that owns an inner address. */
static struct wg_peer *owner_of(const struct wg_device *dev, uint16_t family, const uint8_t *addr)
{
	return family == AF_INET6 ? wg_allowedips_lookup6(&dev->allowed, addr)
				  : wg_allowedips_lookup4(&dev->allowed, addr);
}

struct wg_peer *wg_device_route(const struct wg_device *dev, const struct ip_header *inner)
{
	return owner_of(dev, inner->family, inner->dst);
}

enum drop wg_device_allows(
	const struct wg_device *dev, const struct wg_peer *peer, const struct ip_header *inner)
{
	return owner_of(dev, inner->family, inner->src) == peer ? DROP_NONE : DROP_INNER_SOURCE;
}

/* The length of a handshake message of the type; 0 for any other. */
size_t wg_message_len(uint32_t type)
{
	switch (type) {
	case WG_MSG_INITIATION:
		return WG_INITIATION_LEN;
	case WG_MSG_RESPONSE:
		return WG_RESPONSE_LEN;
	case WG_MSG_COOKIE:
		return WG_COOKIE_REPLY_LEN;
	default:
		return 0;
	}
}

enum drop wg_data_begin(const struct wg_device *dev, const uint8_t *msg, size_t len,
	struct mono now, struct wg_keypair **ret_kp, uint64_t *ret_counter)
{
	const struct wg_index_entry *e;
	uint64_t counter;

	if (len < WG_DATA_OVERHEAD)
		return DROP_WG_SHORT;
	if (load_le32(msg) != WG_MSG_DATA)
		return DROP_WG_TYPE;
	e = wg_indextable_find(&dev->indices, load_le32(msg + 4));
	if (!e || !e->keypair)
		return DROP_WG_UNKNOWN_INDEX;
	counter = load_le64(msg + 8);
	if (!wg_keypair_may_open(e->keypair, now) || counter >= WG_REJECT_AFTER_MESSAGES)
		return DROP_WG_KEY_EXPIRED;
	if (!wg_replay_check(&e->keypair->replay, counter))
		return DROP_WG_REPLAY;
	*ret_kp = e->keypair;
	*ret_counter = counter;
	return DROP_NONE;
}

struct wg_peer *wg_data_prefetch(const struct wg_device *dev, const uint8_t *msg, size_t len)
{
	const struct wg_index_entry *e;

	if (len < WG_DATA_OVERHEAD)
		return NULL;
	e = wg_indextable_find(&dev->indices, load_le32(msg + 4));
	if (!e || !e->keypair)
		return NULL;
	wg_keypair_prefetch(e->keypair, load_le64(msg + 8));
	wg_peer_prefetch(e->peer);
	return e->peer;
}

struct wg_peer *wg_device_sent(const struct wg_device *dev, const uint8_t *msg, size_t len)
{
	const struct wg_keypair *kp;
	const struct wg_index_entry *e;
	uint32_t type;

	if (len < WG_DATA_OVERHEAD)
		return NULL;
	type = load_le32(msg);
	if (type == WG_MSG_DATA) {
		kp = wg_sent_find(&dev->sent, load_le32(msg + 4), load_le64(msg + 8));
		return kp ? kp->peer : NULL;
	}
	if ((type != WG_MSG_INITIATION && type != WG_MSG_RESPONSE) || len != wg_message_len(type))
		return NULL;
	e = wg_indextable_find(&dev->indices, load_le32(msg + 4)); /* the sender's */
	return e ? e->peer : NULL;
}

struct mono wg_device_deadline(const struct wg_device *dev)
{
	const struct heap_entry *e = heap_first(&dev->deadlines);

	return e ? e->due : MONO_NEVER;
}

struct wg_peer *wg_device_due(struct wg_device *dev, struct mono now)
{
	struct heap_entry *e;

	while ((e = heap_first(&dev->deadlines)) && mono_reached(e->due, now)) {
		struct wg_peer *peer = CONTAINER_OF(e, struct wg_peer, due);
		struct mono due = wg_timers_deadline(&peer->timers);

		if (mono_reached(due, now))
			return peer;
		ASSERT(!heap_set(&dev->deadlines, e, due));
	}
	return NULL;
}

void wg_device_clock_set(struct wg_device *dev, struct mono now, struct wall wall)
{
	LIST_FOR_EACH(l, &dev->peers)
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, link);
		struct wg_keypair *next = peer->keys.next;

		if (peer->last_handshake.sec)
			peer->last_handshake = wall_at(peer->handshake_at, now, wall);
		if (next)
			next->made = wall_at(next->born, now, wall);
	}
}
