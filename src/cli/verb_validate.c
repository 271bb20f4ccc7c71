/* SPDX-License-Identifier: MIT */
/* validate: report mistakes in a configuration file, with hints. */
#include "cli/verb.h"

#include <stdbool.h>
#include <stdio.h>

#include "cli/site.h"

/* Append "2 peers" or "1 peer" to a line. */
static void print_count(size_t n, const char *noun, const char *separator)
{
	printf("%s%zu %s%s", separator, n, noun, n == 1 ? "" : "s");
}

static void print_verdict(
	const char *file, const struct conf_site *site, const struct conf_report *report)
{
	bool ok = conf_report_ok(report);

	printf("%s: ", file);
	if (!ok) {
		print_count(report->n_errors, "error", "");
		if (report->n_warnings)
			print_count(report->n_warnings, "warning", ", ");
		printf("\n");
		return;
	}
	printf("fine: ");
	print_count(site->n_peers, "peer", "");
	print_count(site->n_tunnels, "tunnel", ", ");
	print_count(conf_session_count(site), "session", ", ");
	print_count(site->n_bridges, "bridge", ", ");
	if (report->n_warnings)
		print_count(report->n_warnings, "warning", "; ");
	printf("\n");
}

static bool validate(const char *file, bool ask_machine)
{
	struct conf_report report = { 0 };
	struct conf_site site;
	bool ok;

	site_load_report(file, ask_machine, &site, &report);
	site_print_report(&site, &report);
	ok = conf_report_ok(&report);
	print_verdict(file, &site, &report);
	conf_report_fini(&report);
	conf_site_fini(&site);
	return ok;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "offline", no_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	bool ask_machine = true;
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "o", options, NULL)) >= 0) {
		if (c != 'o')
			return verb_bad_option(argv[0]);
		ask_machine = false;
	}
	if (optind == argc)
		return verb_usage(argv[0], "name a configuration file");
	for (; optind < argc; optind++)
		ok &= validate(argv[optind], ask_machine);
	return ok ? VERB_DONE : VERB_FAILED;
}

const struct verb verb_validate = {
	.name = "validate",
	.usage = "[--offline] NAME|FILE…",
	.summary = "check configuration files: what is wrong, where, and how to correct it",
	.help = "Reads each file, with the WireGuard and key files it names, and reports every\n"
		"mistake in it as FILE:LINE: error: what is wrong, and below it a hint.\n"
		"Nothing on the host is changed. Warnings alone do not make it fail.\n"
		"\n"
		"  -o, --offline   look at the files only, for instance at those of another host:\n"
		"                  do not check them against this host\n",
	.run = run,
};
