/* SPDX-License-Identifier: MIT */
/* Findings: what a check says, each with its weight, its numbers and its hint. */
#ifndef JUDGE_FINDING_H
#define JUDGE_FINDING_H

#include <stdbool.h>
#include <stddef.h>

/** How much a finding weighs. */
enum finding_severity {
	FINDING_OK,	 /* proven right */
	FINDING_NOTE,	 /* worth knowing; nothing to do about it */
	FINDING_WARNING, /* works, but not as well as it should, or not for everything */
	FINDING_ERROR,	 /* the segment is broken, or could not be proven */
	FINDING_SEVERITY_COUNT
};

#define FINDING_SUBJECT_LEN 48
#define FINDING_TEXT_LEN    320
#define FINDING_HINT_LEN    480

/** One finding. */
struct finding {
	enum finding_severity severity;
	const char *check; /* which check it is of: a stable word for programs */
	char subject[FINDING_SUBJECT_LEN];
	char text[FINDING_TEXT_LEN]; /* what was found */
	char hint[FINDING_HINT_LEN]; /* what to do about it; "": nothing */
};

/** All of a site, in the order in which a person should read them. Zero is empty; released by
 * findings_fini(). */
struct findings {
	struct finding *v;
	size_t n;
	bool out_of_memory; /* some are missing */
};

/** The word for a severity: "ok", "note", "warning", "error". */
const char *finding_severity_name(enum finding_severity s);

/** Append a finding, its text made as by printf. `check` must be a literal. Return: it, for
 * finding_hint(); NULL without memory. */
struct finding *finding_add(struct findings *f, enum finding_severity severity, const char *check,
	const char *subject, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Give a finding (NULL is allowed) its hint, made as by printf. */
void finding_hint(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** How many findings have this severity. */
size_t findings_count(const struct findings *f, enum finding_severity severity);

/** Release the findings and make them empty. */
void findings_fini(struct findings *f);

#endif
