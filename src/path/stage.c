/* SPDX-License-Identifier: MIT */
/* Staging: inner packets that wait for a handshake, in a pool that all peers share fairly. */
#include "path/stage.h"

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

void stage_push(
	struct stage *s, struct stage_queue *q, const uint8_t *packet, size_t len, bool l2tp)
{
	struct stage_unit *first = NULL, **more = &first;

	for (size_t at = 0; at < len; at += STAGE_UNIT) {
		struct stage_unit *unit = pool_take(&s->pool, &q->share);

		ASSERT(unit);
		unit->more = NULL;
		memcpy(unit->bytes, packet + at, size_min(len - at, STAGE_UNIT));
		*more = unit;
		more = &unit->more;
	}
	first->next = NULL;
	first->len = (uint32_t)len;
	first->l2tp = l2tp;
	if (q->last)
		q->last->next = first;
	else
		q->first = first;
	q->last = first;
	q->count++;
}

bool stage_first(const struct stage *s, const struct stage_queue *q, struct stage_packet *ret)
{
	const struct stage_unit *unit = q->first;
	size_t at = 0;

	if (!unit)
		return false;
	*ret = (struct stage_packet){ .bytes = unit->bytes, .len = unit->len, .l2tp = unit->l2tp };
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
	q->first = unit->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
	while (unit) {
		struct stage_unit *more = unit->more;

		pool_give_back(&s->pool, &q->share, unit);
		unit = more;
	}
}

unsigned stage_clear(struct stage *s, struct stage_queue *q)
{
	unsigned n = q->count;

	while (q->first)
		stage_pop(s, q);
	return n;
}
