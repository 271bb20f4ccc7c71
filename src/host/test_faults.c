/* SPDX-License-Identifier: MIT */
/* For tests: the life of a site with one fault in the exchanges with nf_tables. */
#include "host/test_faults.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/test_host.h"

void test_life_assert_picture(const char *expected, const struct test_life_fault *f)
{
	char *is = test_host_picture();

	if (strcmp(is, expected) != 0)
		fail_msg("verb %u, fault %u at %u:\nexpected:\n%s\nis:\n%s", f->verb, f->kind,
			f->at, expected, is);
	free(is);
}

void test_life_arm(const struct test_life_fault *f, unsigned verb)
{
	if (f->verb != verb)
		return;
	test_filter_fault(f->kind, f->at, f->error);
	test_filter_faults.lasting = f->lasting;
}

/* Live in a process that the fault kills, and then `down`. Return: whether it was killed. */
static bool live_and_die(test_life *live, const struct test_life_fault *f)
{
	struct error error = { 0 };
	bool found;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		live(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	if (!WIFSIGNALED(status))
		return false;
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(host_undo("vpn01", &found, &error), 0);
	assert_true(found);
	return true;
}

unsigned test_life_everywhere(test_life *live, struct test_life_fault f, const char *before)
{
	while (f.kind == TEST_FAULT_KILL ? live_and_die(live, &f) : live(&f)) {
		test_life_assert_picture(before, &f);
		f.at++;
	}
	test_life_assert_picture(before, &f);
	print_message("verb %u: fault %u at each of %u places\n", f.verb, f.kind, f.at);
	return f.at;
}
