/* SPDX-License-Identifier: MIT */
/* Select the back end that carries a site on this host, with the reason. */
#pragma once

#include "backend/backend.h"
#include "base/error.h"
#include "base/must_check.h"
#include "conf/model.h"

/** A choice and its reason, for the status and the log. */
struct choice {
	const struct backend *backend;
	const char *reason;
};

/**
 * Choose a back end for a site by its [Site] Backend. Probes what this host supports.
 * Return: 0, or -errno with `ret_error` filled: this host lacks what the back end needs (-ENOENT,
 * -EPERM, -ENODEV …), or the back end cannot do what the site asks for (-EOPNOTSUPP).
 */
int backend_select(
	const struct conf_site *conf, struct choice *ret_choice, struct error *ret_error);

/**
 * Run the chosen back end in a confined process if `wanted`, which is `[Site] Isolation`; the
 * environment variable WIRESPAN_ISOLATION, "yes" or "no", has precedence. This has no effect on a
 * back end that carries no packets in a process of ours.
 * Return: 0; or -EINVAL with `ret_error` filled: the variable has another value.
 */
MUST_CHECK int backend_isolate(bool wanted, struct choice *choice, struct error *ret_error);

/** The back end whose sites can run without a process. */
extern const struct backend *const backend_alone;
