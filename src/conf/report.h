/* SPDX-License-Identifier: MIT */
/* Problems found in a configuration, each with its place and its mend: collected, then printed. */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/model.h"

/** How much a problem matters: with an error the site is not brought up. */
enum conf_severity {
	CONF_ERROR = 0,
	CONF_WARNING,
};

/** One problem. `text` says what is wrong, `mend` what to do. Neither ever holds a key. */
struct conf_problem {
	enum conf_severity severity;
	struct conf_at at;
	char *text;
	char *mend;
};

/** All problems found in one run. Start with a zeroed one. */
struct conf_report {
	struct conf_problem *v;
	size_t n;
	size_t n_errors;
	bool out_of_memory; /* problems were lost: counts as an error */
};

/**
 * Add a problem at `at`. `format` makes text and mend in one, with '\n' between them.
 */
void conf_report_add(struct conf_report *report, enum conf_severity severity, struct conf_at at,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Whether the configuration can be used: no errors. */
bool conf_report_ok(const struct conf_report *report);

/** Put the problems in the order of files and lines, keeping the order found within a line. */
void conf_report_sort(struct conf_report *report);

/**
 * One problem as text, "FILE:LINE: error: TEXT\n    MEND\n", with the file names of `site`.
 * Return: a text to free(), or NULL without memory.
 */
char *conf_problem_text(const struct conf_problem *problem, const struct conf_site *site);

/** Room for conf_place(). */
#define CONF_PLACE_LEN 96

/** Where `at` is, for a sentence in a message at `from`: "line 7", or "line 7 of wg0.conf" if that
 * is another file. Return: `buf`. */
const char *conf_place(const struct conf_site *site, struct conf_at at, struct conf_at from,
	char buf[static CONF_PLACE_LEN]);

/** Free the problems. */
void conf_report_fini(struct conf_report *report);

#endif
