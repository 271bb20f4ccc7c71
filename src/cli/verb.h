/* SPDX-License-Identifier: MIT */
/* Verbs of the command line, and their exit codes. */
#pragma once

#include <getopt.h>

/** Result of a verb: the process's exit code. */
enum verb_exit {
	VERB_DONE = 0,
	VERB_FAILED = 1, /* stderr has the reason */
	VERB_USAGE =
		2, /* the command line, or the file of `up`, has mistakes: no use to repeat it */
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

/** The verbs; verb_NAME.c defines each. */
extern const struct verb verb_capture;
extern const struct verb verb_check;
extern const struct verb verb_down;
extern const struct verb verb_genkey;	/* verb_keys.c */
extern const struct verb verb_genpsk;	/* verb_keys.c */
extern const struct verb verb_guardian; /* for systemd alone: not in the list of verbs */
extern const struct verb verb_import;
extern const struct verb verb_init;
extern const struct verb verb_metrics; /* verb_status.c */
extern const struct verb verb_mtu;
extern const struct verb verb_packets; /* likewise; verb_guardian.c */
extern const struct verb verb_pubkey;  /* verb_keys.c */
extern const struct verb verb_reload;
extern const struct verb verb_upgrade;
extern const struct verb verb_report;
extern const struct verb verb_script;
extern const struct verb verb_status;
extern const struct verb verb_top; /* only where the build found ncurses */
extern const struct verb verb_up;
extern const struct verb verb_validate;

/** As getopt_long(3) without an index, and with a suggestion on stderr after the report of an
 * unknown long option. */
int verb_option(int argc, char **argv, const char *letters, const struct option *options);

/** Report a command line error on stderr, and how to get help. Return: VERB_USAGE. */
enum verb_exit verb_usage(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** After getopt_long(3) has reported a bad option: report how to get help. Return: VERB_USAGE. */
enum verb_exit verb_bad_option(const char *name);
