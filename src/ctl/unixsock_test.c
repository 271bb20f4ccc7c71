/* SPDX-License-Identifier: MIT */
/* Tests of sockets at a path: who may listen there, and which files are left behind. */
#include "ctl/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctl/testdir.h"

static void test_claim(void **state)
{
	struct unixsock first;
	struct unixsock second = { .fd = 77 };
	struct testdir t = { 0 };
	struct stat st;
	int fd;

	testdir_make(&t);
	assert_int_equal(unixsock_connect(t.path, 100), -ENOENT);
	assert_int_equal(unixsock_open(t.path, &first), 0);
	assert_int_equal(stat(t.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(first.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(first.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(unixsock_open(t.path, &second), -EADDRINUSE);
	assert_int_equal(second.fd, 77);
	fd = unixsock_connect(t.path, 100);
	assert_true(fd >= 0);
	assert_true(unixsock_peer_is_trusted(fd));
	close(fd);
	assert_true(unixsock_is_in_place(&first));
	unixsock_close(&first);
	testdir_remove(&t);
}

/* A dead process's socket is replaced; a full backlog does not count as dead. */
static void test_stale_and_busy(void **state)
{
	struct unixsock dead;
	struct unixsock s;
	struct testdir t = { 0 };
	int fds[256];
	int n = 0;

	testdir_make(&t);
	assert_int_equal(unixsock_open(t.path, &dead), 0);
	close(dead.fd);
	assert_int_equal(unixsock_connect(t.path, 100), -ECONNREFUSED);
	assert_int_equal(unixsock_open(t.path, &s), 0);
	while (n < 255 && (fds[n] = unixsock_connect(t.path, 10)) >= 0)
		n++;
	assert_in_range(n, 1, 254);
	assert_int_equal(fds[n], -ETIMEDOUT);
	assert_int_equal(unixsock_open(t.path, &dead), -EADDRINUSE);
	while (n > 0)
		close(fds[--n]);
	unixsock_close(&s);
	testdir_remove(&t);
}

/* Sockets of dead processes are removed, live ones and other files are not. */
static void test_sweep(void **state)
{
	struct unixsock s;
	struct testdir t = { 0 };
	char below[sizeof(t.path) + sizeof("/x.sock")];

	testdir_make(&t);
	assert_int_equal(unixsock_sweep(t.path), 0);
	assert_int_equal(unixsock_open(t.path, &s), 0);
	assert_int_equal(unixsock_sweep(t.path), 0);
	assert_true(unixsock_is_in_place(&s));
	close(s.fd);
	assert_int_equal(unixsock_sweep(t.path), 0);
	testdir_remove(&t);

	testdir_make(&t);
	snprintf(t.path, sizeof(t.path), "%s/file", t.folder);
	close(open(t.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(unixsock_sweep(t.path), 0);
	snprintf(below, sizeof(below), "%s/x.sock", t.path);
	assert_int_equal(unixsock_sweep(below), 0); /* a file is where the folder would be */
	assert_int_equal(unlink(t.path), 0);
	testdir_remove(&t);
}

static void test_foreign_file(void **state)
{
	struct unixsock s;
	struct testdir t = { 0 };
	char long_path[256];
	int fd;

	testdir_make(&t);
	snprintf(long_path, sizeof(long_path), "%s/file", t.folder);
	fd = open(long_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unixsock_open(long_path, &s), -EEXIST);
	assert_int_equal(unlink(long_path), 0);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(unixsock_open(long_path, &s), -ENAMETOOLONG);
	assert_int_equal(unixsock_connect(long_path, 10), -ENAMETOOLONG);
	testdir_remove(&t);
}

/* A socket that another process has put in our place is left alone. */
static void test_replaced(void **state)
{
	struct unixsock first;
	struct unixsock second;
	struct testdir t = { 0 };

	testdir_make(&t);
	assert_int_equal(unixsock_open(t.path, &first), 0);
	assert_int_equal(unlink(t.path), 0);
	assert_false(unixsock_is_in_place(&first));
	assert_int_equal(unixsock_open(t.path, &second), 0);
	assert_false(unixsock_is_in_place(&first));
	unixsock_close(&first);
	assert_true(unixsock_is_in_place(&second));
	unixsock_close(&second);
	testdir_remove(&t);
}

/* Of several processes that find a stale socket at the same time, one succeeds. */
static void test_race(void **state)
{
	enum {
		RACERS = 8
	};
	struct unixsock s;
	struct testdir t = { 0 };
	pid_t pids[RACERS];
	int winners = 0;
	int hold[2];
	int status;
	char byte;

	testdir_make(&t);
	assert_int_equal(unixsock_open(t.path, &s), 0);
	close(s.fd);
	assert_int_equal(pipe(hold), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			close(hold[1]);
			status = unixsock_open(t.path, &s);
			if (status == -EADDRINUSE)
				_exit(1);
			/* the one that succeeds listens until all have tried */
			_exit(status == 0 && read(hold[0], &byte, 1) == 0 ? 0 : 2);
		}
	}
	close(hold[0]);
	for (int left = RACERS; left > 1; left--) {
		assert_true(waitpid(-1, &status, 0) > 0);
		assert_int_equal(WEXITSTATUS(status), 1);
	}
	close(hold[1]);
	assert_true(waitpid(-1, &status, 0) > 0);
	winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	assert_int_equal(winners, 1);
	assert_int_equal(unixsock_open(t.path, &s), 0);
	unixsock_close(&s);
	testdir_remove(&t);
}

/* The caller may pass a wrong descriptor. */
static void test_adopt(void **state)
{
	struct unixsock owner;
	struct unixsock other = { .fd = 77 };
	struct testdir t = { 0 };
	int pipes[2];
	int pair[2];
	int inet = socket(AF_INET, SOCK_STREAM, 0);

	testdir_make(&t);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(listen(inet, 1), 0);
	assert_int_equal(unixsock_open(t.path, &owner), 0);
	assert_int_equal(unixsock_adopt(pipes[0], t.path, &other), -ENOTSOCK);
	assert_int_equal(unixsock_adopt(pair[0], t.path, &other), -EPROTOTYPE);
	assert_int_equal(unixsock_adopt(inet, t.path, &other), -EPROTOTYPE);
	assert_int_equal(other.fd, 77);
	assert_int_equal(unixsock_adopt(owner.fd, t.path, &other), 0);
	assert_true(unixsock_is_in_place(&other));
	unixsock_close(&other);
	for (int i = 0; i < 2; i++) {
		close(pipes[i]);
		close(pair[i]);
	}
	close(inet);
	testdir_remove(&t);
}

/* A socket that cannot be opened leaves no folder behind. */
static void test_no_folder_left(void **state)
{
	struct testdir t = { 0 };
	struct rlimit limit;
	struct rlimit low;
	struct unixsock s;
	int next = dup(0); /* the number that the next descriptor will have */

	assert_true(next >= 0);
	close(next);
	testdir_make(&t);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)next + 1; /* one for the folder, none for the socket */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(unixsock_open(t.path, &s), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	testdir_remove(&t);
}

/* What has the place of a file is named, with what to do about it. */
static void test_problems(void **state)
{
	static const struct {
		const char *prepare; /* in the folder of the socket */
		const char *words;
	} table[] = {
		{ "mkdir site.sock", "what is there is no socket. See what it is, and remove it." },
		{ "mkfifo site.sock", "what is there is no socket. See what it is" },
		{ "mkdir .sock.lock", "/run/.sock.lock is no lock file of ours. See what it is" },
		{ "mkfifo .sock.lock", "/run/.sock.lock is no lock file of ours. See what it is" },
		{ "ln -s x .sock.lock", "/run/.sock.lock is no lock file of ours. See what it is" },
		{ "chmod 777 .", "all users can change " },
		{ "chmod 777 .", "(mode 0777). To forbid that: chmod go-w " },
		{ "cd ..; rmdir run; touch run", "Not a directory. See what is at that path." },
		{ "cd ..; rmdir run; ln -s x run", "is a link that leads nowhere" },
	};
	char text[UNIXSOCK_TEXT_LEN];
	char command[256];
	struct unixsock s;
	struct testdir t;
	int err;

	testdir_make(&t);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		snprintf(command, sizeof(command), "cd %s && mkdir -m 755 run && cd run && %s",
			t.folder, table[i].prepare);
		assert_int_equal(system(command), 0);
		err = unixsock_open(t.path, &s);
		assert_true(err < 0);
		if (!strstr(unixsock_problem(t.path, err, text), table[i].words))
			fail_msg("%s: %s", table[i].prepare, text);
		assert_int_equal(text[strlen(text) - 1], '.');
		snprintf(command, sizeof(command), "rm -r %s/run", t.folder);
		assert_int_equal(system(command), 0);
	}
	testdir_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_no_folder_left),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_stale_and_busy),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_foreign_file),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
