/* SPDX-License-Identifier: MIT */
/* Pull: reassemble IPv4 and IPv6 fragments inside the tunnel into whole packets. */
#include "l2tp/reassembly.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#include <netinet/in.h>

#define IPV6_HEADER	40
#define IPV6_NEXT_AT	6
#define FRAGMENT_HEADER 8
#define PACKET_MAX	65535

/* The state of a slot. */
enum slot_state {
	SLOT_COLLECTING, /* holds fragments, some are missing */
	SLOT_FOREIGN,	 /* holds nothing: its fragments are for the TUN */
	SLOT_POISONED,	 /* holds nothing: fragments overlapped, drop later ones */
};

/* How a fragment relates to the earlier ones of its packet. */
enum piece {
	PIECE_NEW,
	PIECE_DUPLICATE,
	PIECE_OVERLAP,
	PIECE_NO_ROOM, /* more gaps than there are ranges in a slot */
};

_Static_assert(REASSEMBLY_PAYLOAD_AT % 8 == 0, "the payload is aligned");

#define SPANNING_LEN (REASSEMBLY_PAYLOAD_AT + REASSEMBLY_PAYLOAD_MAX)
#define BUCKETS_MIN  16

static struct reassembly_slot *slot_of(struct list *l)
{
	return CONTAINER_OF(l, struct reassembly_slot, order);
}

static uint8_t *slot_payload(struct reassembly_slot *slot)
{
	return slot->data + REASSEMBLY_PAYLOAD_AT;
}

/* ---- memory ---- */

static size_t bucket_count(unsigned slots)
{
	size_t n = BUCKETS_MIN;

	while (n < slots)
		n *= 2;
	return n;
}

/* The part of a memory block in front of the slots: the hash buckets of all slots and, in the first
 * block, room for completed packets that span several slots. */
static size_t before_slots(unsigned have, unsigned more)
{
	size_t spanning = have ? 0 : (size_t)REASSEMBLY_SPANNING_MAX * SPANNING_LEN;

	return size_align(spanning, 64) +
	       size_align(bucket_count(have + more) * sizeof(struct reassembly_slot *), 64);
}

size_t reassembly_memory(unsigned have, unsigned more)
{
	return before_slots(have, more) + more * sizeof(struct reassembly_slot);
}

void reassembly_init(struct reassembly *r, struct drop_counters *drops, const struct rng *rng)
{
	memset(r, 0, sizeof(*r));
	pool_init(&r->pool, sizeof(struct reassembly_slot));
	list_init(&r->busy);
	list_init(&r->done);
	hash_init(&r->key, rng);
	r->drops = drops;
}

void reassembly_owner_init(struct reassembly_owner *o)
{
	pool_share_init(&o->share);
	list_init(&o->slots);
}

/* ---- slots ---- */

static size_t addr_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* Keyed hash over the whole lookup key: the peer chooses all of it but the owner. */
static struct reassembly_slot **bucket_of(const struct reassembly *r,
	const struct reassembly_owner *owner, uint32_t id, uint16_t family, uint8_t proto,
	const uint8_t *src, const uint8_t *dst)
{
	size_t n = addr_len(family) / sizeof(uint32_t);
	uint32_t words[HASH_WORDS] = { id, (uint32_t)family << 8 | proto,
		(uint32_t)(uintptr_t)owner, (uint32_t)((uint64_t)(uintptr_t)owner >> 32) };

	memcpy(words + 4, src, addr_len(family));
	memcpy(words + 4 + n, dst, addr_len(family));
	return &r->buckets[hash_words(&r->key, words, 4 + 2 * n) & (r->n_buckets - 1)];
}

static struct reassembly_slot **bucket_of_ip(const struct reassembly *r,
	const struct reassembly_owner *owner, const struct ip_header *ip)
{
	return bucket_of(r, owner, ip->id, ip->family, ip->proto, ip->src, ip->dst);
}

static struct reassembly_slot **bucket_of_slot(
	const struct reassembly *r, const struct reassembly_slot *slot)
{
	return bucket_of(r, slot->owner, slot->id, slot->family, slot->proto, slot->src, slot->dst);
}

static bool slot_is_for(const struct reassembly_slot *slot, const struct reassembly_owner *owner,
	const struct ip_header *ip)
{
	size_t n = addr_len(ip->family);

	return slot->owner == owner && slot->id == ip->id && slot->family == ip->family &&
	       slot->proto == ip->proto && memcmp(slot->src, ip->src, n) == 0 &&
	       memcmp(slot->dst, ip->dst, n) == 0;
}

static struct reassembly_slot *slot_find(const struct reassembly *r,
	const struct reassembly_owner *owner, const struct ip_header *ip)
{
	struct reassembly_slot *slot = *bucket_of_ip(r, owner, ip);

	while (slot && !slot_is_for(slot, owner, ip))
		slot = slot->next;
	return slot;
}

static void slot_enter(struct reassembly *r, struct reassembly_slot *slot)
{
	struct reassembly_slot **bucket = bucket_of_slot(r, slot);

	slot->next = *bucket;
	*bucket = slot;
}

void reassembly_add_slots(struct reassembly *r, void *memory, unsigned more)
{
	uint8_t *m = memory;
	size_t slots_at = before_slots(r->pool.size, more);

	if (!r->pool.size) {
		r->spanning = m;
		m += size_align((size_t)REASSEMBLY_SPANNING_MAX * SPANNING_LEN, 64);
	}
	r->buckets = (struct reassembly_slot **)(void *)m;
	r->n_buckets = bucket_count(r->pool.size + more);
	memset(r->buckets, 0, r->n_buckets * sizeof(*r->buckets));
	LIST_FOR_EACH(l, &r->busy)
	slot_enter(r, slot_of(l));
	pool_add(&r->pool, (uint8_t *)memory + slots_at, more);
}

/* Remove the slot from its bucket and from the lists of incomplete packets. */
static void slot_forget(struct reassembly *r, struct reassembly_slot *slot)
{
	struct reassembly_slot **at = bucket_of_slot(r, slot);

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	list_remove(&slot->order);
	list_remove(&slot->owned);
}

/* Free the slots for the further units of the payload. */
static void slot_free_more(struct reassembly *r, struct reassembly_slot *slot)
{
	for (size_t i = 0; i < ARRAY_LEN(slot->more); i++) {
		if (slot->more[i])
			pool_give_back(&r->pool, &slot->owner->share, slot->more[i]);
		slot->more[i] = NULL;
	}
}

/* Drop the fragments in the slot, for reason `why`. */
static void slot_drop_pieces(struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	drop_add(r->drops, why, slot->pieces);
	r->held -= slot->pieces;
	slot->pieces = 0;
	slot_free_more(r, slot);
}

/* Drop the fragments in the slot and free it. */
static void slot_discard(struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	slot_drop_pieces(r, slot, why);
	slot_forget(r, slot);
	pool_give_back(&r->pool, &slot->owner->share, slot);
}

void reassembly_owner_fini(struct reassembly *r, struct reassembly_owner *o)
{
	while (!list_is_empty(&o->slots))
		slot_discard(r, CONTAINER_OF(o->slots.next, struct reassembly_slot, owned),
			DROP_FRAG_TIMEOUT);
}

/* The oldest incomplete packet of an owner, except `keep`; or NULL. */
static struct reassembly_slot *slot_oldest(
	const struct reassembly_owner *o, const struct reassembly_slot *keep)
{
	LIST_FOR_EACH(l, &o->slots)
	if (!keep || l != &keep->owned)
		return CONTAINER_OF(l, struct reassembly_slot, owned);
	return NULL;
}

/* Take a slot for the owner. If none is free, evict the oldest packet of the owner with the most
 * slots, except `keep`, which may be NULL. Return: the slot, or NULL if none can be evicted. */
static struct reassembly_slot *slot_take_any(
	struct reassembly *r, struct reassembly_owner *owner, const struct reassembly_slot *keep)
{
	struct reassembly_slot *slot = pool_take(&r->pool, &owner->share);
	struct pool_share *victim;
	struct reassembly_slot *oldest = NULL;

	if (slot)
		return slot;
	victim = pool_victim(&r->pool, &owner->share);
	if (victim)
		oldest = slot_oldest(CONTAINER_OF(victim, struct reassembly_owner, share), keep);
	if (!oldest)
		return NULL;
	slot_discard(r, oldest, DROP_FRAG_MEMORY);
	return pool_take(&r->pool, &owner->share);
}

/* Start a slot for the packet of `ip`. Return: NULL if there is none. */
static struct reassembly_slot *slot_begin(struct reassembly *r, struct reassembly_owner *owner,
	const struct ip_header *ip, struct fragment_origin from, struct mono now)
{
	struct reassembly_slot *slot = slot_take_any(r, owner, NULL);

	if (!slot)
		return NULL;
	slot->owner = owner;
	list_push_tail(&r->busy, &slot->order);
	list_push_tail(&owner->slots, &slot->owned);
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
	memset(slot->more, 0, sizeof(slot->more));
	slot_enter(r, slot);
	return slot;
}

/* ---- payload ---- */

/* Find byte `at` of the payload in memory. `*n` is lowered to the number of bytes that are
 * contiguous there. Return: NULL if no slot holds that unit. */
static uint8_t *payload_at(struct reassembly_slot *slot, uint32_t at, size_t *n)
{
	uint32_t unit = at / REASSEMBLY_UNIT;
	struct reassembly_slot *holder = unit ? slot->more[unit - 1] : slot;

	*n = size_min(*n, REASSEMBLY_UNIT - at % REASSEMBLY_UNIT);
	return holder ? slot_payload(holder) + at % REASSEMBLY_UNIT : NULL;
}

/* Whether the received payload at `at` equals bytes[n]. */
static bool payload_equals(
	struct reassembly_slot *slot, uint32_t at, const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t run = n;
		const uint8_t *have = payload_at(slot, at, &run);

		if (memcmp(have, bytes, run) != 0)
			return false;
		at += (uint32_t)run;
		bytes += run;
		n -= run;
	}
	return true;
}

/* Store bytes[n] at `at`, in further slots if needed. Return: false if there are none. */
static bool payload_write(struct reassembly *r, struct reassembly_slot *slot, uint32_t at,
	const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t run = n;
		uint8_t *to = payload_at(slot, at, &run);

		if (!to) {
			struct reassembly_slot *more = slot_take_any(r, slot->owner, slot);

			if (!more)
				return false;
			slot->more[at / REASSEMBLY_UNIT - 1] = more;
			continue;
		}
		memcpy(to, bytes, run);
		at += (uint32_t)run;
		bytes += run;
		n -= run;
	}
	return true;
}

/* Whether the payload spans several slots. */
static bool slot_spans(const struct reassembly_slot *slot)
{
	return slot->end > REASSEMBLY_UNIT;
}

/* Copy the packet with its header; the payload begins at `to`. */
static void payload_read(struct reassembly_slot *slot, uint8_t *to)
{
	memcpy(to - slot->header_len, slot_payload(slot) - slot->header_len, slot->header_len);
	for (uint32_t at = 0; at < slot->end;) {
		size_t run = slot->end - at;
		const uint8_t *have = payload_at(slot, at, &run);

		memcpy(to + at, have, run);
		at += (uint32_t)run;
	}
}

/* ---- fragments ---- */

/* Whether two datagrams are near enough to carry fragments of one packet. */
static bool origins_are_near(struct fragment_origin a, struct fragment_origin b)
{
	uint64_t low = a.counter < b.counter ? a.counter : b.counter;
	uint64_t high = a.counter < b.counter ? b.counter : a.counter;

	return a.key == b.key ? high - low <= REASSEMBLY_WINDOW : low < REASSEMBLY_WINDOW;
}

/* Whether `a` was sent long before `b`. */
static bool origin_is_behind(struct fragment_origin a, struct fragment_origin b)
{
	return a.key == b.key && a.counter < b.counter;
}

/* Compare bytes [from, to) with the ranges of the slot; add them if they are new. */
static enum piece ranges_add(
	struct reassembly_slot *slot, uint32_t from, uint32_t to, const uint8_t *bytes)
{
	struct fragment_range *r = slot->ranges;
	size_t n = slot->ranges_len, i = 0;
	bool left, right;

	while (i < n && r[i].to <= from)
		i++; /* now r[i] is the first that ends after `from` */
	if (i < n && r[i].from < to) {
		if (r[i].from > from || r[i].to < to)
			return PIECE_OVERLAP;
		return payload_equals(slot, from, bytes, to - from) ? PIECE_DUPLICATE
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

/* Whether a fragment that ends at `to` contradicts the known end of the packet. */
static bool end_contradicts(const struct reassembly_slot *slot, uint32_t to, bool more)
{
	if (more)
		return slot->end && to >= slot->end;
	if (slot->end)
		return to != slot->end;
	return slot->ranges_len && slot->ranges[slot->ranges_len - 1].to > to;
}

/* Add a fragment to an incomplete packet. */
static enum piece slot_take(struct reassembly *r, struct reassembly_slot *slot,
	const uint8_t *fragment, const struct ip_header *ip)
{
	uint32_t from = ip->fragment_at, to = from + (uint32_t)ip->payload_len;
	const uint8_t *payload = fragment + ip->header_len;
	enum piece piece;

	if (end_contradicts(slot, to, ip->more))
		return PIECE_OVERLAP;
	piece = ranges_add(slot, from, to, payload);
	if (piece != PIECE_NEW)
		return piece;
	if (!payload_write(r, slot, from, payload, ip->payload_len))
		return PIECE_NO_ROOM;
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

/* Write the header that the packet had before fragmentation. Return: the start of the packet. */
static uint8_t *header_restore(const struct reassembly_slot *slot, uint8_t *payload)
{
	uint8_t *h = payload - slot->header_len;
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
	return h;
}

/* The packet is complete: it is valid until reassembly_release(), in its slot or, if it spans
 * several slots, in a copy. */
static void slot_finish(struct reassembly *r, struct reassembly_slot *slot, struct reassembled *ret)
{
	size_t len = slot->header_len + slot->end;
	uint8_t *payload = slot_payload(slot);
	bool spans = slot_spans(slot);

	r->packets++;
	r->joined += slot->pieces;
	r->held -= slot->pieces;
	slot_forget(r, slot);
	if (spans) {
		payload = r->spanning + r->n_spanning++ * (size_t)SPANNING_LEN +
			  REASSEMBLY_PAYLOAD_AT;
		payload_read(slot, payload);
	}
	*ret = (struct reassembled){ header_restore(slot, payload), len, slot->pieces };
	slot_free_more(r, slot);
	if (spans) {
		pool_give_back(&r->pool, &slot->owner->share, slot);
		return;
	}
	list_push_tail(&r->done, &slot->order);
	r->n_done++;
	pool_disown(&r->pool, &slot->owner->share);
}

/* Pass a fragment of a foreign packet. Free the slot when the whole packet has passed. */
static enum reassembly_verdict slot_pass(
	struct reassembly *r, struct reassembly_slot *slot, const struct ip_header *ip)
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
	drop_add(r->drops, why, 1);
	return REASSEMBLY_DROPPED;
}

/* Drop the present fragment and the earlier ones of its packet; later ones will be dropped, too. */
static enum reassembly_verdict slot_poison(
	struct reassembly *r, struct reassembly_slot *slot, enum drop why)
{
	slot_drop_pieces(r, slot, why);
	slot->state = SLOT_POISONED;
	return drop_one(r, why);
}

static enum reassembly_verdict slot_collect(struct reassembly *r, struct reassembly_slot *slot,
	const uint8_t *fragment, const struct ip_header *ip, struct reassembled *ret)
{
	if (ip->fragment_at + ip->payload_len > REASSEMBLY_PAYLOAD_MAX)
		return slot_poison(r, slot, DROP_L2TP_OVERSIZE);
	switch (slot_take(r, slot, fragment, ip)) {
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

static bool fragment_is_sound(const struct ip_header *ip)
{
	return ip->fragment && ip->payload_len && (!ip->more || ip->payload_len % 8 == 0) &&
	       ip->fragment_at + ip->payload_len + ip->header_len <= PACKET_MAX;
}

/* Return: the slot; or NULL, and it is freed, if the present fragment is of a later packet. */
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

enum reassembly_verdict reassembly_add(struct reassembly *r, struct reassembly_owner *owner,
	const uint8_t *fragment, const struct ip_header *ip, bool foreign,
	struct fragment_origin from, struct mono now, struct reassembled *ret)
{
	struct reassembly_slot *slot;

	if (!reassembly_has_room(r))
		return REASSEMBLY_BUSY;
	r->fragments++;
	if (!fragment_is_sound(ip))
		return drop_one(r, DROP_FRAG_MALFORMED);
	slot = slot_find(r, owner, ip);
	if (slot && !origins_are_near(slot->first, from) && origin_is_behind(from, slot->first))
		return drop_one(r, DROP_FRAG_WINDOW);
	slot = slot_unless_stale(r, slot, from, now);
	if (!slot) {
		slot = slot_begin(r, owner, ip, from, now);
		if (!slot)
			return drop_one(r, DROP_FRAG_MEMORY);
		/* if other fragments of a foreign packet came before its first one, it is joined
		 * and passes as a whole */
		if (foreign)
			slot->state = SLOT_FOREIGN;
	}
	if (slot->state == SLOT_FOREIGN)
		return slot_pass(r, slot, ip);
	if (slot->state == SLOT_POISONED)
		return drop_one(r, DROP_FRAG_OVERLAP);
	return slot_collect(r, slot, fragment, ip, ret);
}

void reassembly_release(struct reassembly *r)
{
	while (!list_is_empty(&r->done)) {
		struct reassembly_slot *slot = slot_of(r->done.next);

		list_remove(&slot->order);
		pool_free(&r->pool, slot);
	}
	r->n_done = 0;
	r->n_spanning = 0;
}

struct mono reassembly_deadline(const struct reassembly *r)
{
	if (list_is_empty(&r->busy))
		return MONO_NEVER;
	return mono_add(slot_of(r->busy.next)->begun, REASSEMBLY_TIMEOUT_NS);
}

struct mono reassembly_expire(struct reassembly *r, struct mono now)
{
	struct mono due;

	while (mono_reached(due = reassembly_deadline(r), now))
		slot_discard(r, slot_of(r->busy.next), DROP_FRAG_TIMEOUT);
	return due;
}
