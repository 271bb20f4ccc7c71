/* SPDX-License-Identifier: MIT */
/* Users of this host, by name. */
#pragma once

#include <sys/types.h>

#include "base/must_check.h"

/** A user and its primary group. */
struct user {
	uid_t uid;
	gid_t gid;
};

/** Look a user up. Return: 0 and `ret`; -ENOENT: there is none; -EPERM: it is root, or its group
 * is; or -errno if the databases cannot be read. */
MUST_CHECK int user_find(const char *name, struct user *ret);
