/* SPDX-License-Identifier: MIT */
/* Which processes hold a TUN: to end engines whose note is lost.
 *
 * Theory of operation. The interface of a TUN is shown in /proc/PID/fdinfo/FD. An engine is
 * recognised by its title, and held by a descriptor of its process before it is looked at, so that
 * no other process is ended in its place.
 */
#include "host/tun_holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/orphan.h"

/* An orphan, and one that was to replace it. */
#define ENGINES_MAX 4

/** What is looked for, and what was found. */
struct search {
	const char *site;
	const char *name;
	int engines[ENGINES_MAX]; /* descriptors of processes */
	size_t n;
	pid_t other; /* a process of another kind; 0: none */
};

/* Read the beginning of a file of a process. Return: whether `ret` has something, with a NUL. */
static bool read_text(int folder, const char *name, char *ret, size_t size)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (fd >= 0)
		close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Whether the process of a folder of /proc is in our network namespace. */
static bool is_here(int folder)
{
	struct stat own;
	struct stat other;

	return stat("/proc/self/ns/net", &own) == 0 && fstatat(folder, "ns/net", &other, 0) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* Whether the process of a folder of /proc holds the TUN. */
static bool holds(int folder, const char *name)
{
	int fd = openat(folder, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char line[32];
	char text[512];
	bool found = false;

	if (!d && fd >= 0)
		close(fd);
	snprintf(line, sizeof(line), "\niff:\t%.15s\n", name);
	while (d && !found && (entry = readdir(d)))
		found = read_text(fd, entry->d_name, text, sizeof(text)) && strstr(text, line);
	if (d)
		closedir(d);
	return found;
}

/* Whether the process of a folder of /proc has the title of an engine of the site. */
static bool is_engine(int folder, const char *site)
{
	char title[512];
	char text[512];

	snprintf(title, sizeof(title), "wirespan: engine %s", site);
	return read_text(folder, "cmdline", text, sizeof(text)) && !strcmp(text, title);
}

/* Look at the process of a folder of /proc. */
static void look_at(struct search *s, int folder, pid_t pid)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);

	if (!is_here(folder) || !holds(folder, s->name)) {
		if (process >= 0)
			close(process);
	} else if (process >= 0 && s->n < ENGINES_MAX && is_engine(folder, s->site)) {
		s->engines[s->n++] = process;
	} else {
		s->other = pid;
		if (process >= 0)
			close(process);
	}
}

/* Whether the pids of /proc are those that this process sees. */
static bool has_our_pids(void)
{
	char text[16] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 && atoi(text) == getpid();
}

static int search(struct search *s)
{
	DIR *d = has_our_pids() ? opendir("/proc") : NULL;
	const struct dirent *entry;

	if (!d)
		return -ENOENT;
	while (!s->other && (entry = readdir(d))) {
		pid_t pid = (pid_t)atoi(entry->d_name);
		int folder = pid > 0 ? openat(dirfd(d), entry->d_name,
					       O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				     : -1;

		if (folder < 0)
			continue;
		look_at(s, folder, pid);
		close(folder);
	}
	closedir(d);
	return s->other ? -EBUSY : s->n ? 0 : -ENOENT;
}

int tun_holders_end(const char *site, const char *name, pid_t *ret_pid)
{
	struct search s = { .site = site, .name = name };
	int err = search(&s);

	*ret_pid = s.other;
	for (size_t i = 0; i < s.n; i++)
		if (err < 0)
			close(s.engines[i]);
		else
			orphan_wait(s.engines[i], 0);
	return err;
}
