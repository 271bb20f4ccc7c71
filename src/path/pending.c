/* SPDX-License-Identifier: MIT */
/* Pending inner packets, which wait for a handshake, in a pool that all peers share fairly. */
#include "path/pending.h"

#include "base/bug.h"
#include "base/bytes.h"

/* What comes before the units in a block of memory. */
static size_t before_units(unsigned have, size_t packet_max)
{
	return have ? 0 : size_align(packet_max, 64);
}

size_t stage_memory(unsigned have, unsigned more, size_t packet_max)
{
	return before_units(have, packet_max) + more * sizeof(struct stage_unit);
}

void stage_init(struct stage *s, size_t packet_max)
{
	memset(s, 0, sizeof(*s));
	pool_init(&s->pool, sizeof(struct stage_unit));
	s->packet_max = packet_max;
}

void stage_add_units(struct stage *s, void *memory, unsigned more)
{
	size_t before = before_units(s->pool.size, s->packet_max);

	if (before)
		s->packet = memory;
	pool_add(&s->pool, (uint8_t *)memory + before, more);
}

void stage_queue_init(struct stage_queue *q)
{
	*q = (struct stage_queue){ 0 };
	pool_share_init(&q->share);
}

void stage_set_unanswered(struct stage *s, struct stage_queue *q, bool unanswered)
{
	pool_share_weigh(&s->pool, &q->share, unanswered ? STAGE_WEIGHT_UNANSWERED : 1);
}

struct stage_queue *stage_victim(
	const struct stage *s, struct stage_queue *q, size_t len, unsigned max)
{
	size_t units = (len + STAGE_UNIT - 1) / STAGE_UNIT;

	ASSERT(len && len <= s->packet_max && units <= s->pool.size && max);
	if (q->count >= max)
		return q;
	if (pool_has(&s->pool, (unsigned)units))
		return NULL;
	return CONTAINER_OF(pool_victim(&s->pool, &q->share), struct stage_queue, share);
}

/* Append a packet that is in no queue. */
static void append(struct stage_queue *q, struct stage_unit *first)
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
static void unlink_first(struct stage_queue *q)
{
	q->first = q->first->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
}

void stage_push(struct stage *s, struct stage_queue *q, const struct stage_packet *packet)
{
	struct stage_unit *first = NULL, **more = &first;

	for (size_t at = 0; at < packet->len; at += STAGE_UNIT) {
		struct stage_unit *unit = pool_take(&s->pool, &q->share);

		ASSERT(unit);
		unit->more = NULL;
		memcpy(unit->bytes, packet->bytes + at, size_min(packet->len - at, STAGE_UNIT));
		*more = unit;
		more = &unit->more;
	}
	first->len = (uint32_t)packet->len;
	first->l2tp = packet->l2tp;
	first->stats = packet->stats;
	append(q, first);
}

bool stage_first(const struct stage *s, const struct stage_queue *q, struct stage_packet *ret)
{
	const struct stage_unit *unit = q->first;
	size_t at = 0;

	if (!unit)
		return false;
	*ret = (struct stage_packet){ unit->bytes, unit->len, unit->l2tp, unit->stats };
	if (!unit->more)
		return true;
	for (; unit; unit = unit->more, at += STAGE_UNIT)
		memcpy(s->packet + at, unit->bytes, size_min(ret->len - at, STAGE_UNIT));
	ret->bytes = s->packet;
	return true;
}

void stage_pop(struct stage *s, struct stage_queue *q)
{
	struct stage_unit *unit = q->first;

	ASSERT(unit);
	unlink_first(q);
	while (unit) {
		struct stage_unit *more = unit->more;

		pool_give_back(&s->pool, &q->share, unit);
		unit = more;
	}
}

void stage_drop(struct stage *s, struct stage_queue *q)
{
	q->first->stats->dropped_tx++;
	stage_pop(s, q);
}

unsigned stage_clear(struct stage *s, struct stage_queue *q)
{
	unsigned n = q->count;

	while (q->first)
		stage_drop(s, q);
	return n;
}

unsigned stage_clear_port(
	struct stage *s, struct stage_queue *q, const struct path_port_stats *stats)
{
	unsigned n = 0;

	for (unsigned left = q->count; left; left--) {
		struct stage_unit *first = q->first;

		if (first->stats == stats) {
			stage_drop(s, q);
			n++;
			continue;
		}
		unlink_first(q);
		append(q, first);
	}
	return n;
}
