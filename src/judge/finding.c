/* SPDX-License-Identifier: MIT */
/* Findings of a check: severity, text with measured values, and a hint. */
#include "judge/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/sentence.h"

static const char *const names[] = { "ok", "note", "warning", "error" };
_Static_assert(ARRAY_LEN(names) == FINDING_SEVERITY_COUNT, "every severity has a name");

const char *finding_severity_name(enum finding_severity s)
{
	return names[s];
}

/* Store `text`, cut to `size`, with its numbers and full stops corrected. */
static void store(char *ret, size_t size, const char *text)
{
	snprintf(ret, size, "%.*s", (int)size - 1, text);
	sentence_tidy(ret);
}

struct finding *finding_add(struct findings *f, enum finding_severity severity, const char *check,
	const char *subject, const char *format, ...)
{
	struct finding *finding = array_grow(&f->v, &f->n, sizeof(*finding));
	char message[FINDING_TEXT_LEN + FINDING_HINT_LEN];
	char *end;
	va_list ap;

	if (!finding) {
		f->out_of_memory = true;
		return NULL;
	}
	finding->severity = severity;
	finding->check = check;
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	va_start(ap, format);
	(void)vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	end = message + strcspn(message, "\n");
	store(finding->hint, sizeof(finding->hint), *end ? end + 1 : "");
	*end = '\0';
	store(finding->text, sizeof(finding->text), message);
	return finding;
}

void finding_hint(struct finding *finding, const char *format, ...)
{
	va_list ap;

	if (!finding)
		return;
	va_start(ap, format);
	(void)vsnprintf(finding->hint, sizeof(finding->hint), format, ap);
	va_end(ap);
	sentence_tidy(finding->hint);
}

size_t findings_count(const struct findings *f, enum finding_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].severity == severity;
	return n;
}

void findings_fini(struct findings *f)
{
	free(f->v);
	memset(f, 0, sizeof(*f));
}
