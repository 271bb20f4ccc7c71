/* SPDX-License-Identifier: MIT */
/* Why something on the machine failed and what to do about it, for a person. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_MAX 250 /* and room for the words of an errno */

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
		snprintf(error->problem, sizeof(error->problem), "%.*s%s", PROBLEM_MAX, text,
			len && text[len - 1] == '.' ? "" : ".");
	snprintf(error->hint, sizeof(error->hint), "%.*s", PROBLEM_MAX, hint ? hint : "");
	return code;
}
