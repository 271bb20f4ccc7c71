/* SPDX-License-Identifier: MIT */
/* FQ-CoDel: frames wait here, before they are sealed, for a link that is slower than their senders.
 * Source: RFC 8290. */
#include "queue/queue.h"

#include "base/bug.h"
#include "base/bytes.h"
#include "pkt/ecn.h"
#include "pkt/headers.h"
#include "queue/flow.h"

/* The parts of the memory. */
struct layout {
	size_t assembled;
	size_t units;
	size_t end;
};

static struct layout layout_of(size_t packet_max)
{
	struct layout l = { .assembled = size_align(QUEUE_FLOWS * sizeof(struct queue_flow), 64) };

	l.units = l.assembled + size_align(packet_max, 64);
	l.end = l.units + QUEUE_UNITS * sizeof(struct queue_unit);
	return l;
}

size_t queue_memory(size_t packet_max)
{
	return layout_of(packet_max).end;
}

static void flow_init(struct queue_flow *f)
{
	memset(f, 0, sizeof(*f));
	round_entry_init(&f->turn);
	pool_share_init(&f->share);
}

void queue_init(struct queue *q, void *memory, size_t packet_max, const struct rng *rng,
	struct drop_counters *drops)
{
	struct layout l = layout_of(packet_max);
	uint8_t *m = memory;

	memset(q, 0, sizeof(*q));
	round_init(&q->peers);
	list_init(&q->paused);
	q->flows = memory;
	q->assembled = m + l.assembled;
	q->packet_max = packet_max;
	q->drops = drops;
	hash_init(&q->key, rng);
	for (unsigned i = QUEUE_FLOWS; i-- > 0;) {
		flow_init(&q->flows[i]);
		q->flows[i].chain = q->unused;
		q->unused = &q->flows[i];
	}
	pool_init(&q->pool, sizeof(struct queue_unit));
	pool_add(&q->pool, m + l.units, QUEUE_UNITS);
}

void queue_peer_init(struct queue_peer *p)
{
	memset(p, 0, sizeof(*p));
	round_entry_init(&p->turn);
	round_init(&p->flows);
	flow_init(&p->rest);
	p->rest.peer = p;
}

/* ---- flows ---- */

static struct queue_flow **chain_of(struct queue *q, uint32_t hash)
{
	return &q->chains[hash % QUEUE_CHAINS];
}

/* The flow of this hash, which is new if it was in no round. */
static struct queue_flow *flow_get(struct queue *q, struct queue_peer *p, uint32_t hash)
{
	struct queue_flow **chain = chain_of(q, hash), *f;

	for (f = *chain; f; f = f->chain)
		if (f->hash == hash && f->peer == p)
			return f;
	f = q->unused;
	if (!f)
		return &p->rest;
	q->unused = f->chain;
	flow_init(f);
	f->hash = hash;
	f->peer = p;
	f->chain = *chain;
	*chain = f;
	return f;
}

/* The flow has left its peer's round: it is free again. */
static void flow_release(struct queue *q, struct queue_flow *f)
{
	struct queue_flow **at = chain_of(q, f->hash);

	if (f == &f->peer->rest)
		return;
	while (*at != f)
		at = &(*at)->chain;
	*at = f->chain;
	f->chain = q->unused;
	q->unused = f;
}

/* ---- frames of a flow ---- */

static void frame_append(struct queue_flow *f, struct queue_unit *first)
{
	first->next = NULL;
	if (f->last)
		f->last->next = first;
	else
		f->first = first;
	f->last = first;
	f->bytes += first->len;
	f->peer->bytes += first->len;
	f->peer->count++;
}

/* Unlink the oldest frame of the flow, which must have one. */
static struct queue_unit *flow_pop(struct queue_flow *f)
{
	struct queue_unit *first = f->first;

	f->first = first->next;
	if (!f->first)
		f->last = NULL;
	f->bytes -= first->len;
	f->peer->bytes -= first->len;
	f->peer->count--;
	return first;
}

/* A frame that was unlinked does not wait any more, and its units count for no flow. */
static struct queue_unit *frame_disown(
	struct queue *q, struct queue_flow *f, struct queue_unit *first)
{
	q->count--;
	for (const struct queue_unit *u = first; u; u = u->more)
		pool_disown(&q->pool, &f->share);
	return first;
}

/* Take the oldest frame out of the flow. Return: NULL if there is none. */
static struct queue_unit *frame_unlink(struct queue *q, struct queue_flow *f)
{
	return f->first ? frame_disown(q, f, flow_pop(f)) : NULL;
}

static void frame_free(struct queue *q, struct queue_unit *unit)
{
	while (unit) {
		struct queue_unit *more = unit->more;

		pool_free(&q->pool, unit);
		unit = more;
	}
}

static void frame_drop(struct queue *q, struct queue_peer *p, struct queue_unit *first)
{
	drop_count(q->drops, DROP_TX_QUEUE);
	p->stats.dropped++;
	if (first->dropped)
		(*first->dropped)++;
	frame_free(q, first);
}

/* Free the frame that was taken last. */
static void release_taken(struct queue *q)
{
	frame_free(q, q->taken);
	q->taken = NULL;
}

/* Drop the oldest frames of the largest flows until a frame of `len` bytes for `f` fits. */
static void make_room(struct queue *q, struct queue_flow *f, size_t len)
{
	unsigned units = (unsigned)((len + QUEUE_UNIT - 1) / QUEUE_UNIT);

	while (!pool_has(&q->pool, units)) {
		struct pool_share *share = pool_victim(&q->pool, &f->share);
		struct queue_flow *loser;

		ASSERT(share);
		loser = CONTAINER_OF(share, struct queue_flow, share);
		frame_drop(q, loser->peer, frame_unlink(q, loser));
	}
}

/* Copy a frame into units of the flow. */
static struct queue_unit *frame_store(
	struct queue *q, struct queue_flow *f, const struct queue_frame *frame)
{
	struct queue_unit *first = NULL, **more = &first;

	for (size_t at = 0; at < frame->len; at += QUEUE_UNIT) {
		struct queue_unit *unit = pool_take(&q->pool, &f->share);

		ASSERT(unit);
		unit->more = NULL;
		memcpy(unit->bytes, frame->bytes + at, size_min(frame->len - at, QUEUE_UNIT));
		*more = unit;
		more = &unit->more;
	}
	return first;
}

void queue_push(
	struct queue *q, struct queue_peer *p, const struct queue_frame *frame, struct mono now)
{
	struct queue_flow *f;
	struct queue_unit *first;

	ASSERT(frame->len && frame->len <= q->packet_max);
	release_taken(q);
	f = flow_get(q, p, flow_hash(&q->key, frame->bytes, frame->len, frame->ethernet));
	make_room(q, f, frame->len);
	first = frame_store(q, f, frame);
	first->since = now;
	first->port = frame->port;
	first->dropped = frame->dropped;
	first->len = (uint32_t)frame->len;
	first->wire = (uint32_t)frame->wire;
	first->ethernet = frame->ethernet;
	frame_append(f, first);
	q->count++;
	round_add(&p->flows, &f->turn);
	round_add(&q->peers, &p->turn);
}

/* ---- CoDel ---- */

/* Mark the frame instead of dropping it. Return: false if its packet does not allow that. */
static bool frame_mark(struct queue_peer *p, struct queue_unit *u)
{
	struct headers h;

	if (headers_parse(u->bytes, size_min(u->len, QUEUE_UNIT), u->ethernet, &h) || !h.version ||
		!ecn_mark(u->bytes + h.l3))
		return false;
	p->stats.marked++;
	return true;
}

static bool is_above(struct queue_flow *f, const struct queue_unit *u, struct mono now)
{
	if (!u) {
		f->codel.first_above = MONO_NEVER;
		return false;
	}
	return codel_is_above(&f->codel, mono_between(u->since, now), f->bytes, now);
}

/* The flow drops already: go on, or stop, before `u` is sent. Return: the frame to send. */
static struct queue_unit *codel_continue(
	struct queue *q, struct queue_flow *f, struct queue_unit *u, bool above, struct mono now)
{
	struct codel *c = &f->codel;

	c->dropping = above;
	while (c->dropping && mono_reached(c->drop_next, now)) {
		c->count++;
		if (frame_mark(f->peer, u)) {
			c->drop_next = codel_next_drop(c->drop_next, c->count);
			return u;
		}
		frame_drop(q, f->peer, u);
		u = frame_unlink(q, f);
		c->dropping = is_above(f, u, now);
		if (c->dropping)
			c->drop_next = codel_next_drop(c->drop_next, c->count);
	}
	return u;
}

/* Take the oldest frame of the flow that CoDel lets pass. Source: RFC 8289 §5.5, RFC 8290 §4.2. */
static struct queue_unit *codel_take(struct queue *q, struct queue_flow *f, struct mono now)
{
	struct queue_unit *u = frame_unlink(q, f);
	bool above = is_above(f, u, now);

	if (f->codel.dropping)
		return codel_continue(q, f, u, above, now);
	if (!above)
		return u;
	if (!frame_mark(f->peer, u)) {
		frame_drop(q, f->peer, u);
		u = frame_unlink(q, f);
		(void)is_above(f, u, now);
	}
	codel_start(&f->codel, now);
	return u;
}

/* ---- taking ---- */

/* Take the next frame of the peer. Return: NULL if nothing is left. */
static struct queue_unit *peer_take(struct queue *q, struct queue_peer *p, struct mono now)
{
	struct round_entry *turn;

	while ((turn = round_turn(&p->flows))) {
		struct queue_flow *f = CONTAINER_OF(turn, struct queue_flow, turn);
		struct queue_unit *u = codel_take(q, f, now);

		if (u) {
			f->turn.deficit -= (int)u->len;
			return u;
		}
		f->codel.dropping = false;
		round_leave(&p->flows, &f->turn);
		if (list_is_empty(&f->turn.link))
			flow_release(q, f);
	}
	return NULL;
}

/* Let peers that pause send again, if it is time. */
static void resume(struct queue *q, struct mono now)
{
	if (!mono_reached(q->due, now))
		return;
	q->due = MONO_NEVER;
	LIST_FOR_EACH_SAFE(l, next, &q->paused)
	{
		struct queue_peer *p = CONTAINER_OF(l, struct queue_peer, turn.link);

		if (shaper_is_ready(&p->limit, now))
			round_return(&q->peers, &p->turn);
		else
			q->due = mono_earliest(q->due, p->limit.free);
	}
}

static void pause_peer(struct queue *q, struct queue_peer *p)
{
	list_remove(&p->turn.link);
	list_push_tail(&q->paused, &p->turn.link);
	q->due = mono_earliest(q->due, p->limit.free);
}

/* The bytes of a frame in one piece. */
static const uint8_t *assemble(const struct queue *q, const struct queue_unit *u)
{
	size_t at = 0, len = u->len;

	if (!u->more)
		return u->bytes;
	for (; u; u = u->more, at += QUEUE_UNIT)
		memcpy(q->assembled + at, u->bytes, size_min(len - at, QUEUE_UNIT));
	return q->assembled;
}

static void hand_out(struct queue *q, struct queue_peer *p, struct queue_unit *u, struct mono now,
	struct queue_frame *ret)
{
	p->turn.deficit -= (int)u->len;
	p->stats.packets++;
	shaper_take(&p->limit, u->wire, now);
	delay_add(&p->delay, now, mono_between(u->since, now), u->len);
	q->taken = u;
	*ret = (struct queue_frame){ assemble(q, u), u->len, u->ethernet, u->wire, u->port,
		u->dropped };
}

struct queue_peer *queue_take(struct queue *q, struct mono now, struct queue_frame *ret)
{
	struct round_entry *turn;

	release_taken(q);
	resume(q, now);
	while ((turn = round_turn(&q->peers))) {
		struct queue_peer *p = CONTAINER_OF(turn, struct queue_peer, turn);
		struct queue_unit *u;

		if (!shaper_is_ready(&p->limit, now)) {
			pause_peer(q, p);
			continue;
		}
		u = peer_take(q, p, now);
		if (u) {
			hand_out(q, p, u, now, ret);
			return p;
		}
		round_leave(&q->peers, &p->turn);
	}
	return NULL;
}

void queue_limit(struct queue *q, struct queue_peer *p, uint64_t rate)
{
	p->limit.rate = rate;
	q->due = (struct mono){ 1 }; /* look at once: it may pause for the rate before */
}

/* ---- clearing ---- */

/* Drop the frames of the flow that came from `port`; NULL: all. */
static void flow_clear(struct queue *q, struct queue_flow *f, const void *port)
{
	unsigned n = 0;

	for (const struct queue_unit *u = f->first; u; u = u->next)
		n++;
	for (; n; n--) {
		struct queue_unit *u = flow_pop(f);

		if (port && u->port != port)
			frame_append(f, u);
		else
			frame_drop(q, f->peer, frame_disown(q, f, u));
	}
}

static void flows_clear(struct queue *q, struct list *flows, const void *port)
{
	LIST_FOR_EACH_SAFE(l, next, flows)
	{
		struct queue_flow *f = CONTAINER_OF(l, struct queue_flow, turn.link);

		flow_clear(q, f, port);
		if (f->first)
			continue;
		list_remove(&f->turn.link);
		flow_release(q, f);
	}
}

void queue_clear(struct queue *q, struct queue_peer *p, const void *port)
{
	release_taken(q);
	flows_clear(q, &p->flows.fresh, port);
	flows_clear(q, &p->flows.old, port);
	if (!p->count)
		list_remove(&p->turn.link);
}
