/* SPDX-License-Identifier: MIT */
/* Replace the program of a running daemon, in the same process. */
#include "daemon/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/owner.h"
#include "base/secret.h"
#include "confine/confine.h"
#include "ctlproto/reply.h"

extern char **environ;

/* The variable names the memfd and, for a trial, the descriptor of the report. */
#define VARIABLE "WIRESPAN_SAVED_STATE"

/* How long a trial may take, and its process to end. */
#define TRIAL_MS     30000
#define TRIAL_END_MS 5000

/* What a trial reports if it has succeeded; else two sentences. */
#define SUCCESS "ready\n"

#define REPORT_LEN 1024

/* Largest text that is accepted. */
#define STATE_MAX ((off_t)256 << 20)

#define ARGUMENTS_MAX 16

/* ---- the new program ---- */

bool upgrade_is_requested(void)
{
	return getenv(VARIABLE);
}

static int take_variable(struct succession *s)
{
	const char *text = getenv(VARIABLE);
	int n = text ? sscanf(text, "%d,%d", &s->fd, &s->report_fd) : 0;

	unsetenv(VARIABLE);
	if (n < 2)
		s->report_fd = -1;
	return n < 1 || fcntl(s->fd, F_SETFD, FD_CLOEXEC) < 0 ? -EBADF : 0;
}

static int read_state(struct succession *s)
{
	struct stat st;
	ssize_t n;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STATE_MAX)
		return -EBADMSG;
	s->state.bytes = malloc((size_t)st.st_size + 1);
	if (!s->state.bytes)
		return -ENOMEM;
	s->state.room = (size_t)st.st_size + 1;
	while (s->state.len < (size_t)st.st_size) {
		n = pread(s->fd, s->state.bytes + s->state.len, (size_t)st.st_size - s->state.len,
			(off_t)s->state.len);
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		s->state.len += (size_t)n;
	}
	return 0;
}

/* Set or clear close-on-exec of all descriptors in the text. Return: 0; -EBADMSG; or -EBADF. */
static int set_close_on_exec(const struct saved_state *state, bool on)
{
	struct saved_item item;
	size_t at = 0;
	int err = 0;
	int got;

	while ((got = saved_next(state, &at, &item)) > 0) {
		int fd = saved_item_fd(&item);

		if (fd >= 0 && fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
			err = -EBADF;
	}
	return got < 0 ? got : err;
}

int upgrade_receive(struct succession *ret, struct error *ret_error)
{
	int err;

	*ret = (struct succession){ .fd = -1, .report_fd = -1 };
	(void)prctl(PR_SET_NAME, "wirespan", 0, 0, 0);
	err = take_variable(ret);
	if (!err && ret->report_fd >= 0)
		(void)fcntl(ret->report_fd, F_SETFD, FD_CLOEXEC);
	if (!err)
		err = read_state(ret);
	if (!err)
		err = set_close_on_exec(&ret->state, true);
	return err < 0 ? error_set(ret_error, err,
				 "Cannot read what the running program has saved:\n")
		       : 0;
}

void upgrade_report(const struct succession *s, const struct error *e)
{
	char text[REPORT_LEN] = SUCCESS;

	if (e)
		snprintf(text, sizeof(text), "%s\n%s", e->problem, e->hint);
	_exit(write(s->report_fd, text, strlen(text)) < 0 || e ? 1 : 0);
}

bool upgrade_has_failed(const struct succession *s)
{
	struct saved_item item;

	return saved_find(&s->state, "failure", 0, &item);
}

static void send_reply(int fd, struct ctl_reply *reply)
{
	char *text;
	size_t len;
	size_t sent = 0;
	ssize_t n;

	if (fd < 0 || ctl_reply_print(reply, &text, &len) < 0)
		return;
	while (sent < len) {
		n = send(fd, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			break; /* a short text into an empty buffer; or the client has gone */
		sent += (size_t)n;
	}
	free(text);
}

void upgrade_finish(struct succession *s, const char *note)
{
	struct ctl_reply reply = { .ok = true };
	struct saved_item item;
	size_t at = 0;
	char *failure = saved_text(&s->state, "failure");

	if (failure)
		ctl_reply_fail(&reply, "%s", failure);
	else
		snprintf(reply.text, sizeof(reply.text), "%s", note);
	send_reply(saved_fd(&s->state, "client", 0), &reply);
	ctl_reply_fini(&reply);
	free(failure);
	while (saved_next(&s->state, &at, &item) > 0)
		if (saved_item_fd(&item) >= 0)
			close(saved_item_fd(&item));
	upgrade_fini(s);
}

void upgrade_fini(struct succession *s)
{
	saved_fini(&s->state);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- executing ---- */

/* The arguments of this process. Return: 0, or -errno; free `ret[0]`. */
static int read_arguments(char *ret[static ARGUMENTS_MAX])
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, PATH_MAX);
	ssize_t n = fd < 0 || !text ? -1 : read(fd, text, PATH_MAX - 1);
	size_t count = 0;

	if (fd >= 0)
		close(fd);
	for (ssize_t at = 0; at < n && count < ARGUMENTS_MAX - 1;
		at += (ssize_t)strlen(text + at) + 1)
		ret[count++] = text + at;
	ret[count] = NULL;
	if (count)
		return 0;
	free(text);
	return -EIO;
}

/* Execute a program, with the state in `fd`. Return: -errno. */
static int execute(int program, const struct saved_state *state, int fd, int report_fd)
{
	char *arguments[ARGUMENTS_MAX];
	char variable[32];
	char empty[] = "";
	int err = read_arguments(arguments);

	if (err < 0)
		return err;
	if (report_fd >= 0)
		snprintf(variable, sizeof(variable), "%d,%d", fd, report_fd);
	else
		snprintf(variable, sizeof(variable), "%d", fd);
	(void)set_close_on_exec(state, false);
	(void)fcntl(fd, F_SETFD, 0);
	if (report_fd >= 0)
		(void)fcntl(report_fd, F_SETFD, 0);
	if (setenv(VARIABLE, variable, 1) < 0)
		err = -errno;
	if (!err) {
		/* musl has no function for it. */
		(void)syscall(SYS_execveat, program, empty, arguments, environ, AT_EMPTY_PATH);
		err = -errno;
	}
	unsetenv(VARIABLE);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)set_close_on_exec(state, true);
	free(arguments[0]);
	return err;
}

int upgrade_return(struct succession *s, const struct error *e)
{
	char failure[REPORT_LEN];
	struct saved_state more = { 0 };
	int program = saved_fd(&s->state, "program", 0);
	int err = -EBADF;

	snprintf(failure, sizeof(failure),
		"The new program could not take over, and the old one carries on: %s %s",
		e->problem, e->hint);
	saved_put_text(&more, "failure", failure);
	if (!more.failed && program >= 0 &&
		pwrite(s->fd, more.bytes, more.len, (off_t)s->state.len) == (ssize_t)more.len)
		err = execute(program, &s->state, s->fd, -1);
	saved_fini(&more);
	return err;
}

/* ---- the old program ---- */

/* Open a program that no other user can change. Return: a descriptor, or -errno with `ret_error`
 * filled. */
static int open_program(const char *path, struct error *ret_error)
{
	struct owner_problem problem;
	char text[OWNER_TEXT_LEN];
	struct stat st;
	int err = path[0] == '/' ? owner_check_path(path, &problem) : -EINVAL;
	int fd;

	if (err == -EPERM)
		return error_set(ret_error, err, "Not safe: %s",
			owner_problem_text(&problem,
				"copy the program to a folder that only root can change", text));
	fd = err < 0 ? err : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_set(ret_error, err < 0 ? err : -errno,
			"Cannot open the program %s:\nIs it installed where the site runs?", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & (S_IWGRP | S_IWOTH)) &&
		(st.st_uid == 0 || st.st_uid == geteuid()))
		return fd;
	close(fd);
	return error_set(ret_error, -EPERM,
		"Not safe: other users can change the program %s\nInstall it as root.", path);
}

/* Write the state into a memfd. Return: a descriptor, or -errno. */
static int write_state(const struct saved_state *state)
{
	int fd = memfd_create("wirespan-upgrade", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n = 1;
	int err;

	if (fd < 0 || state->failed) {
		err = fd < 0 ? -errno : -ENOMEM;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (done < state->len && n > 0) {
		n = write(fd, state->bytes + done, state->len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (done == state->len)
		return fd;
	err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

/* Read the report of a trial. Return: its length; 0 if the process ends or takes too long without
 * one. */
static size_t read_report(int fd, char ret[static REPORT_LEN])
{
	struct mono until = mono_add(clock_mono(), TRIAL_MS * NS_PER_MS);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < REPORT_LEN - 1 && !mono_reached(until, clock_mono())) {
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, ret + len, REPORT_LEN - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	ret[len] = '\0';
	return len;
}

/* Fill in why a trial has failed. */
static int trial_failed(
	const char *path, char *report, bool ended, int status, struct error *ret_error)
{
	char *newline = strchr(report, '\n');

	if (newline) {
		*newline = '\0';
		return error_set(ret_error, -ECANCELED,
			"%s cannot take over, and the running program carries on: %s\n%s", path,
			report, newline + 1);
	}
	if (ended && WIFEXITED(status))
		return error_set(ret_error, -ECANCELED,
			"%s ended with status %d and cannot take over; the running program carries "
			"on\nIs it a wirespan that can upgrade? Try: %s --version",
			path, WEXITSTATUS(status), path);
	if (ended)
		return error_set(ret_error, -ECANCELED,
			"%s was ended by signal %d; the running program carries on\n"
			"Report this as a fault of that version.",
			path, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return error_set(ret_error, -ECANCELED,
		"%s was not ready in time; the running program carries on\n"
		"Try again when the host is less loaded.",
		path);
}

/* Let a child process try the program. Return: 0, or -errno with `ret_error` filled. */
static int try_program(int program, const char *path, const struct saved_state *state, int fd,
	struct error *ret_error)
{
	char report[REPORT_LEN];
	int pipe_fds[2];
	int status = 0;
	bool ended;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set(ret_error, -errno, "Cannot try the program %s:\n", path);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipe_fds[0]);
		(void)execute(program, state, fd, pipe_fds[1]);
		_exit(127);
	}
	close(pipe_fds[1]);
	if (pid < 0) {
		close(pipe_fds[0]);
		return error_set(ret_error, -errno, "Cannot try the program %s:\n", path);
	}
	(void)read_report(pipe_fds[0], report);
	close(pipe_fds[0]);
	ended = confined_wait(pid, TRIAL_END_MS, &status);
	if (ended && WIFEXITED(status) && !WEXITSTATUS(status) && !strcmp(report, SUCCESS))
		return 0;
	return trial_failed(path, report, ended, status, ret_error);
}

int upgrade_run(struct saved_state *state, const char *path, struct error *ret_error)
{
	int program = open_program(path, ret_error);
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd;
	int err;

	saved_put_fd(state, "program", own);
	fd = write_state(state);
	err = program;
	if (program >= 0)
		err = fd < 0 ? error_set(ret_error, fd, "Cannot save the state of the site:\n")
			     : try_program(program, path, state, fd, ret_error);
	if (!err)
		err = error_set(ret_error, execute(program, state, fd, -1),
			"Cannot execute %s:\nThe running program carries on.", path);
	if (program >= 0)
		close(program);
	if (own >= 0)
		close(own);
	if (fd >= 0)
		close(fd);
	return err;
}
