/* SPDX-License-Identifier: MIT */
/* Findings: what a check says, each with its weight, its numbers and its mend. */
#include "judge/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const char *const names[] = { "ok", "note", "warning", "error" };
_Static_assert(ARRAY_LEN(names) == CHECK_SEVERITY_COUNT, "every severity has a name");

const char *check_severity_name(enum check_severity s)
{
	return names[s];
}

struct check_finding *check_found(struct check_findings *f, enum check_severity severity,
	const char *check, const char *subject, const char *format, ...)
{
	struct check_finding *v = reallocarray(f->v, f->n + 1, sizeof(*v));
	struct check_finding *finding;
	va_list ap;

	if (!v) {
		f->out_of_memory = true;
		return NULL;
	}
	f->v = v;
	finding = &v[f->n++];
	*finding = (struct check_finding){ .severity = severity, .check = check };
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	va_start(ap, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, ap);
	va_end(ap);
	return finding;
}

void check_mend(struct check_finding *finding, const char *format, ...)
{
	va_list ap;

	if (!finding)
		return;
	va_start(ap, format);
	(void)vsnprintf(finding->mend, sizeof(finding->mend), format, ap);
	va_end(ap);
}

size_t check_count(const struct check_findings *f, enum check_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].severity == severity;
	return n;
}

void check_findings_fini(struct check_findings *f)
{
	free(f->v);
	memset(f, 0, sizeof(*f));
}
