/* SPDX-License-Identifier: MIT */
/* FQ-CoDel as the RFCs describe it, with arrays and searches: to compare the queue with. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "queue/codel.h"

#define NAIVE_PEERS  3
#define NAIVE_FLOWS  6
#define NAIVE_FRAMES 2000

/** A frame by its number. */
struct naive_frame {
	unsigned number;
	int len;
	bool ect, marked;
	uint64_t since;
};

/** Entries of a round by their index, the first in turn at 0. */
struct naive_round {
	int fresh[NAIVE_FLOWS], n_fresh;
	int old[NAIVE_FLOWS], n_old;
	int deficit[NAIVE_FLOWS];
};

/** One flow: its frames and the variables of RFC 8289 §5.3. */
struct naive_flow {
	struct naive_frame frames[NAIVE_FRAMES];
	int n;
	uint64_t first_above_time, drop_next;
	uint32_t count, lastcount;
	bool dropping;
};

/** All of it. */
struct naive {
	struct naive_round peers;
	struct naive_round flows[NAIVE_PEERS];
	struct naive_flow flow[NAIVE_PEERS][NAIVE_FLOWS];
	unsigned drops, marks;
};

static inline bool naive_has(const struct naive_round *r, int e)
{
	for (int i = 0; i < r->n_fresh; i++)
		if (r->fresh[i] == e)
			return true;
	for (int i = 0; i < r->n_old; i++)
		if (r->old[i] == e)
			return true;
	return false;
}

static inline int naive_shift(int *list, int *n)
{
	int e = list[0];

	memmove(list, list + 1, (size_t)-- * n * sizeof(*list));
	return e;
}

static inline void naive_add(struct naive_round *r, int e)
{
	if (naive_has(r, e))
		return;
	r->deficit[e] = 1514;
	r->fresh[r->n_fresh++] = e;
}

/** The entry whose turn it is, or -1. */
static inline int naive_turn(struct naive_round *r)
{
	while (r->n_fresh || r->n_old) {
		int e = r->n_fresh ? r->fresh[0] : r->old[0];

		if (r->deficit[e] > 0)
			return e;
		r->deficit[e] += 1514;
		if (r->n_fresh)
			(void)naive_shift(r->fresh, &r->n_fresh);
		else
			(void)naive_shift(r->old, &r->n_old);
		r->old[r->n_old++] = e;
	}
	return -1;
}

/** The entry has nothing left. Return: whether it has left. */
static inline bool naive_leave(struct naive_round *r)
{
	if (!r->n_fresh) {
		(void)naive_shift(r->old, &r->n_old);
		return true;
	}
	if (!r->n_old) {
		(void)naive_shift(r->fresh, &r->n_fresh);
		return true;
	}
	r->old[r->n_old++] = naive_shift(r->fresh, &r->n_fresh);
	return false;
}

static inline void naive_push(struct naive *q, int peer, int flow, struct naive_frame f)
{
	struct naive_flow *at = &q->flow[peer][flow];

	at->frames[at->n++] = f;
	naive_add(&q->flows[peer], flow);
	naive_add(&q->peers, peer);
}

/** RFC 8289 §5.6: the next frame, and whether it may be dropped. Return: false if there is none. */
static inline bool naive_dodequeue(
	struct naive_flow *f, uint64_t now, struct naive_frame *ret, bool *ok_to_drop)
{
	size_t bytes = 0;

	*ok_to_drop = false;
	if (!f->n) {
		f->first_above_time = 0;
		return false;
	}
	*ret = f->frames[0];
	memmove(f->frames, f->frames + 1, (size_t)--f->n * sizeof(f->frames[0]));
	for (int i = 0; i < f->n; i++)
		bytes += (size_t)f->frames[i].len;
	if (now - ret->since < CODEL_TARGET_NS || bytes <= CODEL_MTU)
		f->first_above_time = 0;
	else if (!f->first_above_time)
		f->first_above_time = now + CODEL_INTERVAL_NS;
	else if (now >= f->first_above_time)
		*ok_to_drop = true;
	return true;
}

static inline uint64_t naive_law(uint64_t t, uint32_t count)
{
	return codel_next_drop((struct mono){ t }, count).ns;
}

/** Mark the frame, or count it as dropped. Return: whether it was marked. */
static inline bool naive_signal(struct naive *q, struct naive_frame *f)
{
	if (!f->ect) {
		q->drops++;
		return false;
	}
	q->marks++;
	f->marked = true;
	return true;
}

/** RFC 8289 §5.5, with marks (RFC 8290 §4.2). Return: false if nothing is left. */
static inline bool naive_dequeue(
	struct naive *q, struct naive_flow *f, uint64_t now, struct naive_frame *ret)
{
	bool ok, got = naive_dodequeue(f, now, ret, &ok);

	if (f->dropping) {
		if (!ok)
			f->dropping = false;
		while (f->dropping && now >= f->drop_next) {
			f->count++;
			if (naive_signal(q, ret)) {
				f->drop_next = naive_law(f->drop_next, f->count);
				return true;
			}
			got = naive_dodequeue(f, now, ret, &ok);
			if (!ok)
				f->dropping = false;
			else
				f->drop_next = naive_law(f->drop_next, f->count);
		}
	} else if (ok) {
		uint32_t delta;

		if (!naive_signal(q, ret))
			got = naive_dodequeue(f, now, ret, &ok);
		f->dropping = true;
		delta = f->count - f->lastcount;
		f->count = 1;
		if (delta > 1 && (int64_t)(now - f->drop_next) < (int64_t)(16 * CODEL_INTERVAL_NS))
			f->count = delta;
		f->drop_next = naive_law(now, f->count);
		f->lastcount = f->count;
	}
	return got;
}

/** RFC 8290 §4.2, for peers and then for the peer's flows. Return: false if nothing is left. */
static inline bool naive_take(struct naive *q, uint64_t now, struct naive_frame *ret)
{
	int peer;

	while ((peer = naive_turn(&q->peers)) >= 0) {
		struct naive_round *flows = &q->flows[peer];
		int flow;

		while ((flow = naive_turn(flows)) >= 0) {
			struct naive_flow *f = &q->flow[peer][flow];

			if (naive_dequeue(q, f, now, ret)) {
				flows->deficit[flow] -= ret->len;
				q->peers.deficit[peer] -= ret->len;
				return true;
			}
			f->dropping = false;
			/* a flow that has left is forgotten with its state */
			if (naive_leave(flows))
				*f = (struct naive_flow){ .n = 0 };
		}
		(void)naive_leave(&q->peers);
	}
	return false;
}
