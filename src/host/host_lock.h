/* SPDX-License-Identifier: MIT */
/* The lock of a site, which allows one daemon per site, and the lock that all sites share. */
#pragma once

#include "base/error.h"
#include "base/lockfile.h"

#define LOCK_SHARED_MS 10000

/**
 * Take the lock of a site; create the run folder, mode 0700, if needed. lockfile_release() releases
 * it.
 * Return: 0; -EBUSY if another process holds it; -EPERM if users other than root and ours can
 * change the run folder; or another -errno.
 */
MUST_CHECK int host_lock_take(const char *name, struct lockfile *ret);

/** Take the lock of a site again if its file was removed. Return: 1 if so, 0 if it is there, or an
 * error of host_lock_take(). */
MUST_CHECK int host_lock_renew(struct lockfile *lock);

/** Take the lock of what the sites share, for a short time; wait for it at most LOCK_SHARED_MS.
 * Return: 0, or -errno with `ret_error` filled. */
MUST_CHECK int host_lock_take_shared(struct lockfile *ret, struct error *ret_error);

/* Return: the pid of the process that holds the lock of site `name`, 0 if none does, or -errno. */
pid_t host_lock_holder(const char *name);

/** Fill in an error for a lock of the run folder, at `path`, that could not be taken. Return:
 * `err`. */
int host_lock_failed(const char *path, int err, struct error *ret_error);
