/* SPDX-License-Identifier: MIT */
/* Confined processes that systemd starts, as the monitor sees them.
 *
 * Theory of operation. The supplied unit gives the monitor no capability to change users. There,
 * systemd starts each confined process, as a unit of its own with a dynamic user: each connection
 * to GUARDIAN_SOCKET is one guardian (guardian.h). The monitor passes a task and descriptors on,
 * the guardian starts the process, and reports its pid and at last its wait status. It kills the
 * process when the connection ends, so also when the monitor is killed, or when the monitor shuts
 * its side down. As systemd takes a while, connections are opened in advance.
 * Without that socket, or if systemd starts nothing, the monitor forks the processes itself. Then
 * they have its user and capabilities, which the log and the status have.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/guarded_task.h"
#include "base/mono.h"
#include "base/must_check.h"

/** The socket of wirespan-guardian.socket, which only root may use. */
#define GUARDIAN_SOCKET "/run/wirespan-guardian.sock"

/** Connections that are opened in advance: one for each process of a site at its start, then one
 * for the next engine. */
#define GUARDIANS_SPARE 3

/** Guardians that have no task yet. Zero: none are used. */
struct guardians {
	const char *path; /* of the socket; NULL: processes are forked */
	int spares[GUARDIANS_SPARE];
	size_t n;
	struct mono due; /* when to open another one; never: there is one */
};

/** A process that a guardian runs. */
struct guarded {
	pid_t pid;
	uid_t user;
	int guardian; /* the connection */
};

/** Use the guardians at `path`, if this process cannot change users itself, and the socket is
 * there and root's. A warning is logged if it should be there and is not. */
void guardians_open(struct guardians *g, const char *path);

/** Whether processes are to be started by guardians; not if `g` is NULL. */
static inline bool guardians_are_used(const struct guardians *g)
{
	return g && g->path;
}

/** Open a connection in advance, if that is due. */
void guardians_work(struct guardians *g);

/** Close those without a task. */
void guardians_close(struct guardians *g);

/**
 * Let a guardian start a process. `task`: as its role needs it; the rest is filled in. `more[len]`
 * follows it in the message.
 * Return: 0; -ENOENT if none are used; or another -errno, which was logged as a warning. Then the
 * process is to be forked.
 */
MUST_CHECK int guardians_begin(struct guardians *g, struct guarded_task *task, const void *more,
	size_t len, const int *fds, size_t n_fds, struct guarded *ret);

/**
 * Wait until a process has ended, at most `patience_ms`; then let its guardian kill it, and wait.
 * The connection is closed. Return: as confined_wait().
 */
bool guarded_wait(int guardian, int patience_ms, int *ret_status);

/** Let a guardian kill its process. Return: true; then guarded_wait() is to be called. */
bool guarded_kill(int guardian);

/** Wait for the end of a process of `pid`, which is a child (`guardian` 0) or has a guardian;
 * otherwise as confined_wait(). */
bool process_wait(pid_t pid, int guardian, int patience_ms, int *ret_status);
