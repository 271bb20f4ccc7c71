/* SPDX-License-Identifier: MIT */
/* A growing text that may hold keys: it leaves no copy of them in freed memory. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

static void wipe(struct text *t)
{
	if (t->bytes)
		secret_wipe(t->bytes, t->len);
	free(t->bytes);
	t->bytes = NULL;
}

/* Make room for `more` bytes. */
static void reserve(struct text *t, size_t more)
{
	size_t size = size_max(2 * t->size, t->len + more);
	char *bytes;

	if (t->len + more <= t->size)
		return;
	bytes = malloc(size);
	if (!bytes) {
		t->out_of_memory = true;
		return;
	}
	if (t->bytes)
		memcpy(bytes, t->bytes, t->len);
	wipe(t);
	t->bytes = bytes;
	t->size = size;
}

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		t->out_of_memory = true;
	else
		reserve(t, (size_t)n + 1);
	if (t->out_of_memory)
		return;
	va_start(args, format);
	vsnprintf(t->bytes + t->len, t->size - t->len, format, args);
	va_end(args);
	t->len += (size_t)n;
}

void text_discard(struct text *t)
{
	wipe(t);
	*t = (struct text){ 0 };
}

int text_take(struct text *t, char **ret_bytes, size_t *ret_len)
{
	if (t->out_of_memory) {
		wipe(t);
		return -ENOMEM;
	}
	*ret_bytes = t->bytes;
	*ret_len = t->len;
	return 0;
}

char *text_finish(struct text *t)
{
	char *bytes = NULL;
	size_t len;

	text_add(t, "%s", "");
	return text_take(t, &bytes, &len) < 0 ? NULL : bytes;
}
