/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one, without leaving copies of secrets behind. */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void *array_grow(void *array, size_t n, size_t size)
{
	char *old;
	char *v;

	memcpy(&old, array, sizeof(old));
	if (n & (n - 1)) /* neither 0 nor a power of two: room is left */
		return memset(old + n * size, 0, size);
	v = calloc(n ? 2 * n : 1, size);
	if (!v)
		return NULL;
	if (n) {
		memcpy(v, old, n * size);
		secret_wipe(old, n * size);
	}
	free(old);
	memcpy(array, &v, sizeof(v));
	return v + n * size;
}
