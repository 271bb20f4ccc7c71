/* SPDX-License-Identifier: MIT */
/* Lock files in a folder that only root and our user can change. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/must_check.h"

/**
 * A lock, held until it is released or the process ends for any reason.
 *
 * Theory of operation. The lock is one of the open file description, on a file of mode 0600 that
 * contains the holder's pid. Any user who can open a file, even a folder for reading, can lock it
 * with flock(2): so the file lies where no other user can open or replace it. Its holder removes
 * it, and then the folder if that is empty; a process that has waited for it starts again.
 */
struct lockfile {
	int fd;
	char path[PATH_MAX];
};

/**
 * Take the lock at `path`, waiting `timeout_ms` at most. Its folder (one level) is created with
 * `folder_mode` if missing.
 * Return: 0; -EBUSY if another process holds it; -EPERM if users other than root and ours can
 * change the folder (owner_check_folder() explains), or if the file is none of ours; or -errno.
 */
MUST_CHECK int lockfile_take(
	const char *path, mode_t folder_mode, unsigned timeout_ms, struct lockfile *ret);

/** Whether the file of a lock is still there; false once it was removed or replaced. */
bool lockfile_is_in_place(const struct lockfile *lock);

/** Take a lock again whose file was removed: then another process can take it. Return: 0, or an
 * error of lockfile_take(), and the old lock stays. */
MUST_CHECK int lockfile_renew(struct lockfile *lock, mode_t folder_mode);

/** Release a lock and remove its file, and the folder if it is empty then. */
void lockfile_release(struct lockfile *lock);

/** Return: the pid of the process that holds the lock at `path`; 0 if none does; -ESRCH if one does
 * that has not written its pid; or another -errno. */
pid_t lockfile_holder(const char *path);
