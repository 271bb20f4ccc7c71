/* SPDX-License-Identifier: MIT */
/* Which back end carries a site on this machine, and why. */
#ifndef BACKEND_SELECT_H
#define BACKEND_SELECT_H

#include "base/error.h"
#include "conf/model.h"

/** A choice and its reason, for status and log. */
struct choice {
	const char *backend; /* "userspace" */
	const char *reason;
};

/**
 * Choose for `[Site] Backend = wanted`, looking once at what this machine has.
 * Return: 0, or -errno with `ret_error` filled: the machine lacks what is needed (-ENOENT, -EPERM,
 * -ENODEV …), or this version does (-EOPNOTSUPP).
 */
int backend_select(enum conf_backend wanted, struct choice *ret_choice, struct error *ret_error);

#endif
