/* SPDX-License-Identifier: MIT */
/* Problems of a configuration, each with its position and a hint: collected, then printed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/model.h"

/** Severity of a problem: a site with an error is not brought up. */
enum conf_severity {
	CONF_ERROR = 0,
	CONF_WARNING,
};

/** One problem and the hint about it. Neither string ever contains a key. */
struct conf_problem {
	enum conf_severity severity;
	struct conf_at at;
	char *text;
	char *hint;
};

/** Maximum number of errors in a report, and of warnings. Further ones are only counted. */
#define CONF_PROBLEMS_MAX 100

/** All problems of one run. Zero-initialise it. */
struct conf_report {
	struct conf_problem *v;
	size_t n;	    /* stored */
	size_t n_errors;    /* found */
	size_t n_warnings;  /* found */
	size_t n_of_host;   /* errors that are of this host, now, and not of the file */
	bool out_of_memory; /* problems were lost; counts as an error */
};

/**
 * Add a problem at `at`. `format` yields text and hint, separated by '\n'.
 */
void conf_report_add(struct conf_report *report, enum conf_severity severity, struct conf_at at,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Whether the configuration is usable: no errors. */
bool conf_report_ok(const struct conf_report *report);

/** Sort the problems by file and line; stable within a line. */
void conf_report_sort(struct conf_report *report);

/**
 * One problem as text, "FILE:LINE: error: TEXT\n    HINT\n", with the file names of `site`.
 * Return: a string to free(), or NULL if out of memory.
 */
char *conf_problem_text(const struct conf_problem *problem, const struct conf_site *site);

/** All stored problems as text, and how many are not stored: a string to free(), or NULL if out of
 * memory. */
char *conf_report_text(const struct conf_report *report, const struct conf_site *site);

/** How many problems are not stored, as text, which may be empty: a string to free(), or NULL if
 * out of memory. */
char *conf_report_rest(const struct conf_report *report);

/** Room for conf_place(). */
#define CONF_PLACE_LEN 96

/** Describe position `at` in a message about `from`: "line 7", or "line 7 of wg0.conf" in another
 * file. Return: `buf`. */
const char *conf_place(const struct conf_site *site, struct conf_at at, struct conf_at from,
	char buf[static CONF_PLACE_LEN]);

/** Free the problems. */
void conf_report_fini(struct conf_report *report);
