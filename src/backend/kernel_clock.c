/* SPDX-License-Identifier: MIT */
/* Ages of the handshakes of the kernel's WireGuard, whose wall clock can have been set since. */
#include "backend/kernel_clock.h"

#include <stdbool.h>
#include <string.h>

#include "base/wall.h"

void kernel_clock_note(struct kernel_clock *c, struct mono now, struct wall wall)
{
	struct kernel_clock_era *last = c->n ? &c->eras[c->n - 1] : NULL;
	struct mono after = last ? last->at : MONO_NEVER;

	if (last && !wall_was_set(last->at, last->wall, now, wall)) {
		last->at = now; /* NTP may have made the clock slower or faster */
		last->wall = wall;
		return;
	}
	if (c->n == KERNEL_CLOCK_ERAS)
		memmove(c->eras, c->eras + 1, --c->n * sizeof(*c->eras));
	c->eras[c->n++] = (struct kernel_clock_era){ after, now, wall };
}

/* Seconds since the handshake, if it was in that era. */
static int64_t age_in(const struct kernel_clock_era *e, int64_t handshake_s, struct mono now)
{
	return (int64_t)(mono_between(e->at, now) / NS_PER_S) + (int64_t)e->wall.sec - handshake_s;
}

int64_t kernel_clock_age(
	const struct kernel_clock *c, int64_t handshake_s, struct mono now, struct wall wall)
{
	int64_t age = (int64_t)wall.sec - handshake_s;
	int64_t known = 0; /* since the first time that is known */

	for (size_t i = c ? c->n : 0; i-- > 0;) {
		const struct kernel_clock_era *e = &c->eras[i];
		int64_t began = (int64_t)(mono_between(e->after, now) / NS_PER_S) + 1;
		int64_t ended =
			i + 1 < c->n
				? (int64_t)(mono_between(c->eras[i + 1].at, now) / NS_PER_S) - 1
				: 0;
		bool first = !mono_is_set(e->after);

		age = age_in(e, handshake_s, now);
		if (age >= ended - 1 && (first || age <= began))
			return age > 0 ? age : 0;
		known = (int64_t)(mono_between(e->at, now) / NS_PER_S);
	}
	return known > age ? known : age > 0 ? age : 0;
}
