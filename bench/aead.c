/* SPDX-License-Identifier: MIT */
/* Nanoseconds to seal and to open one datagram, for each AEAD provider and in relation to the
 * first. */
#include "crypto/aead.h"

#include <stdio.h>

#include "stopwatch.h"
#include "base/bytes.h"

#define ROUNDS 60
#define CALLS  400

static uint8_t key[AEAD_KEY_LEN];
static uint8_t text[9000];
static uint8_t sealed[9000 + AEAD_TAG_LEN];

/* The best rounds of a provider. */
struct best {
	double seal;
	double open;
};

/* One round of a provider: on a host with other work, what is compared should be measured at the
 * same time, so the providers take turns. */
static void measure_round(struct aead_ctx *ctx, size_t len, struct best *best)
{
	uint64_t start = stopwatch_ns(), between;

	for (unsigned i = 0; i < CALLS; i++)
		aead_seal(ctx, key, i, sealed, text, len, NULL, 0);
	between = stopwatch_ns();
	for (unsigned i = 0; i < CALLS; i++)
		if (aead_open(ctx, key, CALLS - 1, text, sealed, len + AEAD_TAG_LEN, NULL, 0))
			puts("does not open");

	double seal = (double)(between - start) / CALLS;
	double open = (double)(stopwatch_ns() - between) / CALLS;

	if (!best->seal || seal < best->seal)
		best->seal = seal;
	if (!best->open || open < best->open)
		best->open = open;
}

/* Print the rows of one length. */
static void measure(struct aead_ctx *ctxs, size_t count, size_t len)
{
	struct best best[AEAD_PROVIDERS_MAX] = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < count; i++)
			measure_round(&ctxs[i], len, &best[i]);
	for (size_t i = 0; i < count; i++)
		printf("%5zu  %-16s %8.0f %8.0f %8.1f %6.2f %6.2f\n", len, aead_name(&ctxs[i]),
			best[i].seal, best[i].open, (double)len * 8 / best[i].seal,
			best[i].seal / best[0].seal, best[i].open / best[0].open);
}

int main(void)
{
	static const size_t lens[] = { 64, 512, 1440, 9000 };
	struct aead_ctx ctxs[AEAD_PROVIDERS_MAX];
	const char *name;
	size_t count = 0;

	for (size_t i = 0; (name = aead_provider_name(i)) != NULL; i++) {
		int err = aead_init(&ctxs[count], name);

		if (err)
			printf("%s: error %d\n", name, err);
		else
			count++;
	}
	printf("%5s  %-16s %8s %8s %8s %6s %6s\n", "bytes", "provider", "seal ns", "open ns",
		"Gbit/s", "seal ×", "open ×");
	for (size_t l = 0; count && l < ARRAY_LEN(lens); l++)
		measure(ctxs, count, lens[l]);
	for (size_t i = 0; i < count; i++)
		aead_fini(&ctxs[i]);
	return 0;
}
