/* SPDX-License-Identifier: MIT */
/* Nanoseconds per 1448-byte TCP segment for splitting and merging, and for their components. */
#include <stdio.h>

#include "stopwatch.h"
#include "base/bug.h"
#include "base/bytes.h"
#include "gso/merge.h"
#include "gso/split.h"
#include "pkt/checksum.h"
#include "pkt/testpkt.h"

#define SIZE	 1448
#define SEGMENTS 45
#define STRIDE	 1600

struct job {
	struct offload offload;
	size_t len;
	size_t n; /* bytes to sum or copy; not a compile-time constant */
	unsigned flows;
	uint32_t sink;
	struct gso_merge merge;
	uint8_t frame[SUPERFRAME_MAX];
	uint8_t out[SEGMENTS * STRIDE];
	uint8_t segments[SEGMENTS][STRIDE];
	size_t lens[SEGMENTS];
	uint8_t headers[SEGMENTS][80];
};

static void sum(void *arg)
{
	struct job *j = arg;

	j->sink += checksum_add(0, j->frame, j->n);
}

static void copy(void *arg)
{
	struct job *j = arg;

	memcpy(j->out + (j->sink++ & 31), j->frame, j->n);
}

static void copy_sum(void *arg)
{
	struct job *j = arg;

	j->sink += checksum_copy(0, j->out, j->frame, j->n);
}

static void copy_then_sum(void *arg)
{
	struct job *j = arg;

	memcpy(j->out, j->frame, j->n);
	j->sink += checksum_add(0, j->out, j->n);
}

static void split(void *arg)
{
	struct job *j = arg;
	struct gso_plan p;

	if (gso_split_plan(&j->offload, j->frame, j->len, true, &p) != DROP_NONE)
		puts("does not split");
	for (unsigned i = 0; i < p.n_segs; i++)
		gso_split_write(&p, i, j->out + (size_t)i * STRIDE);
}

static void merge(void *arg)
{
	struct job *j = arg;
	struct gso_superframe s;
	unsigned n = 0;

	for (unsigned i = 0; i < j->flows; i++) /* undo the changes of merging */
		memcpy(j->segments[i], j->headers[i], sizeof(j->headers[i]));
	for (unsigned i = 0; i < SEGMENTS; i++)
		(void)gso_merge_add(&j->merge, j->segments[i], j->lens[i], true, NULL, NULL);
	while (gso_merge_next(&j->merge, &s))
		n++;
	if (n != j->flows)
		printf("merges to %u items\n", n);
}

static void prepare(struct job *j, bool v6, unsigned flows)
{
	static const uint8_t timestamps[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	struct testpkt t = { .ethernet = true,
		.v6 = v6,
		.df = true,
		.options = timestamps,
		.options_len = 12,
		.ttl = 64,
		.partial = true };
	static const struct gso_merge_caps caps = { .tcp4 = true, .tcp6 = true, .udp = true };

	t.payload = SUPERFRAME_MAX - testpkt_hdr_len(&t);
	t.payload = t.payload / SIZE * SIZE;
	j->len = testpkt_build(&t, j->frame);
	j->offload = (struct offload){ .needs_csum = true,
		.gso = v6 ? GSO_TCP6 : GSO_TCP4,
		.gso_size = SIZE,
		.csum_start = (uint16_t)testpkt_l4(&t),
		.csum_offset = 16 };
	j->flows = flows;
	t.partial = false;
	t.payload = SIZE;
	for (unsigned i = 0; i < SEGMENTS; i++) {
		t.sport = (uint16_t)(i % flows);
		t.seq = i / flows * SIZE;
		j->lens[i] = testpkt_build(&t, j->segments[i]);
		memcpy(j->headers[i], j->segments[i], sizeof(j->headers[i]));
	}
	gso_merge_init(&j->merge, &caps);
}

static void report(const char *name, struct job *j, void (*fn)(void *), unsigned per_call)
{
	printf("%-36s %8.1f ns\n", name, stopwatch_best(fn, j, 3000) / per_call);
}

int main(void)
{
	static struct job j;

	prepare(&j, false, 1);
	j.n = 1500;
	report("checksum, 1500 bytes", &j, sum, 1);
	report("copy, 1500 bytes", &j, copy, 1);
	report("copy and checksum, 1500 bytes", &j, copy_sum, 1);
	report("copy, then checksum, 1500 bytes", &j, copy_then_sum, 1);
	report("split, IPv4, a segment", &j, split, (unsigned)(j.len / SIZE));
	report("merge, IPv4, a segment", &j, merge, SEGMENTS);
	prepare(&j, false, 5);
	report("merge, IPv4, 5 flows in turn", &j, merge, SEGMENTS);
	prepare(&j, true, 1);
	report("split, IPv6, a segment", &j, split, (unsigned)(j.len / SIZE));
	report("merge, IPv6, a segment", &j, merge, SEGMENTS);
	return 0;
}
