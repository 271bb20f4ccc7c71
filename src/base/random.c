/* SPDX-License-Identifier: MIT */
/* Random bytes: the interface that pure code uses, and the kernel's generator. */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

static void system_fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	while (len > 0) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* predictable keys are worse than no tunnel */
		}
		out += n;
		len -= (size_t)n;
	}
}

struct rng random_system(void)
{
	return (struct rng){ .fill = system_fill };
}
