/* SPDX-License-Identifier: MIT */
/* Cost of a packet in an engine of a given size: a line of figures for each direction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub.h"

#define BATCHES_MAX 100000

static uint64_t spent[BATCHES_MAX];

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Print nanoseconds of a packet: the lower quartile and the median of the batches. */
static void measure(struct hub *h, const char *name,
	uint64_t (*fn)(struct hub *, const struct hub_mix *, size_t), const struct hub_mix *mix,
	size_t len, size_t batches)
{
	for (size_t i = 0; i < batches; i++)
		spent[i] = fn(h, mix, len);
	qsort(spent, batches, sizeof(spent[0]), by_size);
	printf("%s %.1f %.1f\n", name, (double)spent[batches / 4] / HUB_BATCH,
		(double)spent[batches / 2] / HUB_BATCH);
}

static size_t number(const char *text, size_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	hub_check(*text && !*end && n <= most, "a number is too large, or is none");
	return n;
}

int main(int argc, char **argv)
{
	struct hub_sizes sizes;
	struct hub_mix mix;
	struct hub *h;
	size_t len, batches;

	if (argc != 7) {
		fputs("usage: scale PEERS ALLOWED_EACH SESSIONS BYTES BURST BATCHES\n"
		      "Prints \"out\" and \"in\" with nanoseconds of a packet: lower quartile, "
		      "median.\n",
			stderr);
		return 2;
	}
	sizes.peers = number(argv[1], 65536);
	sizes.each = number(argv[2], HUB_EACH_MAX);
	sizes.sessions = number(argv[3], 65536);
	len = number(argv[4], HUB_LEN_MAX);
	mix.burst = (unsigned)number(argv[5], HUB_BATCH);
	batches = number(argv[6], BATCHES_MAX);
	hub_check(sizes.peers && sizes.each && mix.burst && batches && len >= 64,
		"peers, allowed IPs, burst and batches are at least 1, bytes at least 64");
	mix.among = sizes.sessions ? sizes.sessions : sizes.peers;
	h = hub_new(&sizes);
	measure(h, "out", hub_send, &mix, len, batches);
	measure(h, "in", hub_receive, &mix, len, batches);
	return 0;
}
