/* SPDX-License-Identifier: MIT */
/* Write-ahead undo log of a site's changes to the host, one line per change. */
#include "host/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/rundir.h"

#define HEAD "wirespan journal 1"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/** Return: the cookie of the thread's network namespace, a number that is never reused (Linux
 * 5.14); or 0. */
static uint64_t netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	close(fd);
	return cookie;
}

static int find_place(struct journal_place *ret)
{
	struct journal_place p = { .cookie = netns_cookie() };
	struct stat st;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f)
		return -errno;
	if (fscanf(f, "%39s", p.boot) != 1)
		p.boot[0] = '\0';
	fclose(f);
	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return -errno;
	p.inode = st.st_ino;
	*ret = p;
	return 0;
}

/** Whether `path` is the namespace of the place. To query the cookie, the thread enters the
 * namespace and returns. */
static bool is_netns(const char *path, const struct journal_place *place)
{
	struct stat st;
	bool is = true;
	int there;
	int home;

	if (stat(path, &st) < 0 || st.st_ino != place->inode)
		return false;
	if (!place->cookie)
		return true;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		is = netns_cookie() == place->cookie;
		if (setns(home, CLONE_NEWNET) < 0)
			abort(); /* the thread must not continue in a foreign namespace */
	}
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return is;
}

/** Whether one of `dir`'s entries, extended by `tail`, is the namespace of the place. */
static bool any_is_netns(const char *dir, const char *tail, const struct journal_place *place)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool found = false;

	if (!d)
		return false;
	while (!found && (entry = readdir(d))) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, tail) < PATH_MAX)
			found = is_netns(path, place);
	}
	closedir(d);
	return found;
}

enum journal_where journal_where(const struct journal *j)
{
	struct journal_place here = { 0 };

	if (find_place(&here) < 0)
		return JOURNAL_ELSEWHERE; /* undecidable: change nothing */
	if (strcmp(here.boot, j->place.boot) != 0)
		return JOURNAL_GONE;
	if (here.inode == j->place.inode)
		return here.cookie == j->place.cookie ? JOURNAL_HERE : JOURNAL_GONE;
	if (any_is_netns("/run/netns", "", &j->place) ||
		any_is_netns("/proc", "/ns/net", &j->place))
		return JOURNAL_ELSEWHERE;
	return JOURNAL_GONE;
}

int journal_init(struct journal *j, const char *name)
{
	*j = (struct journal){ 0 };
	int err = rundir_file(name, "state", j->path);

	return err < 0 ? err : find_place(&j->place);
}

/** Insert an allocated line and take ownership of it. */
static int insert(struct journal *j, size_t i, char *line)
{
	if (j->n == j->room) {
		size_t room = j->room ? 2 * j->room : 16;
		char **lines = reallocarray(j->lines, room, sizeof(*lines));

		if (!lines)
			return -ENOMEM;
		j->lines = lines;
		j->room = room;
	}
	memmove(j->lines + i + 1, j->lines + i, (j->n - i) * sizeof(*j->lines));
	j->lines[i] = line;
	j->n++;
	return 0;
}

static void take_out(struct journal *j, size_t i)
{
	free(j->lines[i]);
	memmove(j->lines + i, j->lines + i + 1, (j->n - i - 1) * sizeof(*j->lines));
	j->n--;
}

static int read_head(struct journal *j, FILE *f)
{
	char line[128] = "";
	char *end;

	if (!fgets(line, sizeof(line), f) || strcmp(line, HEAD "\n") != 0)
		return -EPROTO;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "boot %39s", j->place.boot) != 1)
		return -EPROTO;
	if (!fgets(line, sizeof(line), f) || strncmp(line, "netns ", 6) != 0)
		return -EPROTO;
	j->place.inode = strtoull(line + 6, &end, 10);
	if (end == line + 6 || *end != ' ')
		return -EPROTO;
	j->place.cookie = strtoull(end + 1, &end, 10);
	return *end == '\n' ? 0 : -EPROTO;
}

static int read_lines(struct journal *j, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (err == 0 && (len = getline(&line, &size, f)) > 0) {
		char *copy = strndup(line, (size_t)len - (line[len - 1] == '\n'));

		err = copy ? insert(j, j->n, copy) : -ENOMEM;
		if (err < 0)
			free(copy);
	}
	free(line);
	return err;
}

/** The file contains commands that run as root: refuse it if another user could have written it. */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
		(st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

int journal_load(struct journal *j, const char *name)
{
	FILE *f;
	int err;
	int fd;

	*j = (struct journal){ 0 };
	err = rundir_file(name, "state", j->path);
	if (err < 0)
		return err;
	fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f) {
		err = -errno;
		close(fd);
		return err;
	}
	err = check_owner(fd);
	if (err == 0)
		err = read_head(j, f);
	if (err == 0)
		err = read_lines(j, f);
	fclose(f);
	if (err < 0)
		journal_fini(j);
	return err;
}

static int write_file(const struct journal *j, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int err = 0;

	if (!f) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	fprintf(f, HEAD "\nboot %s\nnetns %" PRIu64 " %" PRIu64 "\n", j->place.boot, j->place.inode,
		j->place.cookie);
	for (size_t i = 0; i < j->n; i++)
		fprintf(f, "%s\n", j->lines[i]);
	if (ferror(f))
		err = -EIO;
	if (fclose(f) != 0 && err == 0)
		err = -errno;
	return err;
}

static int save(const struct journal *j)
{
	char path[PATH_MAX + 4];
	int err;

	if (j->n == 0)
		return unlink(j->path) < 0 && errno != ENOENT ? -errno : 0;
	snprintf(path, sizeof(path), "%s.new", j->path);
	err = write_file(j, path);
	if (err == 0 && rename(path, j->path) < 0)
		err = -errno;
	if (err < 0)
		unlink(path);
	return err;
}

int journal_insert(struct journal *j, size_t i, const char *line)
{
	char *copy;
	int err;

	if (strchr(line, '\n'))
		return -EINVAL;
	copy = strdup(line);
	err = copy ? insert(j, i, copy) : -ENOMEM;
	if (err < 0) {
		free(copy);
		return err;
	}
	err = save(j);
	if (err < 0)
		take_out(j, i);
	return err;
}

int journal_push(struct journal *j, const char *format, ...)
{
	char *line;
	va_list args;
	int err;

	va_start(args, format);
	err = vasprintf(&line, format, args);
	va_end(args);
	if (err < 0)
		return -ENOMEM;
	err = journal_insert(j, j->n, line);
	free(line);
	return err;
}

void journal_remove(struct journal *j, size_t i)
{
	take_out(j, i);
	(void)save(j);
}

size_t journal_find(const struct journal *j, const char *start)
{
	for (size_t i = j->n; i-- > 0;)
		if (!strncmp(j->lines[i], start, strlen(start)))
			return i;
	return SIZE_MAX;
}

void journal_discard(struct journal *j)
{
	unlink(j->path);
}

void journal_fini(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->lines[i]);
	free(j->lines);
	*j = (struct journal){ 0 };
}
