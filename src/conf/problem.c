/* SPDX-License-Identifier: MIT */
/* Problems of a configuration, each with its position and a hint: collected, then printed. */
#include "conf/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sentence.h"

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

char *conf_problem_text(const struct conf_problem *problem, const struct conf_site *site)
{
	const char *severity = problem->severity == CONF_ERROR ? "error" : "warning";
	const char *hint = problem->hint ? problem->hint : "";
	const char *gap = problem->hint ? "\n    " : "";
	char line[16] = "";
	char *text;
	int n;

	if (problem->at.line)
		snprintf(line, sizeof(line), ":%u", problem->at.line);
	if (problem->at.file < site->n_files)
		n = asprintf(&text, "%s%s: %s: %s%s%s\n", site->files[problem->at.file], line,
			severity, problem->text, gap, hint);
	else
		n = asprintf(&text, "%s: %s%s%s\n", severity, problem->text, gap, hint);
	return n < 0 ? NULL : text;
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

/* Write how many problems were found and not stored. */
static void write_rest(const struct conf_report *report, FILE *out)
{
	size_t errors = not_stored(report->n_errors);
	size_t warnings = not_stored(report->n_warnings);

	if (errors)
		fprintf(out, "%zu more error%s not shown\n", errors, errors == 1 ? " is" : "s are");
	if (warnings)
		fprintf(out, "%zu more warning%s not shown\n", warnings,
			warnings == 1 ? " is" : "s are");
	if (report->out_of_memory)
		fputs("there is not enough memory to check all of the configuration\n", out);
}

char *conf_report_text(const struct conf_report *report, const struct conf_site *site)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < report->n; i++) {
		char *problem = conf_problem_text(&report->v[i], site);

		fputs(problem ? problem : "out of memory\n", out);
		free(problem);
	}
	write_rest(report, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void conf_report_fini(struct conf_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free(report->v[i].text); /* the hint is in the same allocation */
	free(report->v);
	*report = (struct conf_report){ 0 };
}
