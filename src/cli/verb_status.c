/* SPDX-License-Identifier: MIT */
/* status and metrics: reports of running sites. */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

#include "cli/running.h"
#include "render/render_json.h"
#include "render/render_metrics.h"
#include "render/render_text.h"
#include "render/terminal.h"

static void print_text(const struct running_reports *reports)
{
	struct render_style style = terminal_style();

	for (size_t i = 0; i < reports->len; i++) {
		if (i > 0)
			putchar('\n');
		render_text(stdout, &reports->v[i], &style);
	}
}

/* Print the reports; without a NAME and without a running site, JSON is an empty list and text is a
 * failure. */
static enum verb_exit print_status(
	const char *verb, const struct running_reports *reports, bool named, bool json)
{
	int err = 0;

	if (json && named)
		err = render_json(stdout, &reports->v[0]);
	else if (json)
		err = render_json_sites(stdout, reports->v, reports->len);
	else
		print_text(reports);
	if (err)
		fprintf(stderr, "%s: %s\n", verb, strerror(-err));
	if (!json && reports->len == 0) {
		fprintf(stderr, "%s: no site is running\n", verb);
		return VERB_FAILED;
	}
	return err ? VERB_FAILED : VERB_DONE;
}

static enum verb_exit run_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct running_reports reports;
	enum verb_exit result = VERB_FAILED;
	bool json = false;
	bool ok;
	int c;

	while ((c = verb_option(argc, argv, "j", options)) >= 0) {
		if (c != 'j')
			return verb_bad_option(argv[0]);
		json = true;
	}
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one site, or none for all that run");
	ok = running_status(argv[0], argv[optind], &reports);
	if (ok || reports.len > 0)
		result = print_status(argv[0], &reports, argv[optind] != NULL, json);
	running_free_reports(&reports);
	return ok ? result : VERB_FAILED;
}

static enum verb_exit run_metrics(int argc, char **argv)
{
	static const struct option options[] = {
		{ "openmetrics", no_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	enum metrics_format format = METRICS_PROMETHEUS;
	struct running_reports reports;
	bool ok;
	int c;

	while ((c = verb_option(argc, argv, "o", options)) >= 0) {
		if (c != 'o')
			return verb_bad_option(argv[0]);
		format = METRICS_OPENMETRICS;
	}
	if (argc - optind > 1)
		return verb_usage(argv[0], "name one site, or none for all that run");
	ok = running_status(argv[0], argv[optind], &reports);
	if (ok || reports.len > 0)
		render_metrics(stdout, format, reports.v, reports.len);
	running_free_reports(&reports);
	return ok ? VERB_DONE : VERB_FAILED;
}

const struct verb verb_status = {
	.name = "status",
	.usage = "[--json] [NAME|FILE]",
	.summary = "tunnels, sessions, MTU budget, handshakes, counters, drops by reason",
	.help = "Asks the running site NAME, or all that run, and shows what it answers. Fails if\n"
		"the site does not run. Drops are shown only where there are any, with what they\n"
		"mean.\n"
		"\n"
		"  -j, --json   the same as JSON, for programs: an object for NAME, without one\n"
		"               {\"sites\": [...]}; the keys are in wirespan(8)\n",
	.run = run_status,
};

const struct verb verb_metrics = {
	.name = "metrics",
	.usage = "[--openmetrics] [NAME|FILE]",
	.summary = "counters and states as Prometheus text, for monitoring",
	.help = "Asks the running site NAME, or all that run, and writes their metrics in\n"
		"Prometheus' text format, for example for the textfile collector of its node\n"
		"exporter.\n"
		"\n"
		"  -o, --openmetrics   in the OpenMetrics 1.0 format instead\n",
	.run = run_metrics,
};
