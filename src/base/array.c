/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one, without leaving copies of secrets behind. */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void *array_grow(void *array, size_t *n, size_t size)
{
	size_t used = *n;
	char *old;
	char *v;

	memcpy(&old, array, sizeof(old));
	if (used & (used - 1)) { /* neither 0 nor a power of two: room is left */
		++*n;
		return memset(old + used * size, 0, size);
	}
	v = calloc(used ? 2 * used : 1, size);
	if (!v)
		return NULL;
	if (used) {
		memcpy(v, old, used * size);
		secret_wipe(old, used * size);
	}
	free(old);
	memcpy(array, &v, sizeof(v));
	++*n;
	return v + used * size;
}
