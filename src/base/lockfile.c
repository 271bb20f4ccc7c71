/* SPDX-License-Identifier: MIT */
/* Lock files in a folder that only root and our user can change. */
#include "base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/owner.h"

#define ATTEMPTS 100 /* when other processes remove the file at the same time */
#define STEP_MS	 5

#define OPEN_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* Whether `path` still names the open file. */
static bool is_same_file(int fd, const char *path)
{
	struct stat open_file;
	struct stat named;

	return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
	       open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* An open-file-description lock on the whole file: children that inherit the descriptor share it,
 * and its holder can be queried without taking it. */
static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* The folder of `path`. */
static int folder_of(const char *path, char ret[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(
		ret, PATH_MAX, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!n)
		snprintf(ret, PATH_MAX, "/");
	return 0;
}

static void remove_folder(const char *path)
{
	char folder[PATH_MAX];

	if (folder_of(path, folder) == 0)
		rmdir(folder);
}

/* Make the folder of `path` if it is missing, and check that only root and we can change it. */
static int make_folder(const char *path, mode_t mode)
{
	struct owner_problem ignored;
	char folder[PATH_MAX];
	int err = folder_of(path, folder);
	bool made;

	if (err < 0)
		return err;
	made = mkdir(folder, mode) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	err = owner_check_folder(folder, &ignored);
	if (err < 0 && made)
		rmdir(folder);
	return err == -ENOENT ? -EAGAIN : err;
}

/* Open and lock the file. Return: a descriptor; -EAGAIN if the file was removed concurrently; or
 * another -errno. */
static int open_locked(const char *path, mode_t folder_mode)
{
	struct flock lock = whole_file();
	struct stat st;
	int err = make_folder(path, folder_mode);
	bool created = true;
	int fd;

	if (err < 0)
		return err;
	fd = open(path, O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
	if (fd < 0 && errno == EEXIST) {
		created = false;
		fd = open(path, OPEN_FLAGS);
	}
	if (fd < 0) {
		err = errno == ENOENT ? -EAGAIN : -errno;
		remove_folder(path);
		return err;
	}
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH | S_IRGRP | S_IROTH))
		err = -EPERM;
	else if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		err = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	else if (!is_same_file(fd, path))
		err = -EAGAIN;
	else
		return fd;
	if (created && err != -EBUSY && err != -EAGAIN) {
		unlink(path);
		remove_folder(path);
	}
	close(fd);
	return err;
}

/* Take the lock, if it is free. */
static int try_take(const char *path, mode_t folder_mode)
{
	int fd = -EAGAIN;
	int err;

	for (int i = 0; fd == -EAGAIN && i < ATTEMPTS; i++)
		fd = open_locked(path, folder_mode);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		err = -errno;
		unlink(path); /* on a full disk the file would stay, empty */
		remove_folder(path);
		close(fd);
		return err;
	}
	return fd;
}

int lockfile_take(const char *path, mode_t folder_mode, unsigned timeout_ms, struct lockfile *ret)
{
	int fd;

	if (strlen(path) >= sizeof(ret->path))
		return -ENAMETOOLONG;
	for (unsigned waited = 0;; waited += STEP_MS) {
		fd = try_take(path, folder_mode);
		if (fd != -EBUSY || waited >= timeout_ms)
			break;
		poll(NULL, 0, STEP_MS);
	}
	if (fd < 0)
		return fd;
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	ret->fd = fd;
	return 0;
}

bool lockfile_is_in_place(const struct lockfile *lock)
{
	return is_same_file(lock->fd, lock->path);
}

int lockfile_renew(struct lockfile *lock, mode_t folder_mode)
{
	int fd = try_take(lock->path, folder_mode);

	if (fd < 0)
		return fd;
	close(lock->fd);
	lock->fd = fd;
	return 0;
}

void lockfile_release(struct lockfile *lock)
{
	if (unlink(lock->path) < 0 && errno != ENOENT)
		unlink(lock->path); /* a file system may let it be interrupted once */
	remove_folder(lock->path);
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

pid_t lockfile_holder(const char *path)
{
	struct flock lock = whole_file();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	pid_t pid = 0;

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
