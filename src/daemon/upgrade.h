/* SPDX-License-Identifier: MIT */
/* Replace the program of a running daemon, in the same process.
 *
 * Theory of operation. The daemon writes what another program needs (struct saved_state) into a
 * memfd, and executes that program, with its own arguments: the process stays, and with it the
 * descriptors, the children and the place under a service manager. The new program finds the memfd
 * by an environment variable. First it is tried in a child process, which does all that needs no
 * change: it reads the text and the configuration, and starts an engine. Only if the child
 * reports success is the program executed. If that fails later nevertheless, before anything is
 * taken over, the new program executes the old one again, which continues likewise.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/must_check.h"
#include "ctlproto/saved_state.h"

/** A daemon's state as the program that replaces it has received it. */
struct succession {
	struct saved_state state;
	int fd;	       /* of the memfd */
	int report_fd; /* this is a trial: whom to report to; -1: it is none */
};

/** Whether this process is to replace a daemon's program. */
bool upgrade_is_requested(void);

/** Read the state, and keep its descriptors from other programs. Return: 0, or -errno with
 * `ret_error` filled. */
MUST_CHECK int upgrade_receive(struct succession *ret, struct error *ret_error);

/** Report the success of a trial (`e` NULL), or why it has failed, and end this process. */
void upgrade_report(const struct succession *s, const struct error *e) __attribute__((noreturn));

/** Whether the program that was to replace this one has failed. */
bool upgrade_has_failed(const struct succession *s);

/** The change has failed, and nothing was taken over yet: execute the program before again. Return:
 * -errno if that is not possible. */
int upgrade_return(struct succession *s, const struct error *e);

/** All is taken over: close the descriptors that were passed on, and reply to the client that had
 * asked for it, with a note. */
void upgrade_finish(struct succession *s, const char *note);

/** Wipe the state. */
void upgrade_fini(struct succession *s);

/**
 * Try the program at `path` in a child process, then execute it here, with `state`. Only root, or
 * our user, may be able to change it. Return: -errno with `ret_error` filled, and nothing has
 * changed.
 */
int upgrade_run(struct saved_state *state, const char *path, struct error *ret_error);
