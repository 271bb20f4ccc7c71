/* SPDX-License-Identifier: MIT */
/* Findings: what a check says, each with its weight, its numbers and its mend. */
#ifndef JUDGE_FINDING_H
#define JUDGE_FINDING_H

#include <stdbool.h>
#include <stddef.h>

/** How much a finding weighs. */
enum check_severity {
	CHECK_OK,      /* proven right */
	CHECK_NOTE,    /* worth knowing; nothing to be mended */
	CHECK_WARNING, /* works, but not as well as it should, or not for everything */
	CHECK_ERROR,   /* the segment is broken, or could not be proven */
	CHECK_SEVERITY_COUNT
};

#define CHECK_SUBJECT_LEN 48
#define CHECK_TEXT_LEN	  320
#define CHECK_MEND_LEN	  480

/** One finding. */
struct check_finding {
	enum check_severity severity;
	const char *check; /* which check it is of: a stable word for programs */
	char subject[CHECK_SUBJECT_LEN];
	char text[CHECK_TEXT_LEN]; /* what was found */
	char mend[CHECK_MEND_LEN]; /* what to do about it; "": nothing */
};

/** All of a site, in the order in which a person should read them. Zero is empty; released by
 * check_findings_fini(). */
struct check_findings {
	struct check_finding *v;
	size_t n;
	bool out_of_memory; /* some are missing */
};

/** The word for a severity: "ok", "note", "warning", "error". */
const char *check_severity_name(enum check_severity s);

/** Append a finding, its text made as by printf. `check` must be a literal. Return: it, for
 * check_mend(); NULL without memory. */
struct check_finding *check_found(struct check_findings *f, enum check_severity severity,
	const char *check, const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/** Give a finding (NULL is allowed) its mend, made as by printf. */
void check_mend(struct check_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** How many findings have this severity. */
size_t check_count(const struct check_findings *f, enum check_severity severity);

/** Release the findings and make them empty. */
void check_findings_fini(struct check_findings *f);

#endif
