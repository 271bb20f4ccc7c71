/* SPDX-License-Identifier: MIT */
/* The metrics of all running sites, by their status sockets. */
#include "exporter/sites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "host/rundir.h"

#define SITE_MS 2000 /* for a site to answer: Prometheus waits ten seconds for all */

/** All sites: the reports of those that have answered come first. */
struct sites {
	struct status_report *reports;
	size_t answered;
	const char **silent; /* names; those of the list */
	size_t silent_len;
};

/* Ask one site. Return: whether it runs. */
static bool ask(const char *name, struct status_report *ret, bool *ret_answered)
{
	const struct ctl_request request = { .verb = CTL_STATUS };
	char path[RUNDIR_SOCKET_LEN];
	struct ctl_reply reply;
	int err = rundir_status_path(name, path);

	*ret_answered = false;
	if (!err)
		err = ctl_client_ask(path, &request, SITE_MS, &reply);
	if (err)
		return err != -ENOENT && err != -ECONNREFUSED;
	if (reply.ok) {
		*ret = reply.status;
		memset(&reply.status, 0, sizeof(reply.status));
		*ret_answered = true;
	}
	ctl_reply_fini(&reply);
	return true;
}

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
	err = sites.reports && sites.silent ? 0 : -ENOMEM;
	for (size_t i = 0; i < len && !err; i++) {
		bool answered;
		bool runs = ask(names[i], &sites.reports[sites.answered], &answered);

		if (answered)
			sites.answered++;
		else if (runs)
			sites.silent[sites.silent_len++] = names[i];
	}
	if (!err)
		err = write_metrics(&sites, format, ret, ret_len);
	for (size_t i = 0; i < sites.answered; i++)
		status_report_fini(&sites.reports[i]);
	free(sites.reports);
	free(sites.silent);
	rundir_free_names(names, len);
	return err;
}
