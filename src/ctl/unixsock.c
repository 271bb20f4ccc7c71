/* SPDX-License-Identifier: MIT */
/* Unix stream sockets at a path: replacing a dead process's socket, connecting, checking the peer's
 * uid. */
#include "ctl/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lockfile.h"
#include "base/owner.h"
#include "base/unix_address.h"

#define BACKLOG		   128
#define PROBE_TIMEOUT	   200	/* ms; a listener that is too busy to accept is still alive */
#define FOLDER_MODE	   0755 /* as wireguard-go makes it */
#define LOCK_MS		   5000
#define SOCKET_MODE	   0600
#define SHARED_MODE	   0660 /* with a group */
#define SHARED_FOLDER_MODE 0750

/* The path of the lock for the folder of `path`. */
static void lock_path(const char *path, char ret[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(ret, PATH_MAX, "%.*s.sock.lock", slash ? (int)(slash + 1 - path) : 0, path);
}

/* Lock the folder of `path` against other processes, and create it if missing. */
static int lock_folder(const char *path, struct lockfile *ret)
{
	char lock[PATH_MAX];

	lock_path(path, lock);
	return lockfile_take(lock, FOLDER_MODE, LOCK_MS, ret);
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

int unixsock_open(const char *path, struct unixsock *ret)
{
	struct sockaddr_un address;
	struct unixsock s;
	int err = unix_address(path, &address);
	struct lockfile lock;

	if (!err)
		err = lock_folder(path, &lock);
	if (err)
		return err;
	memcpy(s.path, address.sun_path, sizeof(s.path));
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = s.fd < 0 ? -errno : remove_stale(path);
	if (!err)
		err = bind_at(&address, &s);
	if (err && s.fd >= 0)
		close(s.fd);
	lockfile_release(&lock);
	if (!err)
		*ret = s;
	return err;
}

int unixsock_share(const struct unixsock *s)
{
	char folder[UNIXSOCK_PATH_LEN];
	char *slash;

	memcpy(folder, s->path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	return chmod(folder, SHARED_FOLDER_MODE) < 0 || chmod(s->path, SHARED_MODE) < 0 ? -errno
											: 0;
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
	int err = unix_address(path, &address);

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
	struct lockfile lock;
	int err = lock_folder(s->path, &lock);

	if (unixsock_is_in_place(s))
		unlink(s->path);
	if (!err)
		lockfile_release(&lock);
	close(s->fd);
	/* without a free descriptor, that of the socket serves to remove the folder */
	if ((err == -EMFILE || err == -ENFILE) && lock_folder(s->path, &lock) == 0)
		lockfile_release(&lock);
}

int unixsock_sweep(const char *path)
{
	struct sockaddr_un address;
	struct lockfile lock;
	int err;

	if (access(path, F_OK) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	err = unix_address(path, &address);
	if (!err)
		err = lock_folder(path, &lock);
	if (err < 0)
		return err;
	err = remove_stale(path);
	lockfile_release(&lock);
	return err == -EADDRINUSE || err == -EEXIST ? 0 : err;
}

void unixsock_sweep_lock(const char *folder)
{
	struct lockfile lock;
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/.sock.lock", folder) < sizeof(path) &&
		access(path, F_OK) == 0 && lockfile_take(path, FOLDER_MODE, 0, &lock) == 0)
		lockfile_release(&lock);
}

/* Write which users can change the folder, and how to forbid it. Return: whether some can. */
static bool describe_users(const char *folder, char ret[static UNIXSOCK_TEXT_LEN])
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];
	char *newline;

	if (owner_check_folder(folder, &problem) != -EPERM)
		return false;
	owner_problem_text(&problem, OWNER_OTHER_FOLDER, text);
	newline = strchr(text, '\n');
	*newline = '\0';
	snprintf(ret, UNIXSOCK_TEXT_LEN, "%.190s. To forbid that: %.190s.", text, newline + 1);
	return true;
}

/* What to do about an error, after its name. */
static const char *hint_for(int err)
{
	const char *limit = error_limit_hint(err);

	switch (-err) {
	case ENOSPC: /* of the folder, or of epoll */
		return "Make room there, or raise fs.epoll.max_user_watches.";
	case EDQUOT:
		return "Make room there.";
	case EROFS:
		return "Make the file system writable.";
	case EACCES:
	case EPERM:
		return "Run it as root; where a filter of system calls forbids it, allow it.";
	case EADDRINUSE:
		return "Another process listens there: `ss -xlp` shows it.";
	case ENAMETOOLONG:
		return "Choose a shorter path.";
	default:
		return limit ? limit : "See what is at that path.";
	}
}

const char *unixsock_problem(const char *path, int err, char ret[static UNIXSOCK_TEXT_LEN])
{
	char lock[PATH_MAX];
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	lock_path(path, lock);
	memcpy(folder, lock, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	if (err == -EBUSY)
		snprintf(ret, UNIXSOCK_TEXT_LEN,
			"process %d holds the lock %.300s. See what it does.",
			(int)lockfile_holder(lock), lock);
	else if (err == -EEXIST)
		snprintf(ret, UNIXSOCK_TEXT_LEN,
			"what is there is no socket. See what it is, and remove it.");
	else if (err == -EAGAIN)
		snprintf(ret, UNIXSOCK_TEXT_LEN,
			"%.150s is a link that leads nowhere, or is removed again and again. See "
			"`ls -ld %.150s`.",
			slash ? folder : ".", slash ? folder : ".");
	else if (err == -EPERM && slash && describe_users(folder, ret))
		return ret;
	else if (lstat(lock, &st) == 0 && !S_ISREG(st.st_mode))
		snprintf(ret, UNIXSOCK_TEXT_LEN,
			"%.300s is no lock file of ours. See what it is, and remove it.", lock);
	else
		snprintf(ret, UNIXSOCK_TEXT_LEN, "%s. %s", strerror(-err), hint_for(err));
	return ret;
}

/* Connect a socket with a `type` and, unless NULL, a limit of time. Return: as unixsock_connect(),
 * but -EAGAIN where the backlog is full. */
static int connect_to(const char *path, int type, const struct timeval *limit)
{
	struct sockaddr_un address;
	int err = unix_address(path, &address);
	int fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (limit) {
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, limit, sizeof(*limit));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, limit, sizeof(*limit));
	}
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int unixsock_try_connect(const char *path)
{
	return connect_to(path, SOCK_STREAM | SOCK_NONBLOCK, NULL);
}

int unixsock_connect(const char *path, unsigned timeout_ms)
{
	struct timeval limit = { .tv_sec = timeout_ms / 1000,
		.tv_usec = (timeout_ms % 1000) * 1000 };
	int fd = connect_to(path, SOCK_STREAM, &limit);

	return fd == -EAGAIN ? -ETIMEDOUT : fd;
}

/* Whether the peer's uid is root's or `other`. */
static bool peer_is(int fd, uid_t other)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == other;
}

bool unixsock_peer_is_root(int fd)
{
	return peer_is(fd, 0);
}

bool unixsock_peer_is_trusted(int fd)
{
	return peer_is(fd, geteuid());
}
