/* SPDX-License-Identifier: MIT */
/* The folder of running sites: one control socket each, NAME.sock. */
#ifndef HOST_RUNDIR_H
#define HOST_RUNDIR_H

#include <limits.h>
#include <stddef.h>
#include <sys/un.h>

#include "base/must_check.h"
#define RUNDIR_DEFAULT "/run/wirespan"

/** Longest path of a Unix socket, with its NUL. */
#define RUNDIR_SOCKET_LEN sizeof(((struct sockaddr_un *)0)->sun_path)

/** The folder: $WIRESPAN_RUNDIR, or RUNDIR_DEFAULT. */
const char *rundir_path(void);

/**
 * The path of a site's file "SITE.SUFFIX".
 * Return: 0; -EINVAL if `site` cannot be a site's name (empty, a slash within, a leading dot);
 * -ENAMETOOLONG.
 */
int rundir_file(const char *site, const char *suffix, char ret_path[static PATH_MAX]);

/** The path of a site's control socket. Return: as rundir_file(). */
int rundir_socket_path(const char *site, char ret_path[static RUNDIR_SOCKET_LEN]);

/** The names of all control sockets, sorted; they may be stale. Return: 0 and `*ret_names`, an
 * array that the caller releases with rundir_free_names(); 0 and an empty array if the folder does
 * not exist; or -errno. */
MUST_CHECK int rundir_list(char ***ret_names, size_t *ret_len);

/* The folder of running sites: NAME.sock, NAME.lock and NAME.state of each. */
void rundir_free_names(char **names, size_t len);

#endif
