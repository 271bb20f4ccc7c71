/* SPDX-License-Identifier: MIT */
/* Where running sites are found: one control socket each, NAME.sock, in one folder. */
#ifndef CTL_RUNDIR_H
#define CTL_RUNDIR_H

#include <stddef.h>

#include "ctl/unixsock.h"

#define RUNDIR_DEFAULT "/run/wirespan"

/** The folder: $WIRESPAN_RUNDIR, or RUNDIR_DEFAULT. */
const char *rundir_path(void);

/** The path of a site's control socket. Return: 0; -EINVAL if `site` cannot be a site's name
 * (empty, a slash within, a leading dot); -ENAMETOOLONG. */
int rundir_socket_path(const char *site, char ret_path[static UNIXSOCK_PATH_LEN]);

/** The names of all control sockets, sorted; whether somebody listens there is not looked at.
 * Return: 0 and `*ret_names`, an array that the caller releases with rundir_free_names(); 0 and
 * none if there is no such folder; or -errno. */
int rundir_list(char ***ret_names, size_t *ret_len);

/** Release what rundir_list() returned. */
void rundir_free_names(char **names, size_t len);

#endif
