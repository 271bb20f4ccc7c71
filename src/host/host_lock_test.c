/* SPDX-License-Identifier: MIT */
/* Tests of the lock: it has one holder, whose pid is known, and is released when the process
 * ends. */
#include "host/host_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char parent[64];
static char dir[80];

static int set_up(void **state)
{
	snprintf(parent, sizeof(parent), "/tmp/wirespan-test-XXXXXX");
	assert_non_null(mkdtemp(parent));
	snprintf(dir, sizeof(dir), "%s/run", parent); /* does not exist yet */
	return setenv("WIRESPAN_RUNDIR", dir, 1);
}

static int clean_up(void **state)
{
	return rmdir(parent); /* fails unless the folder was removed with the last lock */
}

static void test_lock(void **state)
{
	struct lockfile lock;
	struct lockfile other;
	struct lockfile second;

	assert_int_equal(host_lock_holder("vpn01"), 0);
	assert_int_equal(host_lock_take("vpn01", &lock), 0);
	assert_int_equal(host_lock_take("vpn01", &second), -EBUSY);
	assert_int_equal(host_lock_holder("vpn01"), getpid());
	assert_int_equal(host_lock_take("vpn02", &other), 0);
	lockfile_release(&lock);
	assert_int_equal(host_lock_holder("vpn01"), 0);
	assert_int_equal(host_lock_holder("vpn02"), getpid());
	assert_int_equal(host_lock_take("vpn01", &lock), 0);
	lockfile_release(&lock);
	lockfile_release(&other);
}

/* A lock whose file another program has removed is taken again, unless another process has it. */
static void test_renew(void **state)
{
	struct lockfile lock;
	struct lockfile other;

	assert_int_equal(host_lock_take("vpn01", &lock), 0);
	assert_int_equal(host_lock_renew(&lock), 0);
	assert_int_equal(unlink(lock.path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(host_lock_take("vpn01", &other), 0);
	assert_int_equal(host_lock_renew(&lock), -EBUSY);
	lockfile_release(&other);
	assert_int_equal(host_lock_renew(&lock), 1);
	assert_int_equal(host_lock_renew(&lock), 0);
	assert_int_equal(host_lock_take("vpn01", &other), -EBUSY);
	assert_int_equal(host_lock_holder("vpn01"), getpid());
	lockfile_release(&lock);
}

/* A query does not disturb the lock: its holder never loses it to a process that queries. */
static void test_killed_holder(void **state)
{
	struct lockfile lock;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (host_lock_take("vpn01", &lock) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(host_lock_take("vpn01", &lock), -EBUSY);
	assert_int_equal(host_lock_holder("vpn01"), pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(host_lock_holder("vpn01"), 0);
	assert_int_equal(host_lock_take("vpn01", &lock), 0);
	lockfile_release(&lock);
	close(ready[0]);
	close(ready[1]);
}

#define RACERS 4
#define LAPS   200

/** Take and release in a loop, and count in shared memory how many processes hold the lock. */
static int race(int shared)
{
	for (int i = 0; i < LAPS; i++) {
		struct lockfile lock;
		char n;
		int err;

		do
			err = host_lock_take("vpn01", &lock);
		while (err == -EBUSY);
		if (err < 0)
			return 1;
		/* An empty pipe means that another process holds the lock, too. */
		if (read(shared, &n, 1) != 1)
			return 2;
		if (write(shared + 1, &n, 1) != 1)
			return 3;
		lockfile_release(&lock);
	}
	return 0;
}

static void test_race(void **state)
{
	int token[2];
	pid_t pids[RACERS];

	assert_int_equal(pipe2(token, O_NONBLOCK), 0);
	assert_int_equal(token[1], token[0] + 1);
	assert_int_equal(write(token[1], "", 1), 1);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(race(token[0]));
	}
	for (int i = 0; i < RACERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	close(token[0]);
	close(token[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lock, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_renew, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_killed_holder, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_race, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
