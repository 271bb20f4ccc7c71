/* SPDX-License-Identifier: MIT */
/* How fast a socket's send buffer drains, and how much is still in it. */
#include "queue/drain.h"

/* The length of a window, and the bytes in it, so that one datagram more or less makes no
 * difference; a window that is WINDOW_MAX_NS long ends with any. */
#define WINDOW_NS     (20 * NS_PER_MS)
#define WINDOW_BYTES  12000
#define WINDOW_MAX_NS (200 * NS_PER_MS)

static struct drain_group *oldest(struct drain *d)
{
	return &d->groups[d->first];
}

static struct drain_group *newest(struct drain *d)
{
	return &d->groups[(d->first + d->n - 1) % DRAIN_GROUPS];
}

/* Take from the oldest group what exceeds `unsent`. */
static void drain_group_part(struct drain *d, uint64_t unsent)
{
	struct drain_group *g = oldest(d);
	uint64_t gone = d->charge - unsent;
	uint64_t bytes = g->charge ? gone * g->bytes / g->charge : 0;

	g->charge -= (uint32_t)gone;
	g->bytes -= (uint32_t)bytes;
	d->charge = unsent;
	d->bytes -= bytes;
}

/* Remove what has left. Return: its bytes. */
static uint64_t take_left(struct drain *d, uint64_t unsent)
{
	uint64_t before = d->bytes;

	while (d->n && d->charge - oldest(d)->charge >= unsent) {
		d->charge -= oldest(d)->charge;
		d->bytes -= oldest(d)->bytes;
		d->first = (d->first + 1) % DRAIN_GROUPS;
		d->n--;
	}
	if (d->n && d->charge > unsent)
		drain_group_part(d, unsent);
	return before - d->bytes;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	return value < min ? min : value > max ? max : value;
}

/* Learn from the window that ends now. */
static void end_window(struct drain *d, uint64_t span)
{
	uint64_t sample = d->left * NS_PER_S / span;

	if (d->idle)
		d->rate = sample > d->rate ? sample : d->rate;
	else if (d->dry)
		d->rate = clamp(d->rate + d->rate / 4, sample, 4 * sample);
	else
		d->rate = d->rate ? (d->rate + sample) / 2 : sample;
	d->windows++;
}

static void begin_window(struct drain *d, struct mono now)
{
	d->window = now;
	d->left = 0;
	d->dry = false;
	d->idle = false;
}

void drain_look(struct drain *d, uint64_t unsent, bool waiting, struct mono now)
{
	bool had = d->n;
	uint64_t span = mono_between(d->window, now);

	d->left += take_left(d, unsent);
	if (!mono_is_set(d->window)) {
		begin_window(d, now);
		return;
	}
	if (!unsent) {
		d->dry |= waiting;
		d->idle |= !waiting;
	}
	if (!had && !waiting) /* nothing was to be sent: this time does not count */
		begin_window(d, now);
	else if ((span >= WINDOW_NS && d->left >= WINDOW_BYTES) || span >= WINDOW_MAX_NS) {
		end_window(d, span);
		begin_window(d, now);
	}
}

void drain_sent(struct drain *d, size_t bytes, uint64_t more, struct mono now)
{
	struct drain_group *g;

	if (!more) { /* all has left at once */
		d->left += bytes;
		return;
	}
	if (d->n == DRAIN_GROUPS) {
		g = newest(d);
	} else {
		d->n++;
		g = newest(d);
		*g = (struct drain_group){ .since = now };
	}
	g->charge += (uint32_t)more;
	g->bytes += (uint32_t)bytes;
	d->charge += more;
	d->bytes += bytes;
}

uint64_t drain_age(const struct drain *d, struct mono now)
{
	return d->n ? mono_between(d->groups[d->first].since, now) : 0;
}
