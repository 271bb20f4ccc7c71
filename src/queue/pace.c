/* SPDX-License-Identifier: MIT */
/* When frames may leave: by the configured rate, and by what the socket has not sent yet. */
#include "queue/pace.h"

/* Two datagrams: a link that is never without one, however slow. */
#define UNSENT_MIN 3000

/* How long datagrams have to be unsent for too long, before frames wait. */
#define LATE_NS (8 * NS_PER_MS)

/* How long no frame has had to wait before frames bypass the queue again. */
#define IDLE_NS (50 * NS_PER_MS)

/* How long nothing has to leave while frames wait, before what is unsent is taken for stuck: longer
 * than a datagram takes on the slowest links. */
#define STILL_NS (250 * NS_PER_MS)

/* For how long it is ignored then: about as long as the kernel tries to resolve a next hop; twice
 * as long each time if the next time comes soon. */
#define IGNORE_NS     (3 * NS_PER_S)
#define IGNORE_MAX_NS (60 * NS_PER_S)

/* More than this is not taken for stuck, but for a link that has stopped: several times what the
 * kernel stores for a next hop (Linux: 212992, unres_qlen_bytes). */
#define IGNORE_BYTES (2 << 20)

/* The longest time of a train at the rate. */
#define TRAIN_NS NS_PER_MS

/* The unsent bytes that are wanted while frames wait. */
static uint64_t unsent_max(const struct pace *p)
{
	uint64_t max = p->drain.rate * (PACE_AHEAD_NS / NS_PER_US) / (NS_PER_S / NS_PER_US);

	if (p->refused && (!max || max > p->refused))
		max = p->refused;
	return max > UNSENT_MIN ? max : UNSENT_MIN;
}

static void enter(struct pace *p, enum pace_state state)
{
	p->state = state;
	p->late_since = MONO_NEVER;
	p->idle_since = MONO_NEVER;
	p->still_since = MONO_NEVER;
	p->held = false;
	if (state == PACE_FREE) {
		p->refused = 0;
		p->drain.n = 0;
		p->drain.charge = 0;
		p->drain.bytes = 0;
		p->drain.window = MONO_NEVER;
	}
}

/* Frames leave at once; are datagrams unsent for too long? */
static void judge_watch(struct pace *p, uint64_t unsent, struct mono now)
{
	if (!unsent)
		enter(p, PACE_FREE);
	else if (drain_age(&p->drain, now) < PACE_AHEAD_NS)
		p->late_since = MONO_NEVER;
	else if (!mono_is_set(p->late_since))
		p->late_since = now;
	else if (mono_between(p->late_since, now) >= LATE_NS)
		enter(p, PACE_QUEUE);
}

/* Frames wait; is that still needed? */
static void judge_queue(struct pace *p, struct mono now)
{
	if (p->held)
		p->idle_since = MONO_NEVER;
	else if (!mono_is_set(p->idle_since))
		p->idle_since = now;
	else if (mono_between(p->idle_since, now) >= IDLE_NS)
		enter(p, PACE_FREE);
	if (p->refused && p->refused_window != p->drain.windows) {
		p->refused += p->refused / 8;
		p->refused_window = p->drain.windows;
	}
}

/* What is unsent is stuck: let the frames leave, and ignore it for a while. */
static void ignore_unsent(struct pace *p, struct mono now)
{
	bool soon = p->ignore_ns && mono_between(p->ignore_until, now) < IGNORE_MAX_NS;

	enter(p, PACE_FREE);
	p->ignore_ns = soon ? 2 * p->ignore_ns : IGNORE_NS;
	if (p->ignore_ns > IGNORE_MAX_NS)
		p->ignore_ns = IGNORE_MAX_NS;
	p->ignore_until = mono_add(now, p->ignore_ns);
}

/* Frames wait: does anything leave? `moved`: something has left since the last look. */
static void judge_still(struct pace *p, uint64_t unsent, bool moved, struct mono now)
{
	if (moved || !p->held || unsent > IGNORE_BYTES)
		p->still_since = MONO_NEVER;
	else if (!mono_is_set(p->still_since))
		p->still_since = now;
	else if (mono_between(p->still_since, now) >= STILL_NS)
		ignore_unsent(p, now);
}

void pace_look(struct pace *p, uint64_t unsent, struct mono now)
{
	uint64_t unseen = p->unseen;
	bool moved = unsent < p->drain.charge;

	p->unseen = 0;
	p->taken = 0;
	if (p->state == PACE_FREE) {
		if (!unsent || (mono_before(now, p->ignore_until) && unsent <= IGNORE_BYTES))
			return;
		enter(p, PACE_WATCH);
		/* the kernel counts more than the bytes, so these are at most so many */
		drain_sent(&p->drain, unsent < unseen ? unsent : unseen, unsent, now);
	}
	drain_look(&p->drain, unsent, p->held, now);
	if (p->state == PACE_WATCH)
		judge_watch(p, unsent, now);
	else
		judge_queue(p, now);
	if (p->state == PACE_QUEUE)
		judge_still(p, unsent, moved || !unsent, now);
}

void pace_sent(struct pace *p, size_t bytes, uint64_t more, struct mono now)
{
	p->taken = 0;
	p->unseen += bytes;
	if (p->state != PACE_FREE)
		drain_sent(&p->drain, bytes, more, now);
}

void pace_refused(struct pace *p, uint64_t unsent, struct mono now)
{
	/* sends were not measured: the kernel counts about so much for full datagrams */
	if (p->state == PACE_FREE && unsent)
		drain_sent(&p->drain, unsent / 3 * 2, unsent, now);
	if (p->state != PACE_QUEUE)
		enter(p, PACE_QUEUE);
	p->refused = p->drain.bytes > UNSENT_MIN ? p->drain.bytes : UNSENT_MIN;
	p->refused -= p->refused / 4;
	p->refused_window = p->drain.windows;
}

bool pace_is_ready(const struct pace *p, struct mono now)
{
	return shaper_is_ready(&p->limit, now) &&
	       (p->state != PACE_QUEUE || p->drain.bytes + p->taken < unsent_max(p));
}

void pace_take(struct pace *p, size_t wire, struct mono now)
{
	p->taken += wire;
	shaper_take(&p->limit, wire, now);
}

void pace_end(struct pace *p, bool waiting, struct mono now)
{
	p->held = waiting && p->state == PACE_QUEUE && !pace_is_ready(p, now);
}

struct mono pace_due(const struct pace *p, struct mono now)
{
	uint64_t unsent = p->drain.bytes, half = unsent_max(p) / 2;
	struct mono due = mono_add(now, NS_PER_MS);

	if (p->state == PACE_QUEUE && p->drain.rate && unsent > half)
		due = mono_add(now, (unsent - half) * NS_PER_S / p->drain.rate);
	if (due.ns > now.ns + 10 * NS_PER_MS)
		due = mono_add(now, 10 * NS_PER_MS); /* the rate may have risen */
	return p->limit.rate && due.ns < p->limit.free.ns ? p->limit.free : due;
}

uint64_t pace_rate(const struct pace *p)
{
	uint64_t measured = p->state == PACE_QUEUE ? p->drain.rate : 0;

	if (p->limit.rate && (!measured || p->limit.rate < measured))
		return p->limit.rate;
	return measured;
}

unsigned pace_train_max(const struct pace *p, size_t len)
{
	uint64_t rate = pace_rate(p), most;

	if (!rate || !len)
		return 0;
	most = rate * (TRAIN_NS / NS_PER_US) / (NS_PER_S / NS_PER_US) / len;
	return most < 1 ? 1 : most > 64 ? 64 : (unsigned)most;
}
