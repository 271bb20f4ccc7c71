/* SPDX-License-Identifier: MIT */
/* Other programs: a user's hooks, resolvconf, nft. Never for what netlink can do. */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/**
 * Start a program, found in PATH, without our signal mask and handlers; it inherits what is not
 * close-on-exec. `input` becomes its standard input; NULL leaves it /dev/null.
 * Return: 0, -ENOENT if there is no such program, or another -errno.
 */
int spawn_start(const char *const argv[], const char *input, pid_t *ret_pid);

/** Wait for a program. Return: 0 if it ended with 0, else -ECANCELED, or another -errno. */
int spawn_wait(pid_t pid);

/** Start it and wait. Return: as the two. */
int spawn(const char *const argv[], const char *input);

/**
 * Start shell commands in one process that runs them in turn and ends at the first that fails,
 * naming it on stderr.
 * Return: 0 or -errno.
 */
int spawn_start_shell(const char *const commands[], size_t n, pid_t *ret_pid);

/** Run one shell command and wait. Return: 0, -ECANCELED if it failed, or another -errno. */
int spawn_shell(const char *command);

#endif
