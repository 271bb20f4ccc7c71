/* SPDX-License-Identifier: MIT */
/* upgrade: let a running site go on with this program. */
#include "cli/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/running.h"
#include "ctl/client.h"

/* A new engine with thousands of peers starts twice, and waits for a good moment. */
#define UPGRADE_MS 120000

/* Write the path of this program. Return: whether it is known; if not, stderr has the reason. */
static bool find_program(const char *verb, char ret[static CTL_PROGRAM_LEN])
{
	ssize_t n = readlink("/proc/self/exe", ret, CTL_PROGRAM_LEN - 1);

	if (n <= 0 || n == CTL_PROGRAM_LEN - 1) {
		fprintf(stderr, "%s: cannot determine the path of this program: is /proc there?\n",
			verb);
		return false;
	}
	ret[n] = '\0';
	return true;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = { { NULL, 0, NULL, 0 } };
	struct ctl_request request = { .verb = CTL_UPGRADE };
	struct running site;
	struct ctl_reply reply;

	if (verb_option(argc, argv, "", options) >= 0)
		return verb_bad_option(argv[0]);
	if (argc - optind != 1)
		return verb_usage(argv[0], "name the site to upgrade");
	if (!running_find(argv[0], argv[optind], &site) ||
		!find_program(argv[0], request.program) ||
		!running_request(argv[0], &site, &request, UPGRADE_MS, &reply))
		return VERB_FAILED;
	printf("%s: %s\n", site.name, reply.text);
	ctl_reply_fini(&reply);
	return VERB_DONE;
}

const struct verb verb_upgrade = {
	.name = "upgrade",
	.usage = "NAME|FILE",
	.summary = "let the running site go on with this program; no frame is lost",
	.help = "After another version was installed, the running site NAME goes on with it, in "
		"the\n"
		"same process: with the configuration that it runs with, its interfaces and its\n"
		"sessions. The new program is tried first; if it cannot take over, the running "
		"one\n"
		"carries on, and the exit status is 1. Needs [Site] Isolation = yes, or the "
		"kernel\n"
		"back end, whose packets do not pass the program.\n",
	.run = run,
};
