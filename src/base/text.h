/* SPDX-License-Identifier: MIT */
/* A growing text that may hold keys: it leaves no copy of them in freed memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/must_check.h"

/** A text; zeroed, it is empty. */
struct text {
	char *bytes; /* `len` of them, then a NUL; NULL while it is empty */
	size_t len;
	size_t size;
	bool out_of_memory; /* something is missing */
};

/** Append formatted text. */
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Wipe and free it; then it is empty. */
void text_discard(struct text *t);

/** Give the text to the caller, and wipe it if it is not complete. Return: 0 and a string to wipe
 * and to free(), `*ret_len` bytes without its NUL; or -ENOMEM. */
MUST_CHECK int text_take(struct text *t, char **ret_bytes, size_t *ret_len);

/** Likewise, for texts without keys. Return: a string to free(), "" if nothing was added; NULL if
 * out of memory. */
char *text_finish(struct text *t);
