/* SPDX-License-Identifier: MIT */
/* Secrets in memory: wiping and comparing them. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/** Deeper than any call of ours goes. */
#define SECRET_STACK 65536

/** Overwrite `len` bytes at `p` with zeros; the compiler may not leave it out. */
void secret_wipe(void *p, size_t len);

/**
 * Overwrite SECRET_STACK bytes of the stack below the caller, where functions that have returned
 * may have left secrets behind: compilers spill registers, libraries have local variables. To be
 * called high up, by whoever called them all.
 */
void secret_wipe_stack(void);

/** Whether `a[len]` and `b[len]` are equal, in time that depends on `len` alone. */
bool secret_equal(const void *a, const void *b, size_t len);

/** Whether all of `a[len]` is zero, in time that depends on `len` alone. */
bool secret_is_zero(const void *a, size_t len);

#endif
