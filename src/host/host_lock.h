/* SPDX-License-Identifier: MIT */
/* The folder of a running site's files: where it is, and the lock that makes a site run once. */
#ifndef HOST_HOST_LOCK_H
#define HOST_HOST_LOCK_H

#include <limits.h>
#include <sys/types.h>

/** The lock of one site. It lasts until it is released or the process ends, however it ends. */
struct host_lock {
	int fd;
	char path[PATH_MAX];
};

/**
 * Take the lock of a site, making the folder if there is none; our pid is written into it.
 * Return: 0, -EBUSY if another process has it, or another -errno.
 */
int host_lock_take(const char *name, struct host_lock *ret);

/** Release a lock and remove its file, and the folder if that is empty then. */
void host_lock_release(struct host_lock *lock);

/* The lock that makes a site run once on a host: a file in the run folder. */
pid_t host_lock_holder(const char *name);

#endif
