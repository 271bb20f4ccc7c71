/* SPDX-License-Identifier: MIT */
/* down: stop a site, or undo the changes that a crashed one has left. */
#include "cli/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/running.h"
#include "conf/load.h"
#include "ctl/client.h"
#include "ctl/uapi_server.h"
#include "host/dns.h"
#include "host/host.h"
#include "host/observe.h"
#include "host/rundir.h"

#define DOWN_MS 30000

static enum verb_exit still_running(const char *verb, const struct running *site)
{
	fprintf(stderr, "%s: %s has not gone down within %d s: see its log; ", verb, site->name,
		DOWN_MS / 1000);
	fprintf(stderr, "kill -9 %d ends it, and then `%s %s` undoes what it leaves\n",
		(int)host_running(site->name), verb, site->name);
	return VERB_FAILED;
}

/* Remove stale sockets. Return: whether that succeeded; if not, stderr has the reason. */
static bool sweep_sockets(const char *verb, const struct running *site)
{
	char status[RUNDIR_SOCKET_LEN];
	int err = unixsock_sweep(site->path);

	if (err == 0 && rundir_status_path(site->name, status) == 0)
		err = unixsock_sweep(status);
	if (err == 0)
		err = uapi_server_sweep();
	if (err < 0)
		fprintf(stderr, "%s: cannot remove the sockets of %s: %s; run it again\n", verb,
			site->name, strerror(-err));
	return err == 0;
}

/* Remove the name servers of the site, whose journal is lost: their name is that of the interface
 * in its file. Return: 0 or -errno. */
static int forget_dns(const char *name_or_path, bool *ret_found)
{
	struct conf_report report = { 0 };
	char *path = conf_path(name_or_path);
	struct conf_site conf;
	int err = 0;

	if (!path)
		return -ENOMEM;
	if (conf_load(path, &conf, &report) == 0 && conf.interface.dns.n)
		err = dns_forget(conf.interface.name, ret_found);
	conf_site_fini(&conf);
	conf_report_fini(&report);
	free(path);
	return err;
}

/* The socket has no listener. `ran`: it had one, which has ended without an answer. Return:
 * VERB_DONE if something could be stopped or undone. */
static enum verb_exit down_without_socket(
	const char *verb, const char *name_or_path, const struct running *site, bool ran)
{
	struct error error = { 0 };
	pid_t pid = host_running(site->name);
	bool found = false;
	bool alone = host_runs_alone(site->name);

	if (pid > 0) {
		if (kill(pid, SIGTERM) < 0 && errno != ESRCH) {
			fprintf(stderr, "%s: %s runs as process %d, which only root may end\n",
				verb, site->name, (int)pid);
			return VERB_FAILED;
		}
		if (host_wait_stopped(site->name, DOWN_MS) < 0)
			return still_running(verb, site);
	}
	if (host_undo(site->name, &found, &error) < 0) {
		fprintf(stderr, "%s: %s\n%s\n", verb, error.problem, error.hint);
		return VERB_FAILED;
	}
	if (!sweep_sockets(verb, site))
		return VERB_FAILED;
	if (forget_dns(name_or_path, &found) < 0) {
		fprintf(stderr,
			"%s: the name servers of %s could not be removed with resolvconf; see its "
			"output above, and run it again\n",
			verb, site->name);
		return VERB_FAILED;
	}
	if (pid <= 0 && !found && !ran) {
		fprintf(stderr, "%s: %s is not running and has left nothing behind", verb,
			site->name);
		running_suggest(site);
		fputc('\n', stderr);
		return VERB_FAILED;
	}
	printf("%s: %s\n", site->name,
		pid > 0 || alone || (ran && !found)
			? "is down"
			: "was not running; what it had left behind is undone");
	return VERB_DONE;
}

/* The site has ended. Return: VERB_DONE if nothing is left, also after a second attempt. */
static enum verb_exit finish(const char *verb, const struct running *site)
{
	struct error error = { 0 };
	bool found;
	int err = 0;

	if (!sweep_sockets(verb, site))
		return VERB_FAILED;
	if (host_has_files(site->name))
		err = host_undo(site->name, &found, &error);
	if (err == 0 || err == -EBUSY) /* it has been started again */
		return VERB_DONE;
	fprintf(stderr, "%s: %s\n%s\n", verb, error.problem, error.hint);
	return VERB_FAILED;
}

static enum verb_exit down(const char *verb, const char *name_or_path, const struct running *site)
{
	struct ctl_reply reply;
	enum verb_exit code;
	int err = ctl_client_down(site->path, DOWN_MS, &reply);

	if (err == -ENOENT || err == -ECONNREFUSED)
		return down_without_socket(verb, name_or_path, site, false);
	if (err == -ETIMEDOUT)
		return still_running(verb, site);
	if (err == -ECONNRESET && host_wait_stopped(site->name, DOWN_MS) == 0)
		return down_without_socket(verb, name_or_path, site, true);
	if (err) {
		running_explain(verb, site, err);
		return VERB_FAILED;
	}
	if (!reply.ok) {
		fprintf(stderr, "%s: %s: %s\n", verb, site->name, reply.text);
		code = VERB_FAILED;
	} else {
		code = finish(verb, site);
	}
	if (code == VERB_DONE)
		printf("%s: %s\n", site->name, *reply.text ? reply.text : "is down");
	ctl_reply_fini(&reply);
	return code;
}

static enum verb_exit run(int argc, char **argv)
{
	static const struct option options[] = { { NULL, 0, NULL, 0 } };
	struct running site;

	if (verb_option(argc, argv, "", options) >= 0)
		return verb_bad_option(argv[0]);
	if (argc - optind != 1)
		return verb_usage(argv[0], "name the site to take down");
	if (!running_find(argv[0], argv[optind], &site))
		return VERB_FAILED;
	return down(argv[0], argv[optind], &site);
}

const struct verb verb_down = {
	.name = "down",
	.usage = "NAME|FILE",
	.summary = "take a site down and leave nothing behind, also after a crash",
	.help = "Asks the running site NAME to go down and returns when it is gone. If it does "
		"not\n"
		"run because it has crashed or was killed, undoes what it has left behind:\n"
		"bridges, routes, settings. Fails if there is nothing to do.\n",
	.run = run,
};
