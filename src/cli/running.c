/* SPDX-License-Identifier: MIT */
/* Questions to running sites, by NAME or FILE as on the command line, and to all of them. */
#include "cli/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/rundir.h"

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

void running_explain(const char *verb, const struct running *site, int err)
{
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		fprintf(stderr, "%s: %s is not running\n", verb, site->name);
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

bool running_ask(const char *verb, const struct running *site, enum ctl_verb what,
	unsigned timeout_ms, struct ctl_reply *ret)
{
	struct ctl_request request = { .verb = what };
	int err = ctl_client_ask(site->path, &request, timeout_ms, ret);

	if (err) {
		running_explain(verb, site, err);
		return false;
	}
	if (!ret->ok) {
		fprintf(stderr, "%s: %s: %s\n", verb, site->name, ret->text);
		ctl_reply_fini(ret);
		return false;
	}
	return true;
}

/* Append the report out of `reply`, which loses it. */
static bool take_report(struct running_reports *all, struct ctl_reply *reply)
{
	struct status_report *v = reallocarray(all->v, all->len + 1, sizeof(*v));

	if (!v) {
		fputs("wirespan: out of memory\n", stderr);
		return false;
	}
	all->v = v;
	v[all->len++] = reply->status;
	memset(&reply->status, 0, sizeof(reply->status));
	return true;
}

static bool ask_one(const char *verb, const struct running *site, struct running_reports *ret)
{
	struct ctl_reply reply;
	bool ok;

	if (!running_ask(verb, site, CTL_STATUS, STATUS_MS, &reply))
		return false;
	ok = take_report(ret, &reply);
	ctl_reply_fini(&reply);
	return ok;
}

/* Ask a site that was found by its socket; a socket that a crash left is no site. */
static bool ask_found(const char *verb, const char *name, struct running_reports *ret)
{
	struct running site;
	int fd;

	if (!running_find(verb, name, &site))
		return false;
	fd = unixsock_connect(site.path, STATUS_MS);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return true;
	if (fd >= 0)
		close(fd);
	return ask_one(verb, &site, ret);
}

static bool ask_all(const char *verb, struct running_reports *ret)
{
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
		ok = ask_found(verb, names[i], ret) && ok;
	rundir_free_names(names, len);
	return ok;
}

bool running_status(const char *verb, const char *name_or_path, struct running_reports *ret)
{
	struct running site;

	*ret = (struct running_reports){ 0 };
	if (!name_or_path)
		return ask_all(verb, ret);
	return running_find(verb, name_or_path, &site) && ask_one(verb, &site, ret);
}

void running_free_reports(struct running_reports *reports)
{
	for (size_t i = 0; i < reports->len; i++)
		status_report_fini(&reports->v[i]);
	free(reports->v);
	*reports = (struct running_reports){ 0 };
}
