/* SPDX-License-Identifier: MIT */
/* For tests: memory that runs out. To be included by the one source of a test program that is
 * linked with `alloc_wraps` (src/base/meson.build). */
#pragma once

#include <stdlib.h>
#include <string.h>

static struct {
	int armed;
	int failed;
	unsigned left; /* allocations of the tested code that still succeed */
} alloc_test;

/** From now on, `n` allocations succeed, and then none. */
static inline void alloc_fail_after(unsigned n)
{
	alloc_test.armed = 1;
	alloc_test.failed = 0;
	alloc_test.left = n;
}

/** Let all succeed again. Return: whether one has failed. */
static inline int alloc_succeed(void)
{
	alloc_test.armed = 0;
	return alloc_test.failed;
}

/** Whether the present one succeeds. */
static inline int alloc_take(void)
{
	if (!alloc_test.armed)
		return 1;
	if (alloc_test.left) {
		alloc_test.left--;
		return 1;
	}
	alloc_test.failed = 1;
	return 0;
}

#define ALLOC_WRAP(function, parameters, arguments)                                                \
	void *__real_##function parameters;                                                        \
	void *__wrap_##function parameters;                                                        \
	void *__wrap_##function parameters                                                         \
	{                                                                                          \
		return alloc_take() ? __real_##function arguments : NULL;                          \
	}

ALLOC_WRAP(malloc, (size_t len), (len))
ALLOC_WRAP(calloc, (size_t n, size_t len), (n, len))
ALLOC_WRAP(realloc, (void *p, size_t len), (p, len))
ALLOC_WRAP(reallocarray, (void *p, size_t n, size_t len), (p, n, len))
ALLOC_WRAP(strdup, (const char *text), (text))
ALLOC_WRAP(strndup, (const char *text, size_t len), (text, len))
