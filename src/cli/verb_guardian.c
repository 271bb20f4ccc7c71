/* SPDX-License-Identifier: MIT */
/* wirespan guardian and wirespan packets: what systemd starts for the monitor of a site. */
#include "cli/verb.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "backend/guardian.h"
#include "base/log.h"
#include "host/port_socket.h"

static enum verb_exit run_guardian(int argc, char **argv)
{
	bool chosen = argc > 1 && !strcmp(argv[1], "chosen");

	return (enum verb_exit)guardian_run(STDIN_FILENO, chosen);
}

static enum verb_exit run_packets(int argc, char **argv)
{
	int err = port_socket_serve(STDIN_FILENO);

	if (err == -EPERM)
		log_error("wirespan packets is started by systemd alone, for "
			  "wirespan-packets.socket.");
	else if (err < 0)
		log_error("The process that opens packet sockets cannot go on: %s. Is the monitor "
			  "of another version? Restart the site.",
			strerror(-err));
	return err == -EPERM ? VERB_USAGE : err < 0 ? VERB_FAILED : VERB_DONE;
}

const struct verb verb_guardian = {
	.name = "guardian",
	.usage = "",
	.summary = "start and end one confined process of a site",
	.help = "Only systemd runs this, for wirespan-guardian.socket.\n",
	.run = run_guardian,
};

const struct verb verb_packets = {
	.name = "packets",
	.usage = "",
	.summary = "open packet sockets for a site",
	.help = "Only systemd runs this, for wirespan-packets.socket.\n",
	.run = run_packets,
};
