/* SPDX-License-Identifier: MIT */
/* Verbs of the command line, and their exit codes. */
#include "cli/verb.h"

#include <stdarg.h>
#include <stdio.h>

enum verb_exit verb_bad_option(const char *name)
{
	fprintf(stderr, "Try `%s --help`.\n", name);
	return VERB_USAGE;
}

enum verb_exit verb_usage(const char *name, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return verb_bad_option(name);
}
