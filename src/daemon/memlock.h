/* SPDX-License-Identifier: MIT */
/* Disable core dumps and lock memory: keys reach neither a core file nor swap. */
#ifndef DAEMON_MEMLOCK_H
#define DAEMON_MEMLOCK_H

#include <stdbool.h>

/**
 * Allow no core dumps, and lock all memory, present and future; a failure is logged if `say`, as
 * the daemon works all the same. To be called before any key is read, and again by a child that
 * goes on: locks are not inherited. Return: whether memory is locked.
 */
bool memlock_process(bool say);

#endif
