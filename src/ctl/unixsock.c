/* SPDX-License-Identifier: MIT */
/* Unix stream sockets at a path: replacing a dead process's socket, connecting, checking the peer's
 * uid. */
#include "ctl/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG	      128
#define PROBE_TIMEOUT 200 /* ms; a listener that is too busy to accept is still alive */
#define FOLDER_MODE   0755
#define SOCKET_MODE   0600

static int fill_address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	if (len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy(ret->sun_path, path, len);
	return 0;
}

/* The folder of `path`, which fits into a socket address. */
static void folder_of(const char *path, char ret[static UNIXSOCK_PATH_LEN])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	memcpy(ret, path, len);
	ret[len] = '\0';
	if (len == 0)
		memcpy(ret, slash ? "/" : ".", 2);
}

/* Open the folder of `path`, create it if missing, and lock it against other processes. */
static int lock_folder(const char *path)
{
	char folder[UNIXSOCK_PATH_LEN];
	struct stat held;
	struct stat there;
	int fd;

	folder_of(path, folder);
	for (int tries = 0; tries < 8; tries++) {
		if (mkdir(folder, FOLDER_MODE) < 0 && errno != EEXIST)
			return -errno;
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		/* another process may have removed the empty folder meanwhile */
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, &held) == 0 && stat(folder, &there) == 0 &&
			held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
	return -EBUSY;
}

/* Remove a stale socket. */
static int remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = unixsock_connect(path, PROBE_TIMEOUT);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -ETIMEDOUT)
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd == -ENOENT ? 0 : fd;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Bind and listen, while the folder is locked. */
static int bind_at(const struct sockaddr_un *address, struct unixsock *s)
{
	struct stat st;
	int err;

	/* bind() takes the mode from the socket's inode, so the file never has a more permissive
	 * one */
	if (fchmod(s->fd, SOCKET_MODE) < 0 ||
		bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (listen(s->fd, BACKLOG) < 0 || lstat(address->sun_path, &st) < 0) {
		err = -errno;
		unlink(address->sun_path);
		return err;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

/* Release the lock of the folder of `path`, and remove the folder if it is empty. */
static void leave_folder(const char *path, int lock)
{
	char folder[UNIXSOCK_PATH_LEN];

	folder_of(path, folder);
	rmdir(folder);
	if (lock >= 0)
		close(lock);
}

int unixsock_open(const char *path, struct unixsock *ret)
{
	struct sockaddr_un address;
	struct unixsock s;
	int err = fill_address(path, &address);
	int folder = err ? err : lock_folder(path);

	if (folder < 0)
		return folder;
	memcpy(s.path, address.sun_path, sizeof(s.path));
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = s.fd < 0 ? -errno : remove_stale(path);
	if (!err)
		err = bind_at(&address, &s);
	if (err && s.fd >= 0)
		close(s.fd);
	if (err) {
		leave_folder(path, folder);
		return err;
	}
	close(folder);
	*ret = s;
	return 0;
}

/* Another kind of descriptor would always be readable, but never yield a connection. */
static int check_listens(int fd)
{
	int domain;
	int listens;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return -errno;
	return domain == AF_UNIX && listens ? 0 : -EPROTOTYPE;
}

int unixsock_adopt(int fd, const char *path, struct unixsock *ret)
{
	struct sockaddr_un address;
	struct unixsock s = { .fd = fd };
	struct stat st;
	int err = fill_address(path, &address);

	if (!err)
		err = check_listens(fd);
	if (err)
		return err;
	if (lstat(path, &st) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	memcpy(s.path, address.sun_path, sizeof(s.path));
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	*ret = s;
	return 0;
}

bool unixsock_is_in_place(const struct unixsock *s)
{
	struct stat st;

	return lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

void unixsock_close(struct unixsock *s)
{
	int lock = lock_folder(s->path);

	if (unixsock_is_in_place(s))
		unlink(s->path);
	leave_folder(s->path, lock);
	close(s->fd);
}

int unixsock_sweep(const char *path)
{
	struct sockaddr_un address;
	int lock;
	int err;

	if (access(path, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	err = fill_address(path, &address);
	if (err < 0)
		return err;
	lock = lock_folder(path);
	err = remove_stale(path);
	leave_folder(path, lock);
	return err == -EADDRINUSE || err == -EEXIST ? 0 : err;
}

int unixsock_connect(const char *path, unsigned timeout_ms)
{
	struct timeval limit = { .tv_sec = timeout_ms / 1000,
		.tv_usec = (timeout_ms % 1000) * 1000 };
	struct sockaddr_un address;
	int err = fill_address(path, &address);
	int fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return err;
	}
	return fd;
}

bool unixsock_peer_is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}
