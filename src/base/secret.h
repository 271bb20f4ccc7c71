/* SPDX-License-Identifier: MIT */
/* Wiping and comparing secrets in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Deeper than any call chain of ours. */
#define SECRET_STACK 65536

/** Overwrite `len` bytes at `p` with zeros; the compiler cannot remove the call. */
void secret_wipe(void *p, size_t len);

/**
 * Overwrite SECRET_STACK bytes of the stack below the caller, where functions that have returned
 * may have left secrets (spilled registers, local variables of libraries). Call it from a function
 * near the top of the stack.
 */
void secret_wipe_stack(void);

/** Whether `a[len]` and `b[len]` are equal, in time that depends only on `len`. */
bool secret_equal(const void *a, const void *b, size_t len);

/** Whether all of `a[len]` is zero, in time that depends only on `len`. */
bool secret_is_zero(const void *a, size_t len);
