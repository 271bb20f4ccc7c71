/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one element at a time. */
#include "ctlproto/array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* Whether one more element needs more memory: the capacity is the next power of two. */
static bool is_full(size_t len)
{
	return (len & (len - 1)) == 0;
}

static size_t next_capacity(size_t len)
{
	return len ? len * 2 : 1;
}

/* The first element behind the last. */
static void *append(void *array, size_t *len, size_t size)
{
	return memset((char *)array + (*len)++ * size, 0, size);
}

void *array_grow(void **array, size_t *len, size_t size)
{
	if (is_full(*len)) {
		void *larger = reallocarray(*array, next_capacity(*len), size);

		if (!larger)
			return NULL;
		*array = larger;
	}
	return append(*array, len, size);
}

void *array_grow_secret(void **array, size_t *len, size_t size)
{
	if (is_full(*len)) {
		void *larger = calloc(next_capacity(*len), size);

		if (!larger)
			return NULL;
		if (*len) {
			memcpy(larger, *array, *len * size);
			secret_wipe(*array, *len * size);
		}
		free(*array);
		*array = larger;
	}
	return append(*array, len, size);
}
