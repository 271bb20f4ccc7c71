/* SPDX-License-Identifier: MIT */
/* Run other programs: a user's hooks, resolvconf. Not used where netlink suffices. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * Start a program, found in PATH or in the folders of system programs, with default signal mask
 * and handlers; it inherits descriptors that are not close-on-exec. `input` is its standard input;
 * NULL means /dev/null.
 * Return: 0, -ENOENT if there is no such program, or another -errno.
 */
int spawn_start(const char *const argv[], const char *input, pid_t *ret_pid);

/** Whether spawn_start() finds a program of that name. */
bool spawn_finds(const char *program);

/** Wait for a program. Return: 0 if it exited with 0, else -ECANCELED, or another -errno. */
int spawn_wait(pid_t pid);

/** Start a program and wait. Return: as spawn_start() and spawn_wait(). */
int spawn(const char *const argv[], const char *input);

/** Run a program to its end. Return: 0 and what it has written to its standard output, to be freed;
 * or as spawn(). */
int spawn_output(const char *const argv[], char **ret);

/**
 * Start shell commands in one process that runs them in turn. It stops at the first that fails and
 * names it on stderr.
 * Return: 0 or -errno.
 */
int spawn_start_shell(const char *const commands[], size_t n, pid_t *ret_pid);

/**
 * The same in a process group of its own, whose id is `ret_pid`, so that all of it can be ended;
 * with `n_env` variables "NAME=value" in addition to those of this process, which they replace if
 * the name is the same. Return: 0 or -errno.
 */
int spawn_start_shell_group(const char *const commands[], size_t n, const char *const env[],
	size_t n_env, pid_t *ret_pid);

/** Run one shell command and wait. Return: 0, -ECANCELED if it failed, or another -errno. */
int spawn_shell(const char *command);
