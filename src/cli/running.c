/* SPDX-License-Identifier: MIT */
/* Requests to running sites, by NAME or FILE as on the command line, and to all of them. */
#include "cli/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/suggest.h"
#include "ctl/client.h"
#include "daemon/site_status.h"
#include "host/observe.h"
#include "host/orphan.h"
#include "host/rundir.h"

#define SUFFIX	   ".conf"
#define STATUS_MS  10000
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

bool running_find(const char *verb, const char *name_or_path, struct running *ret)
{
	const char *slash = strrchr(name_or_path, '/');
	const char *name = slash ? slash + 1 : name_or_path;
	size_t len = strlen(name);

	if (len > SUFFIX_LEN && strcmp(name + len - SUFFIX_LEN, SUFFIX) == 0)
		len -= SUFFIX_LEN;
	if (len < sizeof(ret->name)) {
		memcpy(ret->name, name, len);
		ret->name[len] = '\0';
		if (rundir_socket_path(ret->name, ret->path) == 0)
			return true;
	}
	fprintf(stderr, "%s: \"%s\" cannot be the name of a site\n", verb, name_or_path);
	return false;
}

void running_suggest(const struct running *site)
{
	struct suggestion s = suggest_begin(site->name);
	char **names;
	size_t len;

	if (rundir_list(&names, &len) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		if (strcmp(names[i], site->name) != 0)
			suggest_try(&s, names[i]);
	if (s.nearest)
		fprintf(stderr, ": did you mean \"%s\"?", s.nearest);
	rundir_free_names(names, len);
}

/* Explain that nothing listens at the control socket. */
static void explain_absence(const char *verb, const struct running *site)
{
	enum host_marks marks;

	if (host_runs_alone(site->name)) {
		fprintf(stderr,
			"%s: %s runs without a process: `wirespan up %s` applies its file\n", verb,
			site->name, site->name);
		return;
	}
	if (orphan_exists(site->name)) {
		fprintf(stderr,
			"%s: the engine of %s goes on without its monitor, for a while: "
			"`wirespan up %s` adopts it\n",
			verb, site->name, site->name);
		return;
	}
	marks = host_marks(site->name);
	if (marks == HOST_MARKS_TUNNEL) {
		fprintf(stderr,
			"%s: %s has its interfaces, but its control socket %s is gone: a site that "
			"runs makes it again within seconds, unless its log shows why it cannot. "
			"If it does not, end its process (ps ax | grep wirespan), and then "
			"`wirespan down %s` undoes what is left\n",
			verb, site->name, site->path, site->name);
		return;
	}
	fprintf(stderr, "%s: %s is not running", verb, site->name);
	if (marks == HOST_MARKS_BRIDGES)
		fprintf(stderr,
			", and has left its bridge: `wirespan up %s` makes it anew, and "
			"`wirespan down %s` removes it",
			site->name, site->name);
	else
		running_suggest(site);
	fputc('\n', stderr);
}

void running_explain(const char *verb, const struct running *site, int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		explain_absence(verb, site);
		break;
	case -EACCES:
		fprintf(stderr, "%s: only root may ask %s: try it with sudo\n", verb, site->name);
		break;
	case -ETIMEDOUT:
		fprintf(stderr, "%s: %s does not answer: see its log\n", verb, site->name);
		break;
	case -ECONNRESET:
		fprintf(stderr, "%s: %s ended before it had answered: see its log\n", verb,
			site->name);
		break;
	case -EBADMSG:
		fprintf(stderr,
			"%s: %s answers what this version of wirespan (" WIRESPAN_VERSION
			") does not understand: restart it\n",
			verb, site->name);
		break;
	default:
		fprintf(stderr, "%s: cannot ask %s at %s: %s\n", verb, site->name, site->path,
			strerror(-err));
		break;
	}
}

/* Whether the request was answered with ok; if not, report why and release the reply. */
static bool judge(const char *verb, const struct running *site, int err, struct ctl_reply *reply)
{
	if (err) {
		running_explain(verb, site, err);
		return false;
	}
	if (!reply->ok) {
		fprintf(stderr, "%s: %s: %s\n", verb, site->name, reply->text);
		ctl_reply_fini(reply);
		return false;
	}
	return true;
}

bool running_ask(const char *verb, const struct running *site, enum ctl_verb what,
	unsigned timeout_ms, struct ctl_reply *ret)
{
	struct ctl_request request = { .verb = what };

	return running_request(verb, site, &request, timeout_ms, ret);
}

bool running_request(const char *verb, const struct running *site,
	const struct ctl_request *request, unsigned timeout_ms, struct ctl_reply *ret)
{
	return judge(verb, site, ctl_client_ask(site->path, request, timeout_ms, ret), ret);
}

/* Append the report in `reply`; ownership moves. */
static bool take_report(struct running_reports *all, struct ctl_reply *reply)
{
	struct status_report *report = array_grow(&all->v, &all->len, sizeof(*report));

	if (!report) {
		fputs("wirespan: out of memory\n", stderr);
		return false;
	}
	*report = reply->status;
	memset(&reply->status, 0, sizeof(reply->status));
	return true;
}

/* Ask for the status. `found`: the site is known only by its socket, which may be left from a
 * crash; then a missing listener is no failure. */
static bool ask_status(
	const char *verb, const struct running *site, bool found, struct running_reports *ret)
{
	struct ctl_reply reply;
	int err = site_status(site->name, site->path, STATUS_MS, &reply);
	bool ok;

	if (found && (err == -ENOENT || err == -ECONNREFUSED))
		return true;
	if (!judge(verb, site, err, &reply))
		return false;
	ok = take_report(ret, &reply);
	ctl_reply_fini(&reply);
	return ok;
}

static bool ask_all(const char *verb, struct running_reports *ret)
{
	struct running site;
	char **names;
	size_t len;
	bool ok = true;
	int err = rundir_list(&names, &len);

	if (err) {
		fprintf(stderr, "%s: cannot look for running sites in %s: %s\n", verb,
			rundir_path(), strerror(-err));
		return false;
	}
	for (size_t i = 0; i < len; i++)
		ok = running_find(verb, names[i], &site) && ask_status(verb, &site, true, ret) &&
		     ok;
	rundir_free_names(names, len);
	return ok;
}

bool running_status(const char *verb, const char *name_or_path, struct running_reports *ret)
{
	struct running site;

	*ret = (struct running_reports){ 0 };
	if (!name_or_path)
		return ask_all(verb, ret);
	return running_find(verb, name_or_path, &site) && ask_status(verb, &site, false, ret);
}

void running_free_reports(struct running_reports *reports)
{
	for (size_t i = 0; i < reports->len; i++)
		status_report_fini(&reports->v[i]);
	free(reports->v);
	*reports = (struct running_reports){ 0 };
}
