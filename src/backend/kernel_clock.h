/* SPDX-License-Identifier: MIT */
/* Ages of the handshakes of the kernel's WireGuard, which reports their wall-clock time only: that
 * clock can have been set since. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

/** So many settings of the clock are remembered, the last ones. */
#define KERNEL_CLOCK_ERAS 8

/** A time in which the wall clock was not set. */
struct kernel_clock_era {
	struct mono after; /* it began later than this; MONO_NEVER for the first one */
	struct mono at;	   /* some time in it, when the clock showed `wall` */
	struct wall wall;
};

/** What is known of the wall clock. All zero: nothing. */
struct kernel_clock {
	struct kernel_clock_era eras[KERNEL_CLOCK_ERAS]; /* the oldest first */
	size_t n;
};

/** The wall clock shows `wall` at `now`. To be called often, as a setting is noticed here. */
void kernel_clock_note(struct kernel_clock *c, struct mono now, struct wall wall);

/** The age in seconds of a handshake at `handshake_s` of the wall clock; if it was before all that
 * is known, a smaller one. `c`: NULL: nothing is known; then a handshake of a clock that has been
 * set back has the age 0. */
int64_t kernel_clock_age(
	const struct kernel_clock *c, int64_t handshake_s, struct mono now, struct wall wall);
