/* SPDX-License-Identifier: MIT */
/* The metrics of all running sites, by their status sockets. */
#include "exporter/sites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "host/rundir.h"

#define SITES_MS 2000 /* for all sites to answer: Prometheus waits ten seconds */

/** All sites: the reports of those that have answered come first. */
struct sites {
	struct status_report *reports;
	size_t answered;
	const char **silent; /* names; those of the list */
	size_t silent_len;
};

static void put_state(FILE *out, const char *name, bool answers)
{
	fputs("wirespan_site_answers{site=", out);
	metrics_put_value(out, name);
	fprintf(out, "} %d\n", answers);
}

static void put_states(FILE *out, const struct sites *sites)
{
	fputs("# HELP wirespan_site_answers Whether the site has answered with its status.\n"
	      "# TYPE wirespan_site_answers gauge\n",
		out);
	for (size_t i = 0; i < sites->answered; i++)
		put_state(out, sites->reports[i].site, true);
	for (size_t i = 0; i < sites->silent_len; i++)
		put_state(out, sites->silent[i], false);
}

static int write_metrics(
	const struct sites *sites, enum metrics_format format, char **ret, size_t *ret_len)
{
	FILE *out = open_memstream(ret, ret_len);
	bool failed;

	if (!out)
		return -ENOMEM;
	put_states(out, sites);
	render_metrics(out, format, sites->reports, sites->answered);
	failed = ferror(out) != 0;
	if (fclose(out) == 0 && !failed)
		return 0;
	free(*ret);
	return -ENOMEM;
}

/* Sort the answers; one of a socket at which no process listens is no site. */
static void take_answers(
	struct sites *sites, struct ctl_client_call *calls, char **names, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct ctl_reply *reply = &calls[i].reply;

		if (!calls[i].err && reply->ok) {
			sites->reports[sites->answered++] = reply->status;
			memset(&reply->status, 0, sizeof(reply->status));
		} else if (calls[i].err != -ENOENT && calls[i].err != -ECONNREFUSED) {
			sites->silent[sites->silent_len++] = names[i];
		}
		if (!calls[i].err)
			ctl_reply_fini(reply);
	}
}

/* Ask the sites, and fill `sites`, whose arrays have room. */
static int ask(struct sites *sites, char **names, size_t len)
{
	const struct ctl_request request = { .verb = CTL_STATUS };
	struct ctl_client_call *calls = calloc(len + 1, sizeof(*calls));
	char(*paths)[RUNDIR_SOCKET_LEN] = calloc(len + 1, sizeof(*paths));
	bool room = calls && paths;

	for (size_t i = 0; i < len && room; i++) {
		if (rundir_status_path(names[i], paths[i])) /* too long to be a socket's */
			paths[i][0] = '\0';
		calls[i].path = paths[i];
	}
	if (room) {
		ctl_client_ask_all(calls, len, &request, SITES_MS);
		take_answers(sites, calls, names, len);
	}
	free(calls);
	free(paths);
	return room ? 0 : -ENOMEM;
}

int sites_metrics(enum metrics_format format, char **ret, size_t *ret_len)
{
	struct sites sites = { 0 };
	char **names;
	size_t len;
	int err = rundir_status_list(&names, &len);

	if (err)
		return err;
	sites.reports = calloc(len + 1, sizeof(*sites.reports));
	sites.silent = calloc(len + 1, sizeof(*sites.silent));
	err = sites.reports && sites.silent ? ask(&sites, names, len) : -ENOMEM;
	if (!err)
		err = write_metrics(&sites, format, ret, ret_len);
	for (size_t i = 0; i < sites.answered; i++)
		status_report_fini(&sites.reports[i]);
	free(sites.reports);
	free(sites.silent);
	rundir_free_names(names, len);
	return err;
}
