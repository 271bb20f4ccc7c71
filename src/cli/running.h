/* SPDX-License-Identifier: MIT */
/* Questions to running sites, by NAME or FILE as on the command line, and to all of them. */
#ifndef CLI_RUNNING_H
#define CLI_RUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/unixsock.h"
#include "ctlproto/reply.h"
#include "ctlproto/request.h"

#define RUNNING_NAME_LEN 64 /* of a site's name, with its NUL */

/** A site by its name, and where it listens if it runs. */
struct running {
	char name[RUNNING_NAME_LEN];
	char path[UNIXSOCK_PATH_LEN];
};

/** The reports of all sites that run. */
struct running_reports {
	struct status_report *v;
	size_t len;
};

/** Which site NAME or FILE means: a file's base name without ".conf". `verb` is argv[0], for the
 * message. Return: whether it can be a site; if not, stderr says why. */
bool running_find(const char *verb, const char *name_or_path, struct running *ret);

/** Ask the site. Return: whether it answered ok, and `ret` is to be released with ctl_reply_fini();
 * if not, stderr says why. */
bool running_ask(const char *verb, const struct running *site, enum ctl_verb what,
	unsigned timeout_ms, struct ctl_reply *ret);

/** Say on stderr why a question was not answered; `err` is ctl_client_ask()'s. */
void running_explain(const char *verb, const struct running *site, int err);

/**
 * Ask the named site for its status, or all that run if `name_or_path` is NULL. To be released with
 * running_free_reports().
 * Return: whether all that were asked answered; if not, stderr says why. Of all, none may run.
 */
bool running_status(const char *verb, const char *name_or_path, struct running_reports *ret);

/** Release what running_status() returned. */
void running_free_reports(struct running_reports *reports);

#endif
