/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one element at a time. */
#ifndef CTLPROTO_ARRAY_H
#define CTLPROTO_ARRAY_H

#include <stddef.h>

/**
 * Append one zeroed element of `size` bytes to `*array`, which holds `*len` of them and was grown
 * by this function alone (its capacity is the next power of two). Return: the element, valid until
 * the next call, or NULL if there is no memory (nothing has changed then).
 */
void *array_grow(void **array, size_t *len, size_t size);

/** The same for elements that hold secrets: memory that is left behind is wiped. */
void *array_grow_secret(void **array, size_t *len, size_t size);

#endif
