/* SPDX-License-Identifier: MIT */
/* Tests of running in the background: what the command returns, when, and what it leaves behind. */
#include "daemon/detach.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

/** What the test's daemon does. */
enum fate {
	FATE_READY,
	FATE_FAILS,
	FATE_ENDS_TOO_SOON,
	FATE_CRASHES,
	FATE_HANGS,
};

#define HANG_MS 600000 /* longer than any test lasts */

/* The daemon. It writes its state to `report_fd`, whose end-of-file shows that it has ended; it
 * ends at the end-of-file of `end_fd`. */
static void live(struct detach *d, enum fate fate, int report_fd, int end_fd)
{
	char cwd[64];
	bool alone;

	if (fate == FATE_FAILS) {
		log_error("no such interface");
		_exit(7);
	}
	if (fate == FATE_ENDS_TOO_SOON)
		_exit(0);
	if (fate == FATE_CRASHES)
		raise(SIGKILL);
	if (fate == FATE_HANGS)
		poll(NULL, 0, HANG_MS);
	usleep(20000);
	if (detach_ready(d) < 0)
		_exit(1);
	alone = getsid(0) == getpid() && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/") &&
		write(STDERR_FILENO, "noise", 5) == 5 && detach_ready(d) == 0;
	if (read(end_fd, cwd, 1) != 0) /* waits until the test ends it */
		_exit(1);
	_exit(write(report_fd, alone ? "y" : "n", 1) != 1);
}

/** A command under test: its process, its standard error, the daemon's report. */
struct command {
	pid_t pid;
	int err_fd;
	int report_fd;
	int end_fd; /* closing it lets the daemon end */
};

static struct command start(enum fate fate)
{
	struct command c;
	struct detach d;
	int err[2];
	int report[2];
	int end[2];
	int code = 99;

	assert_int_equal(pipe(err), 0);
	assert_int_equal(pipe(report), 0);
	assert_int_equal(pipe(end), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		dup2(err[1], STDERR_FILENO);
		close(err[0]);
		close(err[1]);
		close(report[0]);
		close(end[1]);
		if (detach_begin(&d, &code) == 0)
			live(&d, fate, report[1], end[0]);
		_exit(code);
	}
	close(err[1]);
	close(report[1]);
	close(end[0]);
	c.err_fd = err[0];
	c.report_fd = report[0];
	c.end_fd = end[1];
	return c;
}

/* Read everything from a descriptor until its last writer has closed it. */
static void read_all(int fd, char text[256])
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, 255 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[len] = '\0';
	close(fd);
}

static void test_ready(void **state)
{
	struct command c = start(FATE_READY);
	char text[256];
	int status;

	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	read_all(c.err_fd, text); /* the daemon runs, but no process holds the terminal */
	assert_string_equal(text, "");
	close(c.end_fd);
	read_all(c.report_fd, text);
	assert_string_equal(text, "y");
}

static void test_not_ready(void **state)
{
	static const struct {
		enum fate fate;
		int code;
		const char *text;
	} table[] = {
		{ FATE_FAILS, 7, "wirespan: no such interface\n" },
		{ FATE_ENDS_TOO_SOON, 1, "" },
		{ FATE_CRASHES, 1,
			"wirespan: the daemon was ended by signal 9 before it was ready\n" },
	};

	unsetenv("JOURNAL_STREAM");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct command c = start(table[i].fate);
		char text[256];
		int status;

		assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), table[i].code);
		read_all(c.err_fd, text);
		assert_string_equal(text, table[i].text);
		read_all(c.report_fd, text);
		assert_string_equal(text, "");
		close(c.end_fd);
	}
}

/* A command that is interrupted while it waits ends its daemon, too. */
static void test_interrupted(void **state)
{
	struct mono begin = clock_mono();
	struct command c = start(FATE_HANGS);
	char text[256];

	usleep(50000);
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	read_all(c.report_fd, text);
	assert_string_equal(text, "");
	assert_true(mono_between(begin, clock_mono()) < HANG_MS * NS_PER_MS);
	close(c.err_fd);
	close(c.end_fd);
}

static void test_foreground(void **state)
{
	struct detach d = { .fd = -1 };
	pid_t sid = getsid(0);

	assert_int_equal(detach_ready(&d), 0);
	assert_int_equal(getsid(0), sid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_foreground),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
