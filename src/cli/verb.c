/* SPDX-License-Identifier: MIT */
/* Verbs of the command line, and their exit codes. */
#include "cli/verb.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/suggest.h"

enum verb_exit verb_bad_option(const char *name)
{
	fprintf(stderr, "Try `%s --help`.\n", name);
	return VERB_USAGE;
}

/* What some people write for an option: in place of it, and to be found by its own letters. */
static const char *const synonyms[][2] = {
	{ "background", "detach" },
	{ "daemon", "detach" },
	{ "debug", "verbose" },
	{ "directory", "dir" },
	{ "replace", "force" },
};

static bool has_option(const struct option *options, const char *name)
{
	while (options->name && strcmp(options->name, name) != 0)
		options++;
	return options->name;
}

/* Print the option that is most like an unknown one, "--WORD" or "--WORD=VALUE", if any. */
static void suggest_option(const char *verb, const char *argument, const struct option *options)
{
	char word[SUGGEST_MAX + 2];
	struct suggestion nearest;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
	nearest = suggest_begin(word);
	for (const struct option *o = options; o->name; o++)
		suggest_try(&nearest, o->name);
	suggest_try(&nearest, "help");
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (has_option(options, synonyms[i][1]))
			suggest_try(&nearest, synonyms[i][0]);
	for (size_t i = 0; i < ARRAY_LEN(synonyms) && nearest.nearest; i++)
		if (!strcmp(nearest.nearest, synonyms[i][0]))
			nearest.nearest = synonyms[i][1];
	if (nearest.nearest)
		fprintf(stderr, "%s: did you mean \"--%s\"?\n", verb, nearest.nearest);
}

/* Whether the word is the beginning of an option, so that getopt_long(3) has listed them. */
static bool is_ambiguous(const char *argument, const struct option *options)
{
	size_t len = strcspn(argument + 2, "=");

	while (options->name && strncmp(options->name, argument + 2, len) != 0)
		options++;
	return options->name;
}

int verb_option(int argc, char **argv, const char *letters, const struct option *options)
{
	int at = optind;
	int c = getopt_long(argc, argv, letters, options, NULL);

	/* an unknown option, not one with a wrong number of values: the one just passed */
	if (c == '?' && !optopt && optind > at && !strncmp(argv[optind - 1], "--", 2) &&
		!is_ambiguous(argv[optind - 1], options))
		suggest_option(argv[0], argv[optind - 1], options);
	return c;
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
