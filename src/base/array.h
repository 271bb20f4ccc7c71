/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one, without leaving copies of secrets behind. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/**
 * Room for one more zeroed element of `size` bytes at the end of an array of `n`, which must have
 * grown by this function alone (its capacity is `n` rounded up to a power of two). The old memory
 * is wiped when the array moves. On success the array's pointer at `array` is replaced.
 * Return: the new element, or NULL without memory. The caller counts `n` up.
 */
void *array_grow(void *array, size_t n, size_t size);

#endif
