/* SPDX-License-Identifier: MIT */
/* Keeping the process' memory to itself: nothing in swap, nothing in core dumps. */
#ifndef DAEMON_HUSH_H
#define DAEMON_HUSH_H

#include <stdbool.h>

/**
 * Allow no core dumps, and lock all memory, present and future; a failure to lock is logged, as the
 * daemon works all the same. To be called by the process that goes on: children do not inherit it.
 * Return: whether memory is locked.
 */
bool hush_process(void);

#endif
