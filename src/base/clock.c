/* SPDX-License-Identifier: MIT */
/* The system's clocks: the only file that reads the time. */
#include "base/clock.h"

#include <time.h>

struct mono clock_mono(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (struct mono){ (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec };
}

struct wall clock_wall(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ .sec = (uint64_t)ts.tv_sec, .nsec = (uint32_t)ts.tv_nsec };
}
