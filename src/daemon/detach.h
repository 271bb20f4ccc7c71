/* SPDX-License-Identifier: MIT */
/* Run in the background: the command returns when the daemon is ready, or reports why it is not. */
#pragma once

/** The connection from the daemon to the command that started it. */
struct detach {
	int fd; /* -1 after the daemon has detached */
};

/**
 * Fork. The child continues with the terminal as its standard streams, so that its messages are
 * visible until it is ready; it receives SIGTERM if the command is interrupted. The parent waits.
 * Call it before any thread is started.
 * Return: 0 in the child, which calls detach_ready() later; 1 in the parent, which then exits with
 * `*ret_exit_code`: 0 when the child is ready, or the child's exit code (never 0) if it ended
 * before; or -errno.
 */
int detach_begin(struct detach *ret, int *ret_exit_code);

/**
 * In the child: traffic can flow. Detach from the terminal (the standard streams become /dev/null,
 * the log goes to syslog, the working folder is /), then let the parent return. Without a parent it
 * does nothing. Return: 0; or -EPIPE if the command has ended: then the daemon should end, too.
 */
int detach_ready(struct detach *d);
