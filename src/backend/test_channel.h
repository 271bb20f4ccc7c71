/* SPDX-License-Identifier: MIT */
/* For tests: both ends of the channel between monitor and engine, in one process. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/engine_proxy.h"
#include "base/clock.h"

/** The monitor's end, and the engine's. */
struct test_channel {
	struct engine_proxy monitor;
	struct engine_channel engine;
};

/** Set up a test, whose state becomes both ends. */
static inline int test_channel_open(void **state)
{
	struct test_channel *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_non_null(p);
	assert_int_equal(engine_channel_pair(fds), 0);
	engine_channel_open(&p->monitor.channel, fds[0], ENGINE_FROM_ENGINE);
	engine_channel_open(&p->engine, fds[1], ENGINE_FROM_MONITOR);
	*state = p;
	return 0;
}

/** Close both ends. */
static inline int test_channel_close(void **state)
{
	struct test_channel *p = *state;

	engine_channel_close(&p->monitor.channel);
	engine_channel_close(&p->engine);
	free(p);
	return 0;
}

/** The time in `ns` nanoseconds. */
static inline struct mono test_after(uint64_t ns)
{
	return mono_add(clock_mono(), ns);
}

/** How long a test waits for what has to happen. */
static inline struct mono test_soon(void)
{
	return test_after(60 * NS_PER_S);
}

/** The number of open descriptors. */
static inline int test_count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}
