/* SPDX-License-Identifier: MIT */
/* Secrets in memory: wiping and comparing them. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/** Overwrite `len` bytes at `p` with zeros; the compiler may not leave it out. */
void secret_wipe(void *p, size_t len);

/** Whether `a[len]` and `b[len]` are equal, in time that depends on `len` alone. */
bool secret_equal(const void *a, const void *b, size_t len);

/** Whether all of `a[len]` is zero, in time that depends on `len` alone. */
bool secret_is_zero(const void *a, size_t len);

#endif
