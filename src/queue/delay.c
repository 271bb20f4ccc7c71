/* SPDX-License-Identifier: MIT */
/* How long packets have waited: quantiles of the last seconds, and the rate at which they left. */
#include "queue/delay.h"

#include "base/bytes.h"

/* The bucket of a delay: the power of two, and the two bits that follow the highest. */
static size_t bucket_of(uint64_t us)
{
	unsigned power;

	if (us < 4)
		return (size_t)us;
	power = 63u - (unsigned)__builtin_clzll(us);
	return size_min((power - 1) * 4 + (us >> (power - 2) & 3), DELAY_BUCKETS - 1);
}

/* The smallest delay beyond the bucket. */
static uint64_t bucket_end(size_t bucket)
{
	uint64_t next = bucket + 1;

	return bucket < 4 ? next : (next % 4 + 4) << (next / 4 - 1);
}

/* Begin the windows that `now` asks for. */
static void turn(struct delay *d, struct mono now)
{
	uint64_t age = mono_between(d->since, now);

	if (mono_is_set(d->since) && age < DELAY_WINDOW_NS)
		return;
	d->last = age < 2 * DELAY_WINDOW_NS ? d->current : (struct delay_window){ 0 };
	d->current = (struct delay_window){ 0 };
	d->since = mono_is_set(d->since) && age < 2 * DELAY_WINDOW_NS
			   ? mono_add(d->since, DELAY_WINDOW_NS)
			   : now;
}

void delay_add(struct delay *d, struct mono now, uint64_t waited_ns, size_t bytes)
{
	turn(d, now);
	d->current.bytes += bytes;
	d->current.packets++;
	d->current.buckets[bucket_of(waited_ns / NS_PER_US)]++;
}

uint64_t delay_quantile(const struct delay *d, struct mono now, unsigned percent)
{
	struct delay at = *d;
	uint64_t sum = 0, all, want;

	turn(&at, now);
	all = (uint64_t)at.last.packets + at.current.packets;
	want = (all * percent + 99) / 100;
	for (size_t i = 0; all && i < DELAY_BUCKETS; i++) {
		sum += (uint64_t)at.last.buckets[i] + at.current.buckets[i];
		if (sum >= want)
			return bucket_end(i);
	}
	return 0;
}

uint64_t delay_rate(const struct delay *d, struct mono now)
{
	struct delay at = *d;
	uint64_t span;

	turn(&at, now);
	span = mono_between(at.since, now);
	if (at.last.packets)
		span += DELAY_WINDOW_NS;
	return (at.last.bytes + at.current.bytes) * NS_PER_S / (span < NS_PER_S ? NS_PER_S : span);
}
