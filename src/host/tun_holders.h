/* SPDX-License-Identifier: MIT */
/* Which processes hold a TUN: to end engines whose note is lost. */
#pragma once

#include <sys/types.h>

#include "base/must_check.h"

/**
 * End the engines of `site` that hold its TUN `name` of this network namespace, if no process of
 * another kind holds it: the monitor of a running site does.
 * Return: 0; -EBUSY and the pid of a process that is no engine of the site, and none is ended;
 * -ENOENT with `*ret_pid` 0 if no process was found, or this one may not see what others hold; or
 * another -errno.
 */
MUST_CHECK int tun_holders_end(const char *site, const char *name, pid_t *ret_pid);
