/* SPDX-License-Identifier: MIT */
/* The folder of running sites: one control socket each, NAME.sock. */
#ifndef CTL_RUNDIR_H
#define CTL_RUNDIR_H

#include <stddef.h>

#include "base/must_check.h"
#include "ctl/unixsock.h"

#define RUNDIR_DEFAULT "/run/wirespan"

/** The folder: $WIRESPAN_RUNDIR, or RUNDIR_DEFAULT. */
const char *rundir_path(void);

/** The path of a site's control socket. Return: 0; -EINVAL if `site` is not a valid site name
 * (empty, with a slash or a leading dot); -ENAMETOOLONG. */
MUST_CHECK int rundir_socket_path(const char *site, char ret_path[static UNIXSOCK_PATH_LEN]);

/** The names of all control sockets, sorted; they may be stale. Return: 0 and `*ret_names`, an
 * array that the caller releases with rundir_free_names(); 0 and an empty array if the folder does
 * not exist; or -errno. */
MUST_CHECK int rundir_list(char ***ret_names, size_t *ret_len);

/** Release what rundir_list() returned. */
void rundir_free_names(char **names, size_t len);

#endif
