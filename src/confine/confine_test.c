/* SPDX-License-Identifier: MIT */
/* Tests of a confined process: what it still has, and what is refused. As root in full; otherwise
 * what the kernel allows to everybody. */
#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/** What a child reports. */
struct report {
	unsigned measures;
	int open_errno; /* 0: it succeeded */
	int socket_errno;
	int exec_errno;
	uid_t user;
	pid_t pid;
	bool own_session; /* no signal of a terminal arrives */
};

static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

static void report_confined(int fd, unsigned has)
{
	const struct confinement c = {
		.measures = ~0U, .user = confined_user(NULL, 0), .calls = &filter_rules_engine
	};
	struct report r = { .user = geteuid() };
	int keep = fd;

	r.own_session = getsid(0) == getpid() && getpgrp() == getpid();
	if (confine_descriptors(&keep, 1) < 0)
		_exit(1);
	if (r.user == 0)
		r.user = c.user.uid;
	r.measures = confine_process(&c, has);
	r.open_errno = outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	r.socket_errno = outcome(socket(AF_UNIX, SOCK_STREAM, 0));
	r.exec_errno = outcome((intptr_t)mmap(
		NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	r.pid = getpid();
	_exit(write(fd, &r, sizeof(r)) != sizeof(r));
}

static void test_confined(void **state)
{
	struct report r;
	unsigned has;
	int fds[2];
	int status;
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* its own system calls are not in the list */
#endif
	assert_int_equal(pipe(fds), 0);
	pid = confined_fork(~0U, &has);
	if (pid == 0)
		report_confined(fds[1], has);
	assert_true(pid > 0);
	close(fds[1]);
	assert_int_equal(read(fds[0], &r, sizeof(r)), sizeof(r));
	close(fds[0]);
	assert_true(confined_wait(pid, 10000, &status));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(r.measures & CONFINE_SYSTEM_CALLS);
	assert_true(r.measures & CONFINE_NO_NEW_PRIVS);
	assert_true(r.measures & CONFINE_CAPABILITIES);
	assert_int_equal(r.open_errno, EPERM);
	assert_int_equal(r.socket_errno, EPERM);
	assert_int_equal(r.exec_errno, EPERM);
	assert_true(r.own_session);
	if (r.measures & CONFINE_PROCESSES)
		assert_int_equal(r.pid, 1);
	if (geteuid() == 0 && has)
		assert_int_equal(
			r.measures & (CONFINE_USER | CONFINE_FILES), CONFINE_USER | CONFINE_FILES);
}

/* A fault of the program ends also the first process of a namespace, and a kill from outside. */
static void test_fatal_signals(void **state)
{
	static const int numbers[] = { SIGSEGV, SIGABRT, SIGKILL };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		unsigned has;
		int ready[2];
		int status;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = confined_fork(~0U, &has);
		if (pid == 0) {
			if (!(has & CONFINE_PROCESSES))
				signal(numbers[i], SIG_DFL); /* not cmocka's */
			(void)!write(ready[1], "", 1);
			for (;;)
				pause();
		}
		assert_true(pid > 0);
		assert_int_equal(read(ready[0], &(char){ 0 }, 1), 1);
		close(ready[0]);
		close(ready[1]);
		assert_int_equal(kill(pid, numbers[i]), 0);
		assert_true(confined_wait(pid, 10000, &status));
		assert_true((WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]) ||
			    (WIFEXITED(status) && WEXITSTATUS(status) == 128 + numbers[i]));
	}
}

/* A child that must not be killed is left, and the wait ends. */
static void test_refused_signal(void **state)
{
	int fds[2];
	int status;
	pid_t child;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		child = fork();
		if (child == 0) {
			alarm(60);
			for (;;)
				pause();
		}
		(void)!write(fds[1], &child, sizeof(child));
		_exit(setresuid(4242, 4242, 4242) < 0 || confined_wait(child, 0, &status) ||
			status);
	}
	assert_true(pid > 0);
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	close(fds[0]);
	close(fds[1]);
	assert_true(confined_wait(pid, 30000, &status));
	assert_int_equal(status, 0);
	assert_int_equal(kill(child, SIGKILL), 0);
}

/* Only the descriptors of the list stay open. */
static void test_descriptors(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int keep[3] = { 9, -1, 7 };

		for (int fd = 5; fd < 12; fd++)
			if (dup2(STDERR_FILENO, fd) < 0)
				_exit(2);
		if (confine_descriptors(keep, 3) < 0)
			_exit(3);
		for (int fd = 3; fd < 64; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) != (fd == 7 || fd == 9))
				_exit(10 + fd);
		_exit(fcntl(STDERR_FILENO, F_GETFD) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_text(void **state)
{
	char text[CONFINE_TEXT_LEN];

	assert_string_equal(confine_text(0, text), "");
	assert_string_equal(
		confine_text(CONFINE_USER | CONFINE_LANDLOCK, text), "own user, Landlock");
	assert_true(strlen(confine_text(~0U, text)) < CONFINE_TEXT_LEN - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_fatal_signals),
		cmocka_unit_test(test_refused_signal),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
