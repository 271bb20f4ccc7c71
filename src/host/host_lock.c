/* SPDX-License-Identifier: MIT */
/* The lock of a site, which allows one daemon per site, and the lock that all sites share. */
#include "host/host_lock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/owner.h"
#include "host/rundir.h"

#define FOLDER_MODE 0700

int host_lock_take(const char *name, struct lockfile *ret)
{
	char path[PATH_MAX];
	int err = rundir_file(name, "lock", path);

	return err < 0 ? err : lockfile_take(path, FOLDER_MODE, 0, ret);
}

int host_lock_renew(struct lockfile *lock)
{
	int err;

	if (lockfile_is_in_place(lock))
		return 0;
	err = lockfile_renew(lock, FOLDER_MODE);
	return err < 0 ? err : 1;
}

int host_lock_take_shared(struct lockfile *ret, struct error *ret_error)
{
	char path[PATH_MAX];
	int err;

	/* No site has this name, as none starts with a dot. */
	snprintf(path, sizeof(path), "%s/.lock", rundir_path());
	err = lockfile_take(path, FOLDER_MODE, LOCK_SHARED_MS, ret);
	return err < 0 ? host_lock_failed(path, err, ret_error) : 0;
}

pid_t host_lock_holder(const char *name)
{
	char path[PATH_MAX];
	int err = rundir_file(name, "lock", path);

	return err < 0 ? err : lockfile_holder(path);
}

static const char *lock_hint(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return "Run it as root, or name a folder of yours in WIRESPAN_RUNDIR.";
	case ENOSPC:
	case EDQUOT:
		return "Make room there, or name another folder in WIRESPAN_RUNDIR.";
	case EROFS:
		return "Make the file system writable, or name another folder in WIRESPAN_RUNDIR.";
	default:
		return "See what is at that path, or name another folder in WIRESPAN_RUNDIR.";
	}
}

int host_lock_failed(const char *path, int err, struct error *ret_error)
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];
	pid_t pid;

	if (err == -EPERM && owner_check_folder(rundir_path(), &problem) == -EPERM)
		return error_set(ret_error, err, "Not safe: %s",
			owner_problem_text(&problem, OWNER_OTHER_FOLDER, text));
	if ((err == -EPERM && geteuid() == 0) || err == -EISDIR || err == -ELOOP)
		return error_set(ret_error, err,
			"%s is no lock file of ours\nSee what it is, and remove it.", path);
	pid = err == -EBUSY ? lockfile_holder(path) : 0;
	if (pid > 0)
		return error_set(ret_error, err,
			"Process %d holds the lock %s for too long\nSee what it does: ps %d",
			(int)pid, path, (int)pid);
	return error_set(ret_error, err, "Cannot take the lock %s:\n%s", path, lock_hint(err));
}
