/* SPDX-License-Identifier: MIT */
/* wirespan up: start a site and run it. */
#include "cli/verb.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/owner.h"
#include "cli/site.h"
#include "conf/load.h"
#include "conf/owners.h"
#include "daemon/site_daemon.h"

static void load(const char *path, struct conf_site *ret, struct conf_report *report)
{
	site_load_report(path, true, ret, report);
}

/* Whether other users can change no link or folder on the path: later on, the path is known without
 * its links. If they can, report it. */
static bool check_links(const char *name_or_path)
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];
	char line[PATH_MAX + OWNER_TEXT_LEN + 64];
	char *path = conf_path(name_or_path);
	bool safe = !path || owner_check_path(path, &problem) != -EPERM;
	size_t len;

	if (!safe) {
		owner_problem_text(&problem, CONF_OWNERS_INSTEAD, text);
		len = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%s: error: not safe: %.*s\n    %s\n", path, (int)len,
			text, text + len + 1);
		log_lines(LOG_LEVEL_ERROR, line);
	}
	free(path);
	return safe;
}

/* The absolute path, since a daemon changes its folder; of a missing file, the path as given, so
 * that loading it reports why. Return: a text to free, or NULL if out of memory. */
static char *absolute_path(const char *name_or_path)
{
	char *path = conf_path(name_or_path);
	char *absolute = path ? realpath(path, NULL) : NULL;

	if (!path || !absolute)
		return path;
	free(path);
	return absolute;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "detach", no_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct site_daemon_config config = { .load = load };
	char *path;
	int code;
	int c;

	log_set_level_from_environment();
	while ((c = verb_option(argc, argv, "dv", options)) >= 0) {
		if (c == 'd')
			config.detach = true;
		else if (c == 'v')
			log_set_level(LOG_LEVEL_DEBUG);
		else
			return verb_bad_option(argv[0]);
	}
	if (optind + 1 != argc)
		return verb_usage(argv[0], "name one configuration");
	if (!check_links(argv[optind]))
		return VERB_USAGE;
	path = absolute_path(argv[optind]);
	if (!path) {
		fputs("wirespan up: out of memory\n", stderr);
		return VERB_FAILED;
	}
	config.path = path;
	code = site_daemon_run(&config);
	free(path);
	if (code == SITE_DAEMON_BAD_FILE)
		return VERB_USAGE;
	return code ? VERB_FAILED : VERB_DONE;
}

const struct verb verb_up = {
	.name = "up",
	.usage = "[-d] [-v] NAME|FILE",
	.summary = "bring the site up",
	.help = "Checks the configuration, makes the interfaces, addresses, routes and the\n"
		"bridge, and carries frames until SIGTERM or SIGINT, or `wirespan down`.\n"
		"SIGHUP applies the edited file, as `wirespan reload` does. If anything\n"
		"fails, the host is left as it was. The exit status is 2 if the file has\n"
		"mistakes.\n"
		"\n"
		"  -d, --detach   return once traffic can flow; a child goes on in the\n"
		"                 background and logs to syslog\n"
		"  -v, --verbose  log each change to the host, each handshake, and each change of\n"
		"                 an endpoint, MTU or host name; and drops by reason\n",
	.run = run,
};
