/* SPDX-License-Identifier: MIT */
/* The engine of a site whose daemon was killed: an orphan, which carries packets for a while.
 *
 * Theory of operation. A daemon that is ready notes its engine in the run folder, in NAME.engine:
 * the pid, and when that process was started, so that no later process with the same pid is taken
 * for it. The orphan waits for its next daemon at the socket NAME.adopt. Both files are removed
 * when the site goes down, after the engine has ended. `up` continues with the orphan, and `down`,
 * or an `up` that cannot, ends it by the note, whatever it does.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must_check.h"

/**
 * Note the engine `pid` of a site. `protocol`: of its messages, for orphan_open().
 * Return: 0; -ENOSYS if this host has no descriptors of processes (before Linux 5.3), so that an
 * orphan could not be ended safely; or another -errno. Then there is no note.
 */
MUST_CHECK int orphan_note(const char *site, pid_t pid, uint32_t protocol);

/** The socket at which the orphan waits. Return: as rundir_file(). */
MUST_CHECK int orphan_socket(const char *site, char ret_path[static PATH_MAX]);

/** Remove the note and the socket, if there are any. */
void orphan_forget(const char *site);

/**
 * Find the engine that was noted, which is an orphan if the site's lock is free.
 * Return: a descriptor of its process (pidfd_open(2)), and the number given to orphan_note(); or
 * -ENOENT if there is none.
 */
MUST_CHECK int orphan_open(const char *site, uint32_t *ret_protocol);

/** Whether the process that ran the site was killed, and its engine goes on. */
bool orphan_exists(const char *site);

/** Wait `patience_ms` for the end of a process, then kill it and wait. `fd` is closed. Return:
 * whether it has ended, which a security module or a lack of CAP_KILL can prevent. */
bool orphan_wait(int fd, int patience_ms);

/** End the orphan of a site whose lock is ours, and forget it. Return: whether there was one. */
bool orphan_end(const char *site);
