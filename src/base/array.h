/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one, without leaving copies of secrets behind. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"

/**
 * Append one zeroed element of `size` bytes to an array of `*n` elements, which must have been
 * grown by this function only (its capacity is `*n` rounded up to a power of two), and count it in
 * `*n`. If the array moves, the old memory is wiped and the pointer stored at `array` is updated.
 * Return: the new element; or NULL if out of memory, with the array as before.
 */
MUST_CHECK void *array_grow(void *array, size_t *n, size_t size);
