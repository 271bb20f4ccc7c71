/* SPDX-License-Identifier: MIT */
/* A site that runs without a process: kernel objects carry it. */
#include "host/observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/guard.h"
#include "host/host_lock.h"
#include "host/host_report.h"
#include "host/host_state.h"
#include "host/running_conf.h"
#include "netlink/query.h"

void host_observe_close(struct host *host)
{
	if (!host)
		return;
	route_plan_fini(&host->plan);
	known_fini(&host->known);
	netdev_close(&host->netdev);
	conf_site_fini(host->resumed);
	free(host->resumed);
	free(host);
}

/** Whether the journal is of a site that kernel objects carry. */
static bool is_of_kernel(const struct journal *j)
{
	bool found = false;

	for (size_t i = 0; i < j->n; i++)
		found |= j->v[i].kind == JOURNAL_WIREGUARD;
	return found;
}

/** Read the journal and the configuration. Return: 0; -ENOENT if the site does not run here; or
 * another -errno. */
static int load(struct host *host, const char *name)
{
	struct conf_site *conf = calloc(1, sizeof(*conf));
	int err = conf ? journal_load(&host->netdev.journal, name) : -ENOMEM;

	if (err == 0 && (journal_where(&host->netdev.journal) != JOURNAL_HERE ||
				!is_of_kernel(&host->netdev.journal)))
		err = -ENOENT;
	if (err == 0)
		err = running_conf_load(name, conf);
	if (err < 0) {
		free(conf);
		return err;
	}
	host->resumed = conf;
	host->conf = conf;
	return route_plan_make(conf, &host->plan);
}

int host_observe(const char *name, struct host **ret)
{
	struct host *host;
	int err;

	if (host_lock_holder(name) != 0)
		return -ENOENT; /* it has a process, which just does not answer yet */
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	err = netdev_open(&host->netdev, name);
	if (err == 0)
		err = load(host, name);
	if (err < 0) {
		host_observe_close(host);
		return err;
	}
	route_plan_set_table(&host->plan, host_resumed_mark(host));
	*ret = host;
	return 0;
}

bool host_runs_alone(const char *name)
{
	struct host *host = NULL;
	bool alone = host_observe(name, &host) == 0;

	host_observe_close(host);
	return alone;
}

enum host_marks host_marks(const char *name)
{
	enum host_marks found = HOST_MARKS_NONE;
	struct link_list list = { 0 };
	struct netdev m = { 0 };

	if (netdev_open(&m, name) < 0)
		return found;
	if (query_links(&m.nl, &list) < 0)
		list.n = 0;
	for (size_t i = 0; i < list.n; i++) {
		enum host_marks is = HOST_MARKS_TUNNEL;

		if (strcmp(list.v[i].alias, m.alias) != 0)
			continue;
		if (!strcmp(list.v[i].kind, "bridge"))
			is = HOST_MARKS_BRIDGES;
		found = is > found ? is : found;
	}
	free(list.v);
	netdev_close(&m);
	return found;
}

const struct conf_site *host_observe_conf(const struct host *host)
{
	return host->conf;
}

int host_observe_report(struct host *host, struct status_report *r)
{
	struct host_guard guard = { .host = host }; /* it compares, and follows nothing */
	int err = host_report(host, &guard, r);

	for (size_t i = 0; i < r->differences_len; i++) {
		struct status_difference *d = &r->differences[i];

		d->remedy = STATUS_REMEDY_LEAVE;
		snprintf(d->hint, sizeof(d->hint),
			"No process runs that restores it: wirespan up %.100s does.",
			host->conf->name);
	}
	host_guard_stop(&guard);
	return err;
}
