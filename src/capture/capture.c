/* SPDX-License-Identifier: MIT */
/* A capture in progress: its interfaces, and the blocks that wait to be read. */
#include "capture/capture.h"

#include <errno.h>

#include "base/bytes.h"

/* Room that stays free for the counters. */
static size_t reserve(const struct capture *c)
{
	return (size_t)c->n * CAPTURE_STATISTICS_LEN;
}

int capture_init(struct capture *c, uint8_t *ring, size_t cap, uint32_t snap,
	const char *application, const char *comment)
{
	size_t len;

	c->ring = (struct capture_ring){ .bytes = ring, .cap = cap };
	c->snap = snap;
	c->n = 0;
	len = pcapng_section(c->block, sizeof(c->block), application, comment);
	return len && capture_ring_put(&c->ring, c->block, len, 0) ? 0 : -ENOSPC;
}

uint32_t capture_add_interface(
	struct capture *c, uint16_t link, const char *name, const char *description)
{
	size_t len;

	if (c->n == CAPTURE_INTERFACES_MAX)
		return CAPTURE_NONE;
	len = pcapng_interface(c->block, sizeof(c->block), link, c->snap, name, description);
	if (!len || !capture_ring_put(&c->ring, c->block, len, reserve(c) + CAPTURE_STATISTICS_LEN))
		return CAPTURE_NONE;
	c->interfaces[c->n] = (struct capture_interface){ 0 };
	return c->n++;
}

void capture_add_packet(struct capture *c, struct pcapng_packet p)
{
	size_t len;

	if (p.interface >= c->n)
		return;
	c->interfaces[p.interface].received++;
	p.head_len = size_min(p.head_len, c->snap);
	p.rest_len = size_min(p.rest_len, c->snap - p.head_len);
	len = pcapng_packet(c->block, sizeof(c->block), &p);
	if (!len || !capture_ring_put(&c->ring, c->block, len, reserve(c)))
		c->interfaces[p.interface].dropped++;
}

void capture_end(struct capture *c, struct wall now)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct pcapng_statistics s = {
			.interface = i,
			.when = now,
			.received = c->interfaces[i].received,
			.dropped = c->interfaces[i].dropped,
		};
		size_t len = pcapng_statistics(c->block, sizeof(c->block), &s);

		if (!len || !capture_ring_put(&c->ring, c->block, len, 0))
			return; /* not reached: their room is reserved */
	}
}
