/* SPDX-License-Identifier: MIT */
/* The run folder: the control socket, lock and journal of each running site. */
#include "host/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "sock"

const char *rundir_path(void)
{
	const char *path = getenv("WIRESPAN_RUNDIR");

	return path && *path ? path : RUNDIR_DEFAULT;
}

/* Write "SITE.SUFFIX" into a buffer of `len` bytes. */
static int file_path(const char *site, const char *suffix, char *ret, size_t len)
{
	int n;

	if (!*site || *site == '.' || strchr(site, '/'))
		return -EINVAL;
	n = snprintf(ret, len, "%s/%s.%s", rundir_path(), site, suffix);
	return (size_t)n < len ? 0 : -ENAMETOOLONG;
}

int rundir_file(const char *site, const char *suffix, char ret_path[static PATH_MAX])
{
	return file_path(site, suffix, ret_path, PATH_MAX);
}

int rundir_socket_path(const char *site, char ret_path[static RUNDIR_SOCKET_LEN])
{
	return file_path(site, SUFFIX, ret_path, RUNDIR_SOCKET_LEN);
}

/* Return: 0, or -EPERM if another user could have written the file. */
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

int rundir_open_ours(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = check_owner(fd);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* Return: the length of the site's name if the file shows a running site: its control socket,
 * NAME.sock, or NAME.running of one that may run without a process; else 0. */
static size_t site_len(const char *file)
{
	const char *dot = strrchr(file, '.');

	if (!dot || *file == '.' || (strcmp(dot, "." SUFFIX) != 0 && strcmp(dot, ".running") != 0))
		return 0;
	return (size_t)(dot - file);
}

static bool has_name(char *const *names, size_t len, const char *name, size_t name_len)
{
	for (size_t i = 0; i < len; i++)
		if (strlen(names[i]) == name_len && !strncmp(names[i], name, name_len))
			return true;
	return false;
}

/* List the names in a folder, each once: `len_of` is the length of the name in a file's, or 0. */
static int list_names(
	const char *folder, size_t (*len_of)(const char *file), char ***ret_names, size_t *ret_len)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	char **names;
	size_t len = 0;
	bool failed = false;

	*ret_names = NULL;
	*ret_len = 0;
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	names = calloc((size_t)count + 1, sizeof(*names));
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;
		size_t n = len_of(file);

		if (names && n && !has_name(names, len, file, n)) {
			names[len] = strndup(file, n);
			failed |= !names[len];
			len += names[len] != NULL;
		}
		free(entries[i]);
	}
	free(entries);
	if (!names || failed) {
		rundir_free_names(names, len);
		return -ENOMEM;
	}
	*ret_names = names;
	*ret_len = len;
	return 0;
}

int rundir_list(char ***ret_names, size_t *ret_len)
{
	return list_names(rundir_path(), site_len, ret_names, ret_len);
}

/* Write the path of the folder of status sockets. Return: its length; more than fits is cut. */
static int status_folder(char *ret, size_t size)
{
	return snprintf(ret, size, "%s-status", rundir_path());
}

int rundir_status_path(const char *site, char ret_path[static RUNDIR_SOCKET_LEN])
{
	char folder[PATH_MAX];
	int n;

	if (!*site || *site == '.' || strchr(site, '/'))
		return -EINVAL;
	if ((size_t)status_folder(folder, sizeof(folder)) >= sizeof(folder))
		return -ENAMETOOLONG;
	if (access(folder, F_OK) < 0)
		return -errno;
	n = snprintf(ret_path, RUNDIR_SOCKET_LEN, "%s/%s/sock", folder, site);
	return (size_t)n < RUNDIR_SOCKET_LEN ? 0 : -ENAMETOOLONG;
}

/* Each folder is a site's; hidden files are locks. */
static size_t folder_len(const char *file)
{
	return *file == '.' ? 0 : strlen(file);
}

int rundir_status_list(char ***ret_names, size_t *ret_len)
{
	char folder[PATH_MAX];

	if ((size_t)status_folder(folder, sizeof(folder)) >= sizeof(folder))
		return -ENAMETOOLONG;
	return list_names(folder, folder_len, ret_names, ret_len);
}

void rundir_free_names(char **names, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(names[i]);
	free(names);
}
