/* SPDX-License-Identifier: MIT */
/* Findings of a check: severity, text with measured values, and a hint. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Severity of a finding. */
enum finding_severity {
	FINDING_OK,	 /* verified */
	FINDING_NOTE,	 /* for information; no action needed */
	FINDING_WARNING, /* works, but with reduced performance or not for all traffic */
	FINDING_ERROR,	 /* the segment is broken, or could not be verified */
	FINDING_SEVERITY_COUNT
};

#define FINDING_SUBJECT_LEN 64
#define FINDING_TEXT_LEN    512
#define FINDING_HINT_LEN    640

/** One finding. */
struct finding {
	enum finding_severity severity;
	const char *check; /* name of the check: a stable keyword for programs */
	char subject[FINDING_SUBJECT_LEN];
	char text[FINDING_TEXT_LEN]; /* the problem or the result */
	char hint[FINDING_HINT_LEN]; /* what to do about it; "": nothing to do */
};

/** All findings of a site, in reading order. Zero is empty; released by findings_fini(). */
struct findings {
	struct finding *v;
	size_t n;
	bool out_of_memory; /* some findings were lost */
};

/** The keyword of a severity: "ok", "note", "warning", "error". */
const char *finding_severity_name(enum finding_severity s);

/** Append a finding with a printf-style text, and the hint after '\n' if there is one. `check` must
 * be a literal. Return: the finding; NULL without memory. */
struct finding *finding_add(struct findings *f, enum finding_severity severity, const char *check,
	const char *subject, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Set the hint of a finding (NULL is allowed), printf-style: where it depends on more than the
 * text does. */
void finding_hint(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** The number of findings with this severity. */
size_t findings_count(const struct findings *f, enum finding_severity severity);

/** Release the findings and make them empty. */
void findings_fini(struct findings *f);
