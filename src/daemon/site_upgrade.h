/* SPDX-License-Identifier: MIT */
/* A running site goes on with another program: what is passed on, and how it is taken over. */
#pragma once

#include "base/error.h"
#include "base/must_check.h"
#include "ctlproto/request.h"
#include "daemon/site_state.h"

/** Go on with the program of the request, which replies to the client then. Return: -errno with `e`
 * filled, and all is as before. */
int site_upgrade_run(struct site_daemon *r, const struct ctl_request *request, struct error *e);

/**
 * In the new program: use what was passed on, and fill in `r->conf`. `ret_path`: the path of the
 * configuration file, to be freed in any case.
 * Return: 0; -ENODATA: the configuration has to be read from its file; or -errno with `e` filled.
 */
MUST_CHECK int site_upgrade_begin(struct site_daemon *r, char **ret_path, struct error *e);

/** In the new program: make `r->host` and `r->site`, while the engine of the program before carries
 * packets. A trial ends here. Return: 0, or -errno with `e` filled. */
MUST_CHECK int site_upgrade_adopt(struct site_daemon *r, struct error *e);

/** The upgrade has failed before anything was taken over: report it, and execute the program before
 * again. It returns if that is not possible. */
void site_upgrade_failed(struct site_daemon *r, const struct error *e);

/** The control socket that was passed on, or -1. */
int site_upgrade_ctl_fd(const struct site_daemon *r);

/** The new program has taken over: reply to the client. */
void site_upgrade_finish(struct site_daemon *r);
