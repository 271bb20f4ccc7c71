/* SPDX-License-Identifier: MIT */
/* Verbs of the command line, and their exit codes. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <getopt.h>

/** Result of a verb: the process's exit code. */
enum verb_exit {
	VERB_DONE = 0,
	VERB_FAILED = 1, /* stderr has the reason */
	VERB_USAGE = 2,
};

/** One verb. */
struct verb {
	const char *name;
	const char *usage;   /* what follows the name: "[--offline] FILE…" */
	const char *summary; /* one line for the table of verbs */
	const char *help;    /* the rest of its help: paragraphs and options */
	/** Run the verb; argv[0] is "wirespan NAME", for getopt_long(3) and messages. */
	enum verb_exit (*run)(int argc, char **argv);
};

/** Report a command line error on stderr, and how to get help. Return: VERB_USAGE. */
enum verb_exit verb_usage(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** After getopt_long(3) has reported a bad option: report how to get help. Return: VERB_USAGE. */
enum verb_exit verb_bad_option(const char *name);

#endif
