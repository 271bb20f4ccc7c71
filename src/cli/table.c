/* SPDX-License-Identifier: MIT */
/* The table of verbs, its help, and the dispatch from a command line to a verb. */
#include "cli/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/suggest.h"
#include "cli/verb.h"

/* in the order in which a new user needs them */
static const struct verb *const verbs[] = {
	&verb_up,
	&verb_down,
	&verb_reload,
	&verb_upgrade,
	&verb_status,
#ifdef WIRESPAN_TOP
	&verb_top,
#endif
	&verb_metrics,
	&verb_check,
	&verb_capture,
	&verb_report,
	&verb_mtu,
	&verb_validate,
	&verb_init,
	&verb_import,
	&verb_script,
	&verb_genkey,
	&verb_pubkey,
	&verb_genpsk,
};

/* What only the supplied units run. */
static const struct verb *const internal_verbs[] = {
	&verb_guardian,
	&verb_packets,
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(internal_verbs); i++)
		if (!strcmp(internal_verbs[i]->name, name))
			return internal_verbs[i];
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static void print_table(FILE *out)
{
	fputs("wirespan: one LAN across sites: L2TPv3 in WireGuard, bridged.\n\nUsage:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(out, "  wirespan %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n  wirespan VERB --help   more about a verb\n"
	      "  wirespan --version\n"
	      "\nNAME is a configuration in /etc/wirespan, without .conf; a path is accepted "
	      "wherever a NAME is.\nSee wirespan(8), and wirespan.conf(5) for the file.\n",
		out);
}

static void print_help(const struct verb *verb)
{
	printf("wirespan %s: %s\n\nUsage: wirespan %s%s%s\n\n%s", verb->name, verb->summary,
		verb->name, *verb->usage ? " " : "", verb->usage, verb->help);
}

static enum verb_exit unknown_verb(const char *name)
{
	struct suggestion nearest = suggest_begin(name);

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		suggest_try(&nearest, verbs[i]->name);
	if (nearest.nearest)
		return verb_usage("wirespan", "there is no verb \"%s\": did you mean \"%s\"?", name,
			nearest.nearest);
	return verb_usage("wirespan", "there is no verb \"%s\"", name);
}

/* Whether the user asks for the help of a verb. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static enum verb_exit help(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		print_table(stdout);
		return VERB_DONE;
	}
	verb = verb_find(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	print_help(verb);
	return VERB_DONE;
}

static enum verb_exit run_verb(const struct verb *verb, int argc, char **argv)
{
	char name[64];

	if (wants_help(argc, argv)) {
		print_help(verb);
		return VERB_DONE;
	}
	snprintf(name, sizeof(name), "wirespan %s", verb->name);
	argv[0] = name;
	return verb->run(argc, argv);
}

int table_main(int argc, char **argv)
{
	const struct verb *verb;
	const char *name;

	if (argc < 2) {
		print_table(stderr);
		return VERB_USAGE;
	}
	name = argv[1];
	if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(name, "version") || !strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("wirespan " WIRESPAN_VERSION);
		return VERB_DONE;
	}
	verb = verb_find(name);
	if (!verb)
		return unknown_verb(name);
	return run_verb(verb, argc - 1, argv + 1);
}
