/* SPDX-License-Identifier: MIT */
/* Pull: IPv4 and IPv6 fragments inside the tunnel, joined to whole packets again. */
#include "l2tp/reassembly.h"

#include "base/bytes.h"
#include "l2tp/inner.h"
#include "pkt/checksum.h"

#include <netinet/in.h>

#define IPV6_HEADER	40
#define IPV6_NEXT_AT	6
#define FRAGMENT_HEADER 8
#define PACKET_MAX	65535

/* What a slot holds. */
enum slot_state {
	SLOT_COLLECTING, /* pieces, some missing */
	SLOT_FOREIGN,	 /* nothing: its pieces are for the TUN */
	SLOT_POISONED,	 /* nothing: its pieces overlapped, and the rest is to be thrown away */
};

/* What a piece is to those that have come before it. */
enum piece {
	PIECE_NEW,
	PIECE_DUPLICATE,
	PIECE_OVERLAP,
	PIECE_NO_ROOM, /* more gaps than any honest sender leaves */
};

static struct reassembly_slot *slot_of(struct list *l)
{
	return CONTAINER_OF(l, struct reassembly_slot, order);
}

static uint8_t *slot_payload(struct reassembly_slot *slot)
{
	return slot->data + REASSEMBLY_PAYLOAD_AT;
}

void reassembly_init(
	struct reassembly *r, struct reassembly_slot *slots, size_t n, struct drop_counters *drops)
{
	memset(r, 0, sizeof(*r));
	list_init(&r->busy);
	list_init(&r->done);
	list_init(&r->free);
	r->drops = drops;
	for (size_t i = 0; i < n; i++)
		list_push_tail(&r->free, &slots[i].order);
}

static size_t addr_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

static size_t bucket_of(uint32_t id, const uint8_t *src)
{
	return ((id ^ load_be32(src)) * 0x9e3779b1U) >> 25;
}

_Static_assert(REASSEMBLY_BUCKETS == 128, "the bucket above is 7 bits");

static bool slot_is_for(const struct reassembly_slot *slot, const struct inner_ip *ip)
{
	size_t n = addr_len(ip->family);

	return slot->id == ip->id && slot->family == ip->family && slot->proto == ip->proto &&
	       memcmp(slot->src, ip->src, n) == 0 && memcmp(slot->dst, ip->dst, n) == 0;
}

static struct reassembly_slot *slot_find(const struct reassembly *r, const struct inner_ip *ip)
{
	struct reassembly_slot *slot = r->buckets[bucket_of(ip->id, ip->src)];

	while (slot && !slot_is_for(slot, ip))
		slot = slot->next;
	return slot;
}

/* Take the slot out of its bucket. */
static void slot_forget(struct reassembly *r, struct reassembly_slot *slot)
{
	struct reassembly_slot **at = &r->buckets[bucket_of(slot->id, slot->src)];

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	slot->next = NULL;
}

/* Throw away what the slot holds, for reason `why`. */
static void slot_drop_pieces(struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	r->drops->n[why] += slot->pieces;
	r->held -= slot->pieces;
	slot->pieces = 0;
}

/* Throw away the slot and what it holds. */
static void slot_discard(struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	slot_drop_pieces(r, slot, why);
	slot_forget(r, slot);
	list_remove(&slot->order);
	list_push_front(&r->free, &slot->order);
}

/* Whose packet in the making has to go: the oldest from the same source, so that a peer that fills
 * the slots pushes out no other's; else the oldest of all. */
static struct reassembly_slot *slot_victim(const struct reassembly *r, const struct inner_ip *ip)
{
	LIST_FOR_EACH(l, &r->busy)
	{
		struct reassembly_slot *slot = slot_of(l);

		if (slot->family == ip->family &&
			memcmp(slot->src, ip->src, addr_len(ip->family)) == 0)
			return slot;
	}
	return slot_of(r->busy.next);
}

/* An empty slot for the packet of `ip`, another one's if need be; NULL if every one is done. */
static struct reassembly_slot *slot_begin(struct reassembly *r, const struct inner_ip *ip,
	struct fragment_origin from, struct mono now)
{
	struct reassembly_slot *slot, **bucket = &r->buckets[bucket_of(ip->id, ip->src)];

	if (list_is_empty(&r->free) && !list_is_empty(&r->busy))
		slot_discard(r, slot_victim(r, ip), DROP_FRAG_MEMORY);
	if (list_is_empty(&r->free))
		return NULL;
	slot = slot_of(r->free.next);
	list_remove(&slot->order);
	list_push_tail(&r->busy, &slot->order);
	slot->next = *bucket;
	*bucket = slot;
	slot->begun = now;
	slot->first = from;
	slot->pieces = 0;
	slot->passed = 0;
	slot->id = ip->id;
	slot->family = ip->family;
	slot->proto = ip->proto;
	slot->state = SLOT_COLLECTING;
	memcpy(slot->src, ip->src, addr_len(ip->family));
	memcpy(slot->dst, ip->dst, addr_len(ip->family));
	slot->header_len = 0;
	slot->ranges_len = 0;
	slot->end = 0;
	return slot;
}

/* Whether two datagrams are close enough to have carried pieces of one packet. */
static bool origins_are_near(struct fragment_origin a, struct fragment_origin b)
{
	uint64_t low = a.counter < b.counter ? a.counter : b.counter;
	uint64_t high = a.counter < b.counter ? b.counter : a.counter;

	return a.key == b.key ? high - low <= REASSEMBLY_WINDOW : low < REASSEMBLY_WINDOW;
}

/* Whether `a` left long before `b`. */
static bool origin_is_behind(struct fragment_origin a, struct fragment_origin b)
{
	return a.key == b.key && a.counter < b.counter;
}

/* What bytes [from, to) are to the slot's ranges; a new piece is entered there. */
static enum piece ranges_add(
	struct reassembly_slot *slot, uint32_t from, uint32_t to, const uint8_t *bytes)
{
	struct fragment_range *r = slot->ranges;
	size_t n = slot->ranges_len, i = 0;
	bool left, right;

	while (i < n && r[i].to <= from)
		i++; /* now r[i] is the first that ends behind `from` */
	if (i < n && r[i].from < to) {
		if (r[i].from > from || r[i].to < to)
			return PIECE_OVERLAP;
		return memcmp(slot_payload(slot) + from, bytes, to - from) == 0 ? PIECE_DUPLICATE
										: PIECE_OVERLAP;
	}
	left = i > 0 && r[i - 1].to == from;
	right = i < n && r[i].from == to;
	if (left && right) {
		r[i - 1].to = r[i].to;
		memmove(r + i, r + i + 1, (n - i - 1) * sizeof(*r));
		slot->ranges_len--;
	} else if (left) {
		r[i - 1].to = to;
	} else if (right) {
		r[i].from = from;
	} else {
		if (n == REASSEMBLY_RANGES)
			return PIECE_NO_ROOM;
		memmove(r + i + 1, r + i, (n - i) * sizeof(*r));
		r[i] = (struct fragment_range){ from, to };
		slot->ranges_len++;
	}
	return PIECE_NEW;
}

/* Whether the piece [.., to) contradicts what is known of the packet's end. */
static bool end_contradicts(const struct reassembly_slot *slot, uint32_t to, bool more)
{
	if (more)
		return slot->end && to >= slot->end;
	if (slot->end)
		return to != slot->end;
	return slot->ranges_len && slot->ranges[slot->ranges_len - 1].to > to;
}

/* Take a piece of a packet that is being collected. */
static enum piece slot_take(
	struct reassembly_slot *slot, const uint8_t *fragment, const struct inner_ip *ip)
{
	uint32_t from = ip->fragment_at, to = from + (uint32_t)ip->payload_len;
	const uint8_t *payload = fragment + ip->header_len;
	enum piece piece;

	if (end_contradicts(slot, to, ip->more))
		return PIECE_OVERLAP;
	piece = ranges_add(slot, from, to, payload);
	if (piece != PIECE_NEW)
		return piece;
	memcpy(slot_payload(slot) + from, payload, ip->payload_len);
	if (!ip->more)
		slot->end = to;
	if (from == 0) {
		slot->header_len = (uint16_t)ip->header_len;
		if (ip->family == AF_INET6)
			slot->header_len -= FRAGMENT_HEADER;
		memcpy(slot_payload(slot) - slot->header_len, fragment, slot->header_len);
	}
	return PIECE_NEW;
}

static bool slot_is_complete(const struct reassembly_slot *slot)
{
	return slot->end && slot->ranges_len == 1 && slot->ranges[0].from == 0 &&
	       slot->ranges[0].to == slot->end;
}

/* Make the header good; the slot is then the caller's until reassembly_release(). */
static void slot_finish(struct reassembly *r, struct reassembly_slot *slot, struct reassembled *ret)
{
	uint8_t *h = slot_payload(slot) - slot->header_len;
	size_t len = slot->header_len + slot->end;

	if (slot->family == AF_INET) {
		store_be16(h + 2, (uint16_t)len);
		store_be16(h + 6, 0);
		store_be16(h + 10, 0);
		checksum_store(h + 10, checksum_add(0, h, slot->header_len));
	} else {
		store_be16(h + 4, (uint16_t)(len - IPV6_HEADER));
		h[IPV6_NEXT_AT] = slot->proto;
	}
	slot_forget(r, slot);
	list_remove(&slot->order);
	list_push_tail(&r->done, &slot->order);
	r->packets++;
	r->joined += slot->pieces;
	r->held -= slot->pieces;
	*ret = (struct reassembled){ h, len };
}

/* Let a piece of a foreign packet pass; forget the packet once all of it has. */
static enum reassembly_verdict slot_pass(
	struct reassembly *r, struct reassembly_slot *slot, const struct inner_ip *ip)
{
	r->passed++;
	slot->passed += (uint32_t)ip->payload_len;
	if (!ip->more)
		slot->end = ip->fragment_at + (uint32_t)ip->payload_len;
	if (slot->end && slot->passed >= slot->end)
		slot_discard(r, slot, DROP_NONE);
	return REASSEMBLY_PASS;
}

static enum reassembly_verdict drop_one(struct reassembly *r, enum drop why)
{
	r->drops->n[why]++;
	return REASSEMBLY_DROPPED;
}

/* Throw away the piece in hand and those that have come; those still to come will follow. */
static enum reassembly_verdict slot_poison(
	struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	slot_drop_pieces(r, slot, why);
	slot->state = SLOT_POISONED;
	return drop_one(r, why);
}

static enum reassembly_verdict slot_collect(struct reassembly *r, struct reassembly_slot *slot,
	const uint8_t *fragment, const struct inner_ip *ip, struct reassembled *ret)
{
	if (ip->fragment_at + ip->payload_len > REASSEMBLY_PAYLOAD_MAX)
		return slot_poison(r, slot, DROP_L2TP_OVERSIZE);
	switch (slot_take(slot, fragment, ip)) {
	case PIECE_DUPLICATE:
		r->duplicates++;
		return REASSEMBLY_HELD;
	case PIECE_OVERLAP:
		return slot_poison(r, slot, DROP_FRAG_OVERLAP);
	case PIECE_NO_ROOM:
		return slot_poison(r, slot, DROP_FRAG_MEMORY);
	case PIECE_NEW:
		break;
	}
	slot->pieces++;
	r->held++;
	if (!slot_is_complete(slot))
		return REASSEMBLY_HELD;
	slot_finish(r, slot, ret);
	return REASSEMBLY_COMPLETE;
}

static bool fragment_is_sound(const struct inner_ip *ip)
{
	return ip->fragment && ip->payload_len && (!ip->more || ip->payload_len % 8 == 0) &&
	       ip->fragment_at + ip->payload_len + ip->header_len <= PACKET_MAX;
}

/* The slot, or NULL once it is discarded because the piece in hand is of a later packet. */
static struct reassembly_slot *slot_unless_stale(struct reassembly *r, struct reassembly_slot *slot,
	struct fragment_origin from, struct mono now)
{
	if (!slot)
		return NULL;
	if (mono_between(slot->begun, now) >= REASSEMBLY_TIMEOUT_NS)
		slot_discard(r, slot, DROP_FRAG_TIMEOUT);
	else if (!origins_are_near(slot->first, from))
		slot_discard(r, slot, DROP_FRAG_WINDOW);
	else
		return slot;
	return NULL;
}

enum reassembly_verdict reassembly_add(struct reassembly *r, const uint8_t *fragment, size_t len,
	bool foreign, struct fragment_origin from, struct mono now, struct reassembled *ret)
{
	struct reassembly_slot *slot;
	struct inner_ip ip;

	if (inner_ip_parse(fragment, len, &ip) < 0 || !fragment_is_sound(&ip)) {
		r->fragments++;
		return drop_one(r, DROP_FRAG_MALFORMED);
	}
	slot = slot_find(r, &ip);
	if (slot && !origins_are_near(slot->first, from) && origin_is_behind(from, slot->first)) {
		r->fragments++;
		return drop_one(r, DROP_FRAG_WINDOW);
	}
	slot = slot_unless_stale(r, slot, from, now);
	if (!slot) {
		slot = slot_begin(r, &ip, from, now);
		if (!slot)
			return REASSEMBLY_BUSY;
		/* a foreign packet whose other pieces came first is joined, and passes as a
		 * whole */
		if (foreign)
			slot->state = SLOT_FOREIGN;
	}
	r->fragments++;
	if (slot->state == SLOT_FOREIGN)
		return slot_pass(r, slot, &ip);
	if (slot->state == SLOT_POISONED)
		return drop_one(r, DROP_FRAG_OVERLAP);
	return slot_collect(r, slot, fragment, &ip, ret);
}

void reassembly_release(struct reassembly *r)
{
	while (!list_is_empty(&r->done)) {
		struct list *l = r->done.next;

		list_remove(l);
		list_push_front(&r->free, l);
	}
}

struct mono reassembly_expire(struct reassembly *r, struct mono now)
{
	while (!list_is_empty(&r->busy)) {
		struct reassembly_slot *slot = slot_of(r->busy.next);
		struct mono due = mono_add(slot->begun, REASSEMBLY_TIMEOUT_NS);

		if (!mono_reached(due, now))
			return due;
		slot_discard(r, slot, DROP_FRAG_TIMEOUT);
	}
	return MONO_NEVER;
}
