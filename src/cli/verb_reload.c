/* SPDX-License-Identifier: MIT */
/* reload: make a running site read its configuration again. */
#include "cli/verb.h"

#include <stdio.h>

#include "cli/running.h"

#define RELOAD_MS 30000

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = { { NULL, 0, NULL, 0 } };
	struct running site;
	struct ctl_reply reply;

	if (verb_option(argc, argv, "", options) >= 0)
		return verb_bad_option(argv[0]);
	if (argc - optind != 1)
		return verb_usage(argv[0], "name the site to reload");
	if (!running_find(argv[0], argv[optind], &site) ||
		!running_ask(argv[0], &site, CTL_RELOAD, RELOAD_MS, &reply))
		return VERB_FAILED;
	printf("%s: %s\n", site.name, *reply.text ? reply.text : "reloaded");
	ctl_reply_fini(&reply);
	return VERB_DONE;
}

const struct verb verb_reload = {
	.name = "reload",
	.usage = "NAME|FILE",
	.summary = "apply the edited file; what did not change keeps running",
	.help = "Lets the running site NAME read its configuration again, the file that it was\n"
		"started with, and apply what differs: unchanged peers, sessions and bridge ports\n"
		"are not touched. A file with mistakes changes nothing. SIGHUP does the same.\n",
	.run = run,
};
