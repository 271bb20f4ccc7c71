/* SPDX-License-Identifier: MIT */
/* Start a process of ours that gives up what it does not need before it reads what others send.
 *
 * Theory of operation. confined_fork() forks without exec, into namespaces of its own where that is
 * allowed: processes (it sees no other, and cannot signal them), IPC and mounts. The new process
 * opens and allocates what it needs, then calls confine_process(): it gets an empty file system, an
 * unprivileged user and no capability, cannot gain privileges, and from then on only makes the
 * system calls of its list. What the kernel or a container does not allow is left out and missing
 * in the set of measures, which the monitor reports.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/must_check.h"
#include "base/user.h"
#include "confine/rules.h"

/** What is in force for a process; a set of these. */
enum confine_measure {
	CONFINE_USER = 1 << 0,	       /* an unprivileged user that nothing else runs as */
	CONFINE_CAPABILITIES = 1 << 1, /* none */
	CONFINE_NO_NEW_PRIVS = 1 << 2, /* it cannot gain any */
	CONFINE_SYSTEM_CALLS = 1 << 3, /* only those of a list */
	CONFINE_FILES = 1 << 4,	       /* an empty file system */
	CONFINE_PROCESSES = 1 << 5,    /* it sees no other process */
	CONFINE_IPC = 1 << 6,	       /* no IPC objects of others */
	CONFINE_LANDLOCK = 1 << 7,     /* no access to files (engine), or only reading (resolver) */
	CONFINE_NOT_DUMPABLE = 1 << 8, /* no core dump, no debugger */
	CONFINE_MEASURES = 9,	       /* their number */
};

/** The user of a process. Created by confined_user(). */
struct confined_user {
	uid_t uid;
	gid_t gid;
	bool named; /* by the configuration: there is no other choice */
	bool given; /* this process has it already */
};

/** How a process is to be confined. */
struct confinement {
	unsigned measures; /* set of enum confine_measure */
	struct confined_user user;
	const struct filter_rules *calls;
};

/**
 * The user `named`; or, if it is NULL, one for the process `index` (0 to 3) of a site whose monitor
 * is this process: it has no entry in any user database and differs for all sites of a host.
 * Source: uids from 0x70000000 are unused according to systemd's allocation
 * (systemd.io/UIDS-GIDS).
 */
struct confined_user confined_user(const struct user *named, unsigned index);

/**
 * Fork into the namespaces among `measures`, or into fewer if that is refused. The child is in a
 * session of its own: what is typed at a terminal, or its end, concerns the monitor alone. It has
 * the signal handling of its parent, and ends at SIGSEGV, SIGABRT and their like also as the first
 * process of a namespace; then its exit status is 128 + signal.
 * Return: the pid in the parent and 0 in the child, `ret_measures`: the namespaces that it has; or
 * -errno.
 */
MUST_CHECK pid_t confined_fork(unsigned measures, unsigned *ret_measures);

/**
 * Wait until a child has ended, at most `patience_ms`; then kill it and wait. A child that must not
 * be killed, as a security module forbids the signal, is left after another second. Return: whether
 * it ended by itself, with its wait status in `ret_status` (0 if it was left).
 */
bool confined_wait(pid_t pid, int patience_ms, int *ret_status);

/**
 * Close every descriptor from 3 on except those of `keep[n]`, which is sorted by this function.
 * Return: 0 or -errno.
 */
MUST_CHECK int confine_descriptors(int *keep, size_t n);

/** Whether this process can give another one a user of its own, and end it then. */
bool confine_can_change_user(void);

/** Replace the standard streams by /dev/null: only the monitor writes to a terminal or a log. */
void confine_streams(void);

/** Whether the user wants to debug confined processes: WIRESPAN_DUMPABLE=1. */
bool confine_is_debugged(void);

/** Whether confine_lock_memory() locks it: no limit applies. */
bool confine_can_lock_memory(void);

/** Lock memory again, as locks are not inherited, unless a limit would apply without capabilities,
 * or the process is debugged. The monitor reports it if that is so. */
void confine_lock_memory(void);

/** Confine this process; `has`: its namespaces. Return: the set of measures in force. */
unsigned confine_process(const struct confinement *c, unsigned has);

/** Size of confine_text(). */
#define CONFINE_TEXT_LEN 200

/** Write a set of measures as words, separated by commas. Return: `ret`. */
const char *confine_text(unsigned measures, char ret[static CONFINE_TEXT_LEN]);
