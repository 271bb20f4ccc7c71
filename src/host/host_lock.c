/* SPDX-License-Identifier: MIT */
/* The lock file that allows one running daemon per site. */
#include "host/host_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/rundir.h"

#define ATTEMPTS 100 /* attempts, when other processes remove the lock file at the same time */

/** Whether `path` still names the open file. */
static bool is_same_file(int fd, const char *path)
{
	struct stat open_file;
	struct stat named;

	return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
	       open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/** An open-file-description lock on the whole file: children that inherit the descriptor share it,
 * and its holder can be queried without taking it. */
static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/** Open and lock the file. Return: a descriptor, -EAGAIN if the file was removed concurrently, or
 * another -errno. */
static int open_locked(const char *path)
{
	struct flock lock = whole_file();
	bool created = true;
	int fd;
	int err;

	if (mkdir(rundir_path(), 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST) {
		created = false;
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0) {
		err = errno == ENOENT ? -EAGAIN : -errno;
		rmdir(rundir_path());
		return err;
	}
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		err = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	else if (!is_same_file(fd, path))
		err = -EAGAIN;
	else
		return fd;
	if (created && err != -EBUSY && err != -EAGAIN) {
		unlink(path);
		rmdir(rundir_path());
	}
	close(fd);
	return err;
}

/** Take the lock `ret->path`. */
static int take(struct host_lock *ret)
{
	int fd = -EAGAIN;
	int err;

	for (int i = 0; fd == -EAGAIN && i < ATTEMPTS; i++)
		fd = open_locked(ret->path);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		err = -errno;
		unlink(ret->path); /* on a full disk the file would stay, empty */
		rmdir(rundir_path());
		close(fd);
		return err;
	}
	ret->fd = fd;
	return 0;
}

int host_lock_take(const char *name, struct host_lock *ret)
{
	int err = rundir_file(name, "lock", ret->path);

	return err < 0 ? err : take(ret);
}

int host_lock_take_shared(struct host_lock *ret)
{
	int err = -EBUSY;

	/* No site has this name, as none starts with a dot. */
	snprintf(ret->path, sizeof(ret->path), "%s/.lock", rundir_path());
	for (unsigned waited = 0; err == -EBUSY && waited < LOCK_SHARED_MS; waited += 5) {
		err = take(ret);
		if (err == -EBUSY)
			poll(NULL, 0, 5);
	}
	return err;
}

void host_lock_release(struct host_lock *lock)
{
	unlink(lock->path);
	rmdir(rundir_path());
	close(lock->fd);
	lock->fd = -1;
}

/* Read the pid in a lock file. Return: the pid, -ESRCH if the file has none, or another -errno. */
static pid_t read_pid(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (n < 0)
		return -errno;
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : -ESRCH;
}

pid_t host_lock_holder(const char *name)
{
	struct flock lock = whole_file();
	char path[PATH_MAX];
	pid_t pid = 0;
	int err = rundir_file(name, "lock", path);
	int fd;

	if (err < 0)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	lock.l_type =
		F_RDLCK; /* a descriptor open for reading allows queries for read locks only */
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		pid = -errno;
	else if (lock.l_type != F_UNLCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}
