/* SPDX-License-Identifier: MIT */
/* What a verb of the command line is, and how verbs end. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <getopt.h>

/** How a verb ends, as the process's exit code. */
enum verb_exit {
	VERB_DONE = 0,
	VERB_FAILED = 1, /* what and why is on stderr */
	VERB_USAGE = 2,
};

/** One verb. */
struct verb {
	const char *name;
	const char *usage;   /* what follows the name: "[--offline] FILE…" */
	const char *summary; /* one line for the table of verbs */
	const char *help;    /* the rest of its help: paragraphs and options */
	/** Do it; argv[0] is "wirespan NAME", for getopt_long(3) and messages. */
	enum verb_exit (*run)(int argc, char **argv);
};

/** Say on stderr what is wrong with a command line, and where the help is. Return: VERB_USAGE. */
enum verb_exit verb_usage(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** After getopt_long(3) has named a bad option: say where the help is. Return: VERB_USAGE. */
enum verb_exit verb_bad_option(const char *name);

#endif
