/* SPDX-License-Identifier: MIT */
/* Keeping the process' memory to itself: nothing in swap, nothing in core dumps. */
#ifndef DAEMON_MEMLOCK_H
#define DAEMON_MEMLOCK_H

#include <stdbool.h>

/**
 * Allow no core dumps, and lock all memory, present and future; a failure is logged if `say`, as
 * the daemon works all the same. To be called before any key is read, and again by a child that
 * goes on: locks are not inherited. Return: whether memory is locked.
 */
bool hush_process(bool say);

#endif
