/* SPDX-License-Identifier: MIT */
/* For tests: the life of a site with one fault in the exchanges with nf_tables. */
#include "host/test_faults.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "netlink/test_netns.h"

static char rundir[64];

int test_life_set_up(void **state)
{
	test_netns_enter();
	test_host_make_rundir(rundir);
	return 0;
}

int test_life_clean_up(void **state)
{
	test_host_remove_rundir(rundir);
	return 0;
}

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

void test_life_down(struct host *host, struct test_engine *engine, const struct test_life_fault *f,
	unsigned verb, bool *ret_reached)
{
	struct error error = { 0 };
	bool found = false;

	test_life_arm(f, verb);
	host_down(host);
	if (f->verb == verb)
		*ret_reached = test_filter_fault_end();
	if (engine)
		test_engine_close(engine, NULL);
	if (host_close(host) < 0)
		assert_int_equal(host_undo("vpn01", &found, &error), 0);
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

/* Go through the places of a fault in turn, until there are no more. Return: their number. */
static unsigned live_everywhere(test_life *live, struct test_life_fault f, const char *before)
{
	while (f.kind == TEST_FAULT_KILL ? live_and_die(live, &f) : live(&f)) {
		test_life_assert_picture(before, &f);
		f.at++;
	}
	test_life_assert_picture(before, &f);
	print_message("verb %u: fault %u at each of %u places\n", f.verb, f.kind, f.at);
	return f.at;
}

/* Each place of a kind of fault in turn, in each verb. */
static void everywhere(const struct test_lives *lives, enum test_fault kind, int error)
{
	char *before = test_host_picture();

	for (unsigned verb = 0; verb < lives->verbs; verb++) {
		const struct test_life_fault f = { .verb = verb, .kind = kind, .error = error };

		if (kind == TEST_FAULT_SEND || !(lives->only_send & 1U << verb))
			assert_true(live_everywhere(lives->live, f, before) >= lives->least);
	}
	free(before);
}

void test_life_not_sent(void **state)
{
	everywhere(*state, TEST_FAULT_SEND, ENOBUFS);
}

void test_life_refused(void **state)
{
	everywhere(*state, TEST_FAULT_REFUSE, 0);
}

void test_life_answer_lost(void **state)
{
	everywhere(*state, TEST_FAULT_ANSWER, ENOBUFS);
}

void test_life_killed(void **state)
{
	everywhere(*state, TEST_FAULT_KILL, 0);
}
