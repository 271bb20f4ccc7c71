/* SPDX-License-Identifier: MIT */
/* validate: report mistakes in a configuration file, with hints. */
#include "cli/verb.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/site.h"
#include "conf/compare.h"
#include "crypto/x25519.h"

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

/** A file that was given. */
struct given {
	struct conf_site site;
	struct conf_report report;
};

/* Whether one site is a peer of the other: the two ends of a tunnel are on two hosts. */
static bool is_peer(const struct conf_site *site, const struct conf_site *of)
{
	uint8_t public_key[KEY_LEN];

	if (!site->interface.has_private_key ||
		x25519_public(site->interface.private_key, public_key) < 0)
		return false;
	return conf_peer_find(of, public_key);
}

/* Each file is compared with those before it, if they can run on one host, this one. */
static bool validate(char **files, size_t n, bool ask_host)
{
	struct given *all = calloc(n, sizeof(*all));
	bool ok = all != NULL;

	if (!all)
		fprintf(stderr, "out of memory\n");
	for (size_t i = 0; all && i < n; i++) {
		struct given *g = &all[i];

		site_load_report(files[i], ask_host, &g->site, &g->report);
		for (size_t k = 0; ask_host && k < i; k++)
			if (!is_peer(&g->site, &all[k].site) && !is_peer(&all[k].site, &g->site))
				conf_compare(&g->site, &all[k].site, &g->report);
		conf_report_sort(&g->report);
		site_print_report(&g->site, &g->report);
		print_verdict(files[i], &g->site, &g->report);
		ok &= conf_report_ok(&g->report);
	}
	for (size_t i = 0; all && i < n; i++) {
		conf_report_fini(&all[i].report);
		conf_site_fini(&all[i].site);
	}
	free(all);
	return ok;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "offline", no_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	bool ask_host = true;
	bool ok;
	int c;

	while ((c = verb_option(argc, argv, "o", options)) >= 0) {
		if (c != 'o')
			return verb_bad_option(argv[0]);
		ask_host = false;
	}
	if (optind == argc)
		return verb_usage(argv[0], "name a configuration file");
	ok = validate(argv + optind, (size_t)(argc - optind), ask_host);
	return ok ? VERB_DONE : VERB_FAILED;
}

const struct verb verb_validate = {
	.name = "validate",
	.usage = "[--offline] NAME|FILE…",
	.summary = "check configuration files: what is wrong, where, and how to correct it",
	.help = "Reads each file, with the WireGuard and key files it names, and reports every\n"
		"mistake in it as FILE:LINE: error: what is wrong, and below it a hint.\n"
		"Nothing on the host is changed. Warnings alone do not make it fail. Files\n"
		"that are given together are also compared, as sites of one host.\n"
		"\n"
		"  -o, --offline   look at the files only, for instance at those of other hosts:\n"
		"                  check them neither against this host nor with each other\n",
	.run = run,
};
