/* SPDX-License-Identifier: MIT */
/* Nanoseconds to seal and to open one datagram, for each AEAD provider of this build. */
#include "crypto/aead.h"

#include <stdio.h>

#include "stopwatch.h"
#include "base/bytes.h"

struct job {
	struct aead_ctx ctx;
	uint8_t key[32];
	size_t len;
	uint8_t text[2048];
	uint8_t sealed[2064];
};

static void seal(void *arg)
{
	struct job *j = arg;

	aead_seal(&j->ctx, j->key, 1, j->sealed, j->text, j->len, NULL, 0);
}

static void open(void *arg)
{
	struct job *j = arg;

	if (aead_open(&j->ctx, j->key, 1, j->text, j->sealed, j->len + 16, NULL, 0))
		puts("does not open");
}

int main(void)
{
	static const size_t lens[] = { 64, 576, 1344, 1440 };
	static struct job j;

	printf("%-18s %8s %10s %10s %8s\n", "provider", "bytes", "seal ns", "open ns", "Gbit/s");
	for (size_t p = 0; aead_provider_name(p); p++) {
		int err = aead_init(&j.ctx, aead_provider_name(p));

		if (err) {
			printf("%-18s error %d\n", aead_provider_name(p), err);
			continue;
		}
		for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
			j.len = lens[l];

			double seal_ns = stopwatch_best(seal, &j, 4000);
			double open_ns = stopwatch_best(open, &j, 4000);

			printf("%-18s %8zu %10.0f %10.0f %8.1f\n", aead_name(&j.ctx), j.len,
				seal_ns, open_ns, (double)j.len * 8 / seal_ns);
		}
		aead_fini(&j.ctx);
	}
	return 0;
}
