/* SPDX-License-Identifier: MIT */
/* Trains: contiguous runs of equal-sized datagrams to one endpoint, the last possibly shorter;
 * each is sent by one sendmsg with UDP_SEGMENT. */
#include "pkt/train.h"

#include "base/bug.h"

void train_queue_init(struct train_queue *q, uint8_t *arena, size_t cap)
{
	q->arena = arena;
	q->cap = cap;
	train_queue_reset(q);
}

void train_queue_reset(struct train_queue *q)
{
	q->used = 0;
	q->n = 0;
}

bool train_has_room(const struct train_queue *q, size_t count, size_t bytes)
{
	return TRAINS_MAX - q->n >= count && q->cap - q->used >= bytes;
}

uint8_t *train_tail(struct train_queue *q)
{
	return q->arena + q->used;
}

static bool train_accepts(
	const struct train *t, size_t len, const struct endpoint *to, uint8_t tos, unsigned most)
{
	return t->open && len <= t->stride && t->count < most && t->len + len <= TRAIN_BYTES_MAX &&
	       t->tos == tos && endpoint_identical(&t->to, to);
}

void train_append_most(
	struct train_queue *q, size_t len, const struct endpoint *to, uint8_t tos, unsigned most)
{
	struct train *last = q->n ? &q->trains[q->n - 1] : NULL;

	ASSERT(q->cap - q->used >= len && len > 0 && len <= TRAIN_BYTES_MAX);
	if (last && train_accepts(last, len, to, tos, most)) {
		last->count++;
		last->len += (uint32_t)len;
		last->open = len == last->stride;
	} else {
		ASSERT(q->n < TRAINS_MAX);
		q->trains[q->n++] = (struct train){
			.base = q->arena + q->used,
			.len = (uint32_t)len,
			.stride = (uint16_t)len,
			.count = 1,
			.tos = tos,
			.open = true,
			.to = *to,
		};
	}
	q->used += len;
}

void train_append(struct train_queue *q, size_t len, const struct endpoint *to, uint8_t tos)
{
	train_append_most(q, len, to, tos, TRAIN_SEGMENTS_MAX);
}

void train_close(struct train_queue *q)
{
	if (q->n)
		q->trains[q->n - 1].open = false;
}

void train_close_with_ttl(struct train_queue *q, uint8_t ttl)
{
	train_close(q);
	if (q->n)
		q->trains[q->n - 1].ttl = ttl;
}
