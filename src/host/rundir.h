/* SPDX-License-Identifier: MIT */
/* The run folder: the control socket, lock and journal of each running site. */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/un.h>

#include "base/must_check.h"
#define RUNDIR_DEFAULT "/run/wirespan"

/** Longest path of a Unix socket, with its NUL. */
#define RUNDIR_SOCKET_LEN sizeof(((struct sockaddr_un *)0)->sun_path)

/** Return: the folder, $WIRESPAN_RUNDIR or RUNDIR_DEFAULT. */
const char *rundir_path(void);

/**
 * The path of a site's file "SITE.SUFFIX".
 * Return: 0; -EINVAL if `site` is not a valid site name (empty, contains a slash, starts with a
 * dot); -ENAMETOOLONG.
 */
int rundir_file(const char *site, const char *suffix, char ret_path[static PATH_MAX]);

/** Write the path of a site's control socket. Return: as rundir_file(). */
int rundir_socket_path(const char *site, char ret_path[static RUNDIR_SOCKET_LEN]);

/** Write the path of a site's status socket: "SITE/sock" in a folder beside the run folder, whose
 * name ends with "-status" and which the administrator makes. Return: 0; -ENOENT if that folder
 * does not exist; or as rundir_file(). */
MUST_CHECK int rundir_status_path(const char *site, char ret_path[static RUNDIR_SOCKET_LEN]);

/** List the sites that have a status socket, as rundir_list() does. */
MUST_CHECK int rundir_status_list(char ***ret_names, size_t *ret_len);

/** Open a file of the run folder to read it. Return: a descriptor; -EPERM if another user could
 * have written the file; or another -errno. */
MUST_CHECK int rundir_open_ours(const char *path);

/** List the sites that have a control socket, or that may run without a process, sorted; what they
 * left may be stale. Return: 0 and
 * `*ret_names`, an array to release with rundir_free_names(); 0 and an empty array if the folder
 * does not exist; or -errno. */
MUST_CHECK int rundir_list(char ***ret_names, size_t *ret_len);

/* Free the array of rundir_list(). */
void rundir_free_names(char **names, size_t len);
