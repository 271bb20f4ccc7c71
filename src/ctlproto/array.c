/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one element at a time. */
#include "ctlproto/array.h"

#include <stdlib.h>
#include <string.h>

void *array_grow(void **array, size_t *len, size_t size)
{
	char *bytes = *array;

	if ((*len & (*len - 1)) == 0) {
		bytes = reallocarray(bytes, *len ? *len * 2 : 1, size);
		if (!bytes)
			return NULL;
		*array = bytes;
	}
	bytes += *len * size;
	memset(bytes, 0, size);
	++*len;
	return bytes;
}
