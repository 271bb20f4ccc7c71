/* SPDX-License-Identifier: MIT */
/* Tests of the note of an engine: only the process that was noted is found, and ended. */
#include "host/orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SITE "near"

static char folder[] = "/tmp/wirespan-orphan-XXXXXX";
static char note[64];

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void write_note(const char *text, mode_t mode)
{
	int fd;

	unlink(note);
	fd = open(note, O_WRONLY | O_CREAT, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_end(void **state)
{
	pid_t pid = start();
	uint32_t protocol = 0;
	int status;
	int fd;

	assert_int_equal(orphan_note(SITE, pid, 7), 0);
	fd = orphan_open(SITE, &protocol);
	assert_true(fd >= 0);
	assert_int_equal(protocol, 7);
	close(fd);
	assert_true(orphan_exists(SITE));
	assert_true(orphan_end(SITE));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(access(note, F_OK), -1);
	assert_false(orphan_end(SITE));
	assert_false(orphan_exists(SITE));
}

/* A process that may not be killed is reported as such. */
static void test_may_not_end(void **state)
{
	pid_t pid = start();
	uint32_t protocol;
	pid_t other;
	int status;
	int fd;

	assert_int_equal(orphan_note(SITE, pid, 7), 0);
	fd = orphan_open(SITE, &protocol);
	assert_true(fd >= 0);
	other = fork();
	if (other == 0)
		_exit(setresuid(65533, 65533, 65533) < 0 || orphan_wait(fd, 0));
	assert_true(other > 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	if (geteuid() == 0)
		assert_int_equal(status, 0);
	assert_int_equal(kill(pid, 0), 0);
	assert_true(orphan_wait(fd, 0));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Notes that are wrong, or that another user could have written: no process is ended. */
static void test_other_notes(void **state)
{
	pid_t pid = start();
	char text[64];
	char right[64];
	uint32_t protocol;
	FILE *f;

	assert_int_equal(orphan_note(SITE, pid, 7), 0);
	f = fopen(note, "re");
	assert_non_null(f);
	assert_non_null(fgets(right, sizeof(right), f));
	fclose(f);
	write_note(right, 0600);
	assert_true(orphan_exists(SITE));
	write_note(right, 0622);
	assert_int_equal(orphan_open(SITE, &protocol), -ENOENT);
	snprintf(text, sizeof(text), "%d 1 7\n", (int)pid); /* a process with the same pid */
	write_note(text, 0600);
	assert_false(orphan_end(SITE));
	write_note("", 0600);
	assert_false(orphan_end(SITE));
	write_note("-1 0 7\n", 0600);
	assert_false(orphan_end(SITE));
	write_note("1 0 7\n", 0600);
	assert_false(orphan_end(SITE));
	right[strlen(right) - 1] = '\0'; /* cut */
	write_note(right, 0600);
	assert_false(orphan_end(SITE));
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(orphan_note(SITE, pid, 7), -ESRCH);
	assert_int_equal(access(note, F_OK), -1);
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(note, sizeof(note), "%s/" SITE ".engine", folder);
	return setenv("WIRESPAN_RUNDIR", folder, 1);
}

static int teardown(void **state)
{
	orphan_forget(SITE);
	return rmdir(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_may_not_end),
		cmocka_unit_test(test_other_notes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
