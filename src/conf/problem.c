/* SPDX-License-Identifier: MIT */
/* Problems of a configuration, each with its position and a hint: collected, then printed. */
#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sentence.h"
#include "base/text.h"

void conf_report_add(struct conf_report *report, enum conf_severity severity, struct conf_at at,
	const char *format, ...)
{
	size_t *found = severity == CONF_ERROR ? &report->n_errors : &report->n_warnings;
	struct conf_problem *problem;
	char *text;
	char *newline;
	va_list args;

	if (++*found > CONF_PROBLEMS_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	problem = text ? array_grow(&report->v, &report->n, sizeof(*problem)) : NULL;
	if (!problem) {
		free(text);
		report->out_of_memory = true;
		return;
	}
	sentence_tidy(text);
	newline = strchr(text, '\n');
	*problem = (struct conf_problem){ .severity = severity, .at = at, .text = text };
	if (newline) {
		*newline = '\0';
		problem->hint = newline + 1;
	}
}

static size_t not_stored(size_t found)
{
	return found > CONF_PROBLEMS_MAX ? found - CONF_PROBLEMS_MAX : 0;
}

bool conf_report_ok(const struct conf_report *report)
{
	return !report->n_errors && !report->out_of_memory;
}

static bool comes_before(const struct conf_at *a, const struct conf_at *b)
{
	return a->file != b->file ? a->file < b->file : a->line < b->line;
}

void conf_report_sort(struct conf_report *report)
{
	/* insertion sort: stable, and fast on a short or nearly sorted list */
	for (size_t i = 1; i < report->n; i++) {
		struct conf_problem moving = report->v[i];
		size_t k = i;

		for (; k > 0 && comes_before(&moving.at, &report->v[k - 1].at); k--)
			report->v[k] = report->v[k - 1];
		report->v[k] = moving;
	}
}

static void add_problem(
	struct text *t, const struct conf_problem *problem, const struct conf_site *site)
{
	if (problem->at.file < site->n_files)
		text_add(t, "%s", site->files[problem->at.file]);
	if (problem->at.file < site->n_files && problem->at.line)
		text_add(t, ":%u", problem->at.line);
	text_add(t, "%s%s: %s\n", problem->at.file < site->n_files ? ": " : "",
		problem->severity == CONF_ERROR ? "error" : "warning", problem->text);
	if (problem->hint)
		text_add(t, "    %s\n", problem->hint);
}

char *conf_problem_text(const struct conf_problem *problem, const struct conf_site *site)
{
	struct text t = { 0 };

	add_problem(&t, problem, site);
	return text_finish(&t);
}

const char *conf_place(const struct conf_site *site, struct conf_at at, struct conf_at from,
	char buf[static CONF_PLACE_LEN])
{
	if (!at.line)
		snprintf(buf, CONF_PLACE_LEN, "the default");
	else if (at.file == from.file || at.file >= site->n_files)
		snprintf(buf, CONF_PLACE_LEN, "line %u", at.line);
	else
		snprintf(buf, CONF_PLACE_LEN, "line %u of %.60s", at.line, site->files[at.file]);
	return buf;
}

/* Add how many problems were found and not stored. */
static void add_rest(struct text *t, const struct conf_report *report)
{
	size_t errors = not_stored(report->n_errors);
	size_t warnings = not_stored(report->n_warnings);

	if (errors)
		text_add(t, "%zu more error%s not shown\n", errors, errors == 1 ? " is" : "s are");
	if (warnings)
		text_add(t, "%zu more warning%s not shown\n", warnings,
			warnings == 1 ? " is" : "s are");
	if (report->out_of_memory)
		text_add(t, "there is not enough memory to check all of the configuration\n");
}

char *conf_report_text(const struct conf_report *report, const struct conf_site *site)
{
	struct text t = { 0 };

	for (size_t i = 0; i < report->n; i++)
		add_problem(&t, &report->v[i], site);
	add_rest(&t, report);
	return text_finish(&t);
}

char *conf_report_rest(const struct conf_report *report)
{
	struct text t = { 0 };

	add_rest(&t, report);
	return text_finish(&t);
}

void conf_report_fini(struct conf_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free(report->v[i].text); /* the hint is in the same allocation */
	free(report->v);
	*report = (struct conf_report){ 0 };
}
