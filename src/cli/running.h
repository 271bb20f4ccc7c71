/* SPDX-License-Identifier: MIT */
/* Requests to running sites, by NAME or FILE as on the command line, and to all of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/unixsock.h"
#include "ctlproto/reply.h"
#include "ctlproto/request.h"

#define RUNNING_NAME_LEN 64 /* of a site's name, with its NUL */

/** A site's name, and the path of its control socket. */
struct running {
	char name[RUNNING_NAME_LEN];
	char path[UNIXSOCK_PATH_LEN];
};

/** The reports of all running sites. */
struct running_reports {
	struct status_report *v;
	size_t len;
};

/** The name of the site that NAME or FILE means: a file's base name without ".conf". `verb` is
 * argv[0], for the message. Return: whether the name is valid; if not, stderr has the reason. */
bool running_find(const char *verb, const char *name_or_path, struct running *ret);

/** Send a request to the site. Return: whether it answered ok, and `ret` is to be released with
 * ctl_reply_fini(); if not, stderr has the reason. */
bool running_ask(const char *verb, const struct running *site, enum ctl_verb what,
	unsigned timeout_ms, struct ctl_reply *ret);

/** As running_ask(), with a whole request. */
bool running_request(const char *verb, const struct running *site,
	const struct ctl_request *request, unsigned timeout_ms, struct ctl_reply *ret);

/** Print the name of the running site that is most like this one, if any, to stderr, as the end of
 * a line: a question after a colon. */
void running_suggest(const struct running *site);

/** Report on stderr why a request was not answered; `err` is ctl_client_ask()'s. */
void running_explain(const char *verb, const struct running *site, int err);

/** Ask the named site for its status, or all running sites if `name_or_path` is NULL. To be
 * released with running_free_reports(). Return: whether every site answered; if not, stderr has the
 * reason. With NULL it is no failure if no site runs. */
bool running_status(const char *verb, const char *name_or_path, struct running_reports *ret);

/** Release what running_status() returned. */
void running_free_reports(struct running_reports *reports);
