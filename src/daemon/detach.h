/* SPDX-License-Identifier: MIT */
/* Going to the background: the command returns once the daemon is ready, or says why it is not. */
#ifndef DAEMON_DETACH_H
#define DAEMON_DETACH_H

/** The way from the daemon to the command that started it. */
struct detach {
	int fd; /* -1 once the daemon stands alone */
};

/**
 * Fork. The child goes on, its standard streams still the terminal's, so that whatever it reports
 * before it is ready is seen there; it gets SIGTERM if the command is interrupted. The parent
 * waits. Call it before there are threads. Return: 0 in the child, which calls detach_ready() in
 * time; 1 in the parent, which then exits with
 * `*ret_exit_code`: 0 once the child is ready, its exit code (never 0) if it ended before; or
 * -errno.
 */
int detach_begin(struct detach *ret, int *ret_exit_code);

/**
 * In the child: traffic can flow. Leaves the terminal (its streams become /dev/null, the log goes
 * to syslog, the working folder to /), then lets the parent return. Without a parent it does
 * nothing. Return: 0; or -EPIPE if the command is gone: then nobody wants this daemon.
 */
int detach_ready(struct detach *d);

#endif
