/* SPDX-License-Identifier: MIT */
/* Pending inner packets, which wait for a handshake, in a pool that all peers share fairly. */
#include "path/pending.h"

#include "base/bug.h"
#include "base/bytes.h"

/* The header of a block of units. */
static size_t before_units(unsigned have, size_t packet_max)
{
	return have ? 0 : size_align(packet_max, 64);
}

size_t pending_memory(unsigned have, unsigned more, size_t packet_max)
{
	return before_units(have, packet_max) + more * sizeof(struct pending_unit);
}

void pending_init(struct pending_pool *s, size_t packet_max)
{
	memset(s, 0, sizeof(*s));
	pool_init(&s->pool, sizeof(struct pending_unit));
	s->packet_max = packet_max;
}

void pending_add_units(struct pending_pool *s, void *memory, unsigned more)
{
	size_t before = before_units(s->pool.size, s->packet_max);

	if (before)
		s->packet = memory;
	pool_add(&s->pool, (uint8_t *)memory + before, more);
}

void pending_queue_init(struct pending_queue *q)
{
	*q = (struct pending_queue){ 0 };
	pool_share_init(&q->share);
}

void pending_set_unanswered(struct pending_pool *s, struct pending_queue *q, bool unanswered)
{
	pool_share_weigh(&s->pool, &q->share, unanswered ? PENDING_WEIGHT_UNANSWERED : 1);
}

struct pending_queue *pending_victim(
	const struct pending_pool *s, struct pending_queue *q, size_t len, unsigned max)
{
	size_t units = (len + PENDING_UNIT - 1) / PENDING_UNIT;

	ASSERT(len && len <= s->packet_max && units <= s->pool.size && max);
	if (q->count >= max)
		return q;
	if (pool_has(&s->pool, (unsigned)units))
		return NULL;
	return CONTAINER_OF(pool_victim(&s->pool, &q->share), struct pending_queue, share);
}

/* Append a packet that is in no queue. */
static void append(struct pending_queue *q, struct pending_unit *first)
{
	first->next = NULL;
	if (q->last)
		q->last->next = first;
	else
		q->first = first;
	q->last = first;
	q->count++;
}

/* Take the oldest packet out of the queue, which must have one; its units stay taken. */
static void unlink_first(struct pending_queue *q)
{
	q->first = q->first->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
}

void pending_push(
	struct pending_pool *s, struct pending_queue *q, const struct pending_packet *packet)
{
	struct pending_unit *first = NULL, **more = &first;

	for (size_t at = 0; at < packet->len; at += PENDING_UNIT) {
		struct pending_unit *unit = pool_take(&s->pool, &q->share);

		ASSERT(unit);
		unit->more = NULL;
		memcpy(unit->bytes, packet->bytes + at, size_min(packet->len - at, PENDING_UNIT));
		*more = unit;
		more = &unit->more;
	}
	ASSERT(first); /* a packet is never empty */
	first->len = (uint32_t)packet->len;
	first->l2tp = packet->l2tp;
	first->stats = packet->stats;
	append(q, first);
}

bool pending_first(
	const struct pending_pool *s, const struct pending_queue *q, struct pending_packet *ret)
{
	const struct pending_unit *unit = q->first;
	size_t at = 0;

	if (!unit)
		return false;
	*ret = (struct pending_packet){ unit->bytes, unit->len, unit->l2tp, unit->stats };
	if (!unit->more)
		return true;
	for (; unit; unit = unit->more, at += PENDING_UNIT)
		memcpy(s->packet + at, unit->bytes, size_min(ret->len - at, PENDING_UNIT));
	ret->bytes = s->packet;
	return true;
}

void pending_pop(struct pending_pool *s, struct pending_queue *q)
{
	struct pending_unit *unit = q->first;

	ASSERT(unit);
	unlink_first(q);
	while (unit) {
		struct pending_unit *more = unit->more;

		pool_give_back(&s->pool, &q->share, unit);
		unit = more;
	}
}

void pending_drop(struct pending_pool *s, struct pending_queue *q)
{
	q->first->stats->dropped++;
	pending_pop(s, q);
}

unsigned pending_clear(struct pending_pool *s, struct pending_queue *q)
{
	unsigned n = q->count;

	while (q->first)
		pending_drop(s, q);
	return n;
}

unsigned pending_clear_port(
	struct pending_pool *s, struct pending_queue *q, const struct path_port_tx *stats)
{
	unsigned n = 0;

	for (unsigned left = q->count; left; left--) {
		struct pending_unit *first = q->first;

		if (first->stats == stats) {
			pending_drop(s, q);
			n++;
			continue;
		}
		unlink_first(q);
		append(q, first);
	}
	return n;
}
