/* SPDX-License-Identifier: MIT */
/* Disable core dumps and lock memory: keys reach neither a core file nor swap. */
#pragma once

#include <stdbool.h>

/**
 * Disable core dumps, and lock all present and future memory; with WIRESPAN_DUMPABLE=1 in the
 * environment neither, so that the process can be debugged. `verbose`: log a failure; the daemon
 * works nevertheless. Call it before any key is read, and again in a child that continues, because
 * locks are not inherited. Return: whether memory is locked.
 */
bool memlock_process(bool verbose);
