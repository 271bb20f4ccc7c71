/* SPDX-License-Identifier: MIT */
/* Tests of guardians, with this process in place of systemd and of the monitor: tasks that they
 * refuse, who may ask them, and the life of a process: started, killed by its guardian when the
 * monitor ends or asks for it, and its status reported. As root; otherwise what needs no other
 * user. */
#include "backend/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/engine_channel.h"
#include "backend/guardians.h"
#include "backend/key_ring.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/unix_address.h"
#include "confine/confine.h"

#define USER	 65533
#define PATIENCE 60000 /* ms */

/* ---- tasks ---- */

static struct namespace_id own_space(const char *path)
{
	struct stat s;

	assert_int_equal(stat(path, &s), 0);
	return (struct namespace_id){ s.st_dev, s.st_ino };
}

static void test_check(void **state)
{
	static const struct {
		const char *name;
		struct guarded_task task;
		size_t more; /* bytes after the task */
		size_t fds;
		int result;
	} cases[] = {
		{ "resolver", { .role = GUARDED_RESOLVER }, 0, 2, 0 },
		{ "resolver with a descriptor too many", { .role = GUARDED_RESOLVER }, 0, 3,
			-EBADMSG },
		{ "resolver without one", { .role = GUARDED_RESOLVER }, 0, 1, -EBADMSG },
		{ "no role", { .role = 0 }, 0, 0, -EBADMSG },
		{ "no role, with descriptors", { .role = 0 }, 0, 2, -EBADMSG },
		{ "another role", { .role = 4 }, 0, 3, -EBADMSG },
		{ "huge role", { .role = UINT32_MAX }, 0, 3, -EBADMSG },
		{ "engine", { .role = GUARDED_ENGINE }, 10, 3, 0 },
		{ "engine with all",
			{ .role = GUARDED_ENGINE,
				.n_ports = 2,
				.has_store = 1,
				.has_fd4 = 1,
				.has_fd6 = 1 },
			10, 8, 0 },
		{ "engine without a port", { .role = GUARDED_ENGINE, .n_ports = 2 }, 10, 4,
			-EBADMSG },
		{ "engine with more ports than there can be",
			{ .role = GUARDED_ENGINE, .n_ports = UINT32_MAX }, 10, 2, -EBADMSG },
		{ "keys", { .role = GUARDED_KEYS, .capacity = 1 }, 0, 3, 0 },
		{ "keys of a peer", { .role = GUARDED_KEYS, .capacity = 1 },
			sizeof(struct key_ring_peer), 3, 0 },
		{ "keys of more peers than fit", { .role = GUARDED_KEYS, .capacity = 1 },
			2 * sizeof(struct key_ring_peer), 3, -EBADMSG },
		{ "keys of half a peer", { .role = GUARDED_KEYS, .capacity = 9 },
			sizeof(struct key_ring_peer) / 2, 3, -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = sizeof(struct guarded_task) + cases[i].more;
		struct guarded_task *t = calloc(1, len);

		assert_non_null(t);
		*t = cases[i].task;
		t->net = own_space("/proc/self/ns/net");
		if (guardian_check(t, len, cases[i].fds) != cases[i].result)
			fail_msg("%s", cases[i].name);
		assert_int_equal(guardian_check(t, sizeof(*t) - 1, cases[i].fds), -EBADMSG);
		t->net.ino++;
		if (!cases[i].result)
			assert_int_equal(guardian_check(t, len, cases[i].fds), -EXDEV);
		memset(t->site, 'x', sizeof(t->site));
		assert_int_equal(guardian_check(t, len, cases[i].fds), -EBADMSG);
		*t->site = '\0';
		t->site[sizeof(t->site) - 1] = '\0';
		memset(t->options, 'x', sizeof(t->options));
		assert_int_equal(guardian_check(t, len, cases[i].fds), -EBADMSG);
		free(t);
	}
}

/* ---- who may ask ---- */

/* Run a guardian for a connection that `user` has made. Return: its exit status. */
static int status_for(int type, uid_t user)
{
	pid_t pid = fork();
	int fds[2];
	int status;

	if (pid == 0) {
		if (setresuid(user, user, user) < 0 || socketpair(AF_UNIX, type, 0, fds) < 0)
			_exit(100);
		close(fds[1]);
		_exit(guardian_run(fds[0], false));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_who_asks(void **state)
{
	if (geteuid() != 0) {
		assert_int_equal(status_for(SOCK_SEQPACKET, geteuid()), 2);
		return;
	}
	assert_int_equal(status_for(SOCK_SEQPACKET, USER), 2);
	assert_int_equal(status_for(SOCK_STREAM, 0), 2);
	assert_int_equal(status_for(SOCK_SEQPACKET, 0), 0); /* it ends with the connection */
}

/* ---- the life of a process ---- */

/** In place of systemd: a process that starts a guardian for each connection. */
struct bench {
	char folder[32];
	char path[64];
	pid_t systemd;
	struct guardians guardians;
};

static void serve(int listener, uid_t user) __attribute__((noreturn));

static void serve(int listener, uid_t user)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		if (fork() == 0) {
			close(listener);
			signal(SIGCHLD, SIG_DFL);
			if (setresuid(user, user, user) < 0)
				_exit(1);
			_exit(guardian_run(fd, false));
		}
		close(fd);
	}
}

/* Listen as `owner`, and start guardians as `user`. */
static struct bench *open_bench(uid_t owner, uid_t user)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct sockaddr_un address;
	int listener;

	assert_non_null(b);
	strcpy(b->folder, "/tmp/guardian-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	assert_int_equal(chmod(b->folder, 0777), 0);
	snprintf(b->path, sizeof(b->path), "%s/socket", b->folder);
	assert_int_equal(unix_address(b->path, &address), 0);
	b->systemd = fork();
	if (b->systemd == 0) {
		if (seteuid(owner) < 0)
			_exit(1);
		listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(listener, 8) < 0 || seteuid(0) < 0)
			_exit(1);
		serve(listener, user);
	}
	assert_true(b->systemd > 0);
	b->guardians.path = b->path;
	for (int i = 0; i < PATIENCE / 10 && access(b->path, F_OK) < 0; i++)
		usleep(10000);
	return b;
}

static void close_bench(struct bench *b)
{
	guardians_close(&b->guardians);
	assert_int_equal(b->guardians.n, 0);
	kill(b->systemd, SIGKILL);
	assert_int_equal(waitpid(b->systemd, NULL, 0), b->systemd);
	unlink(b->path);
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
}

/** A resolver that a guardian has started. */
struct resolver {
	struct guarded guarded;
	int requests;
	int report; /* ends with the process */
};

/* Start one. Return: as guardians_begin(). */
static int begin(struct bench *b, struct resolver *r)
{
	struct guarded_task task = { .role = GUARDED_RESOLVER, .site = "test" };
	int requests[2];
	int report[2];
	int err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	err = guardians_begin(
		&b->guardians, &task, NULL, 0, (int[]){ requests[1], report[1] }, 2, &r->guarded);
	close(requests[1]);
	close(report[1]);
	r->requests = requests[0];
	r->report = report[0];
	return err;
}

/* Wait for the end of the process. */
static void await_end(struct resolver *r)
{
	struct pollfd p = { .fd = r->report, .events = POLLIN };
	unsigned measures;

	do
		assert_int_equal(poll(&p, 1, PATIENCE), 1);
	while (read(r->report, &measures, sizeof(measures)) > 0);
	close(r->report);
	close(r->requests);
}

static void await_ready(struct resolver *r, unsigned *ret_measures)
{
	assert_int_equal(
		read(r->report, ret_measures, sizeof(*ret_measures)), sizeof(*ret_measures));
	assert_int_equal(kill(r->guarded.pid, 0), 0);
	assert_int_equal(r->guarded.user, USER);
}

static void test_life(void **state)
{
	struct bench *b;
	struct resolver r;
	unsigned measures = 0;
	int status;

	if (geteuid() != 0)
		skip();
	b = open_bench(0, USER);
	/* killed on request */
	assert_int_equal(begin(b, &r), 0);
	await_ready(&r, &measures);
	assert_true(measures & CONFINE_USER);
	assert_true(measures & CONFINE_CAPABILITIES);
	assert_false(measures & CONFINE_IPC); /* it is in ours */
	assert_false(process_wait(r.guarded.pid, r.guarded.guardian, 0, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	await_end(&r);
	/* with the monitor */
	assert_int_equal(begin(b, &r), 0);
	await_ready(&r, &measures);
	close(r.guarded.guardian);
	await_end(&r);
	/* by itself; the status is reported */
	assert_int_equal(begin(b, &r), 0);
	await_ready(&r, &measures);
	assert_int_equal(kill(r.guarded.pid, SIGUSR1), 0);
	await_end(&r);
	assert_true(guarded_wait(r.guarded.guardian, PATIENCE, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	close_bench(b);
}

/* A connection in advance whose guardian has ended is not used. */
static void test_spares(void **state)
{
	struct bench *b;
	struct resolver r;
	unsigned measures;
	int fds[2];
	int status;

	if (geteuid() != 0)
		skip();
	b = open_bench(0, USER);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[1]);
	b->guardians.spares[b->guardians.n++] = fds[0];
	assert_int_equal(begin(b, &r), 0);
	await_ready(&r, &measures);
	assert_true(mono_is_set(b->guardians.due));
	b->guardians.due = (struct mono){ 1 };
	guardians_work(&b->guardians);
	assert_int_equal(b->guardians.n, 1);
	assert_false(mono_is_set(b->guardians.due));
	assert_false(guarded_wait(r.guarded.guardian, 0, &status));
	await_end(&r);
	assert_int_equal(begin(b, &r), 0);
	assert_int_equal(b->guardians.n, 0);
	assert_false(guarded_wait(r.guarded.guardian, 0, &status));
	await_end(&r);
	close_bench(b);
}

/* A guardian that hangs: its process counts as left, as confined_wait() defines it. */
static void test_hanging(void **state)
{
	int fds[2];
	int status = -1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_false(guarded_wait(fds[0], 0, &status));
	assert_int_equal(status, 0);
	close(fds[1]);
}

/* Another user's socket gets no keys and descriptors, and a guardian of root is not used. */
static void test_not_trusted(void **state)
{
	struct bench *b;
	struct resolver r;

	if (geteuid() != 0)
		skip();
	b = open_bench(USER, USER);
	assert_int_equal(begin(b, &r), -EPERM);
	await_end(&r);
	close_bench(b);
	b = open_bench(0, 0);
	assert_int_equal(begin(b, &r), -EPERM);
	await_end(&r);
	close_bench(b);
}

/* Ask a guardian that systemd starts only after the monitor has gone. Return: whether the process
 * began. */
static bool begins_late(void)
{
	struct guarded_task task = {
		.role = GUARDED_RESOLVER, .site = "test", .net = own_space("/proc/self/ns/net")
	};
	struct engine_message m = { .head = { .type = ENGINE_BEGIN }, .body = &task };
	struct engine_channel *c = calloc(1, sizeof(*c));
	unsigned measures;
	int connection[2];
	int requests[2];
	int report[2];
	pid_t pid;
	int status;
	bool began;

	assert_non_null(c);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, connection), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	engine_channel_open(c, connection[1], ENGINE_FROM_ENGINE);
	m.fds = (int[]){ requests[1], report[1] };
	assert_int_equal(engine_channel_send(c, &m, sizeof(task), 2, MONO_NEVER), 0);
	engine_channel_close(c);
	free(c);
	close(requests[1]);
	close(report[1]);
	pid = fork();
	if (pid == 0)
		_exit(setresuid(USER, USER, USER) < 0 ? 100 : guardian_run(connection[0], true));
	close(connection[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	began = read(report[0], &measures, sizeof(measures)) > 0;
	close(report[0]);
	close(requests[0]);
	return began;
}

/* The monitor has forked the process itself meanwhile: a second one would share its sockets. */
static void test_late(void **state)
{
	cpu_set_t one;

	if (geteuid() != 0)
		skip();
	CPU_ZERO(
		&one); /* so that a process that was forked may run before the one that forked it */
	CPU_SET(sched_getcpu(), &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 50; i++)
		assert_false(begins_late());
}

/* Without systemd, or if this process can change users, processes are forked. */
static void test_not_used(void **state)
{
	struct guardians none = { 0 };
	struct bench b = { 0 };
	struct resolver r;

	guardians_open(&none, "/proc/self/absent");
	assert_false(guardians_are_used(&none));
	assert_false(guardians_are_used(NULL));
	assert_int_equal(begin(&b, &r), -ENOENT);
	await_end(&r);
	b.guardians.path = "/proc/self/absent";
	assert_int_equal(begin(&b, &r), -ENXIO);
	await_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_who_asks),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_spares),
		cmocka_unit_test(test_hanging),
		cmocka_unit_test(test_not_trusted),
		cmocka_unit_test(test_not_used),
		cmocka_unit_test(test_late),
	};

	log_set_level(LOG_LEVEL_SILENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
