/* SPDX-License-Identifier: MIT */
/* Errors for the user: why an operation failed, and a hint what to do about it. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sentence.h"

#define PROBLEM_MAX 250 /* leaves room for the text of an errno */

int error_set(struct error *error, int code, const char *format, ...)
{
	char text[sizeof(error->problem) + sizeof(error->hint)];
	va_list args;
	char *hint;
	size_t len;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	hint = strchr(text, '\n');
	if (hint)
		*hint++ = '\0';
	len = strlen(text);
	error->code = code;
	if (len && text[len - 1] == ':')
		snprintf(error->problem, sizeof(error->problem), "%.*s %s.", PROBLEM_MAX, text,
			strerror(-code));
	else
		snprintf(error->problem, sizeof(error->problem), "%.*s.", PROBLEM_MAX, text);
	snprintf(error->hint, sizeof(error->hint), "%.*s", PROBLEM_MAX, hint ? hint : "");
	sentence_tidy(error->problem);
	sentence_tidy(error->hint);
	return code;
}
