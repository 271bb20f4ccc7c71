/* SPDX-License-Identifier: MIT */
/* Staging: inner packets that wait for a handshake, in a fixed pool that all peers share. */
#include "path/stage.h"

#include "base/bug.h"
#include "base/bytes.h"

static size_t slot_size(size_t packet_max)
{
	return size_align(sizeof(struct stage_slot) + packet_max, 64);
}

size_t stage_memory(size_t slots, size_t packet_max)
{
	return slots * slot_size(packet_max);
}

void stage_init(struct stage *s, void *memory, size_t slots, size_t packet_max)
{
	uint8_t *at = memory;

	*s = (struct stage){ .packet_max = packet_max };
	for (size_t i = 0; i < slots; i++, at += slot_size(packet_max)) {
		struct stage_slot *slot = (struct stage_slot *)(void *)at;

		slot->next = s->free;
		s->free = slot;
	}
}

uint8_t *stage_bytes(struct stage_slot *slot)
{
	return (uint8_t *)(slot + 1);
}

struct stage_slot *stage_push(
	struct stage *s, struct stage_queue *q, unsigned max, bool *ret_dropped)
{
	struct stage_slot *slot;

	*ret_dropped = q->count > 0 && (q->count >= max || !s->free);
	if (*ret_dropped)
		stage_pop(s, q);
	slot = s->free;
	if (!slot)
		return NULL;
	s->free = slot->next;
	slot->next = NULL;
	if (q->last)
		q->last->next = slot;
	else
		q->first = slot;
	q->last = slot;
	q->count++;
	return slot;
}

struct stage_slot *stage_first(const struct stage_queue *q)
{
	return q->first;
}

void stage_pop(struct stage *s, struct stage_queue *q)
{
	struct stage_slot *slot = q->first;

	ASSERT(slot);
	q->first = slot->next;
	if (!q->first)
		q->last = NULL;
	q->count--;
	slot->next = s->free;
	s->free = slot;
}

unsigned stage_clear(struct stage *s, struct stage_queue *q)
{
	unsigned n = q->count;

	while (q->first)
		stage_pop(s, q);
	return n;
}
