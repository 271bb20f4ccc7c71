/* SPDX-License-Identifier: MIT */
/* The lock file that allows one running daemon per site. */
#ifndef HOST_HOST_LOCK_H
#define HOST_HOST_LOCK_H

#include <limits.h>
#include <sys/types.h>

#define LOCK_SHARED_MS 10000

/** The lock of one site, held until it is released or the process ends for any reason. */
struct host_lock {
	int fd;
	char path[PATH_MAX];
};

/**
 * Take the lock of a site and write our pid into its file; create the folder if needed.
 * Return: 0, -EBUSY if another process holds the lock, or another -errno.
 */
int host_lock_take(const char *name, struct host_lock *ret);

/** Take the lock of what the sites share, for a short time; wait for it at most LOCK_SHARED_MS.
 * Return: as host_lock_take(). */
int host_lock_take_shared(struct host_lock *ret);

/** Release a lock and remove its file, and the folder if it is empty then. */
void host_lock_release(struct host_lock *lock);

/* Return: the pid of the process that holds the lock of site `name`, 0 if none does, or -errno. */
pid_t host_lock_holder(const char *name);

#endif
