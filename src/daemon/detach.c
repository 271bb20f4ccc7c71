/* SPDX-License-Identifier: MIT */
/* Run in the background: the command returns when the daemon is ready, or reports why it is not. */
#include "daemon/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* Wait until the child reports that it is ready, or ends. Return: the command's exit code. */
static int wait_for_child(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILURE;
	}
	if (WIFSIGNALED(status))
		log_error(
			"the daemon was ended by signal %d before it was ready", WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS)
		return WEXITSTATUS(status);
	return EXIT_FAILURE;
}

int detach_begin(struct detach *ret, int *ret_exit_code)
{
	pid_t parent = getpid();
	int pair[2];
	pid_t child;

	/* a socket, not a pipe: writing to a parent that is gone must not raise SIGPIPE */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	fflush(NULL);
	child = fork();
	if (child < 0) {
		close(pair[0]);
		close(pair[1]);
		return -errno;
	}
	if (child == 0) {
		close(pair[0]);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			raise(SIGTERM);
		ret->fd = pair[1];
		return 0;
	}
	close(pair[1]);
	*ret_exit_code = wait_for_child(child, pair[0]);
	close(pair[0]);
	return 1;
}

/* Detach from the terminal and from the working folder. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fflush(NULL);
	log_to_syslog();
	if (null >= 0) {
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
		if (null > STDERR_FILENO)
			close(null);
	}
	setsid();
	if (chdir("/") < 0)
		log_warning("cannot leave the working folder: it cannot be unmounted while we run");
}

int detach_ready(struct detach *d)
{
	ssize_t n;

	if (d->fd < 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, 0);
	leave_terminal();
	n = send(d->fd, "", 1, MSG_NOSIGNAL);
	close(d->fd);
	d->fd = -1;
	return n == 1 ? 0 : -EPIPE;
}
