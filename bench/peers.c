/* SPDX-License-Identifier: MIT */
/* Cost of a packet in the engine with one peer, and with a thousand peers of 16 allowed IPs each.
 *
 * Traffic is with one peer; with one of a thousand; with all of them, in bursts of 16 packets to
 * one address, as TCP sends them; and with all, each packet to another address. Peers and addresses
 * are chosen at random. Each pattern is timed by the batch, alternating with the others, and the
 * lower quartile of the batches counts: other work on the host can only add time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conditions.h"
#include "hub.h"

#define PEERS	1000
#define EACH	16
#define BURST	16
#define TURN	10   /* batches */
#define BATCHES 2000 /* of each pattern, alternating */

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

#define MIXES 4

static void compare(const char *name, size_t len,
	uint64_t (*fn)(struct hub *, const struct hub_mix *, size_t), struct hub *one,
	struct hub *many)
{
	static const struct hub_mix mixes[MIXES] = { { 1, HUB_BATCH }, { 1, HUB_BATCH },
		{ PEERS, BURST }, { PEERS, 1 } };
	static uint64_t spent[MIXES][BATCHES];
	double ns[MIXES];

	for (unsigned b = 0; b < BATCHES; b += TURN)
		for (unsigned w = 0; w < MIXES; w++)
			for (unsigned i = 0; i < TURN; i++)
				spent[w][b + i] = fn(w ? many : one, &mixes[w], len);
	for (unsigned w = 0; w < MIXES; w++) {
		qsort(spent[w], BATCHES, sizeof(spent[w][0]), by_size);
		ns[w] = (double)spent[w][BATCHES / 4] / HUB_BATCH;
	}
	printf("%-12s %8.1f", name, ns[0]);
	for (unsigned w = 1; w < MIXES; w++)
		printf(" %12.1f %5.2f", ns[w], ns[w] / ns[0]);
	puts("");
}

int main(void)
{
	struct hub *one, *many;

	conditions_print();
	one = hub_new(&(struct hub_sizes){ .peers = 1, .each = EACH });
	many = hub_new(&(struct hub_sizes){ .peers = PEERS, .each = EACH });
	printf("ns a packet    1 peer    1 of %d     ×   all, by %-2d     ×    all, by 1     ×\n",
		PEERS, BURST);
	compare("look-up", 0, hub_look_up, one, many);
	compare("out    64 B", 64, hub_send, one, many);
	compare("in     64 B", 64, hub_receive, one, many);
	compare("out  1376 B", 1376, hub_send, one, many);
	compare("in   1376 B", 1376, hub_receive, one, many);
	return 0;
}
