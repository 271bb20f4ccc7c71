/* SPDX-License-Identifier: MIT */
/* Tests of a client that asks several servers at once: some answer, some are silent, some do not
 * exist. */
#include "ctl/client.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ctl/testtalk.h"

#define SERVERS	    8
#define PATIENCE_MS 60000
#define SHORT_MS    200
#define OK	    "{\"ok\":true,\"text\":\"server 0\"}\n"

static const struct ctl_request status = { .verb = CTL_STATUS };

/** Servers of a test, and what the client asks. */
struct fixture {
	struct testdir dirs[SERVERS];
	struct unixsock socks[SERVERS];
	struct ctl_client_call calls[SERVERS];
};

/* How much later each reading of the clock is than the one before; 0: the real time. */
static uint64_t clock_step;

struct mono __real_clock_mono(void);
struct mono __wrap_clock_mono(void);

struct mono __wrap_clock_mono(void)
{
	static uint64_t now;

	if (!clock_step)
		return __real_clock_mono();
	now = (now ? now : __real_clock_mono().ns) + clock_step;
	return (struct mono){ now };
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; i < SERVERS; i++) {
		testdir_make(&f->dirs[i]);
		f->calls[i].path = f->dirs[i].path;
		if (unixsock_open(f->dirs[i].path, &f->socks[i]))
			return -1;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SERVERS; i++) {
		if (!f->calls[i].err)
			ctl_reply_fini(&f->calls[i].reply);
		unixsock_close(&f->socks[i]);
		testdir_remove(&f->dirs[i]);
	}
	free(f);
	return 0;
}

/* Accept a connection and read the request. Return: the connection, or -1. */
static int take_request(int listener)
{
	char text[CTL_REQUEST_MAX];
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int fd = poll(&p, 1, PATIENCE_MS) == 1 ? accept(listener, NULL, NULL) : -1;

	return fd >= 0 && recv(fd, text, sizeof(text), 0) > 0 && strchr(text, '\n') ? fd : -1;
}

/* Answer with a number, in two parts. */
static void answer(int fd, char number)
{
	char text[] = OK;

	*strchr(text, '0') = number;
	if (send(fd, text, 5, MSG_NOSIGNAL) != 5 ||
		send(fd, text + 5, sizeof(text) - 6, MSG_NOSIGNAL) < 0)
		_exit(2);
}

/* In a child, run servers that answer once each of them has been asked. */
static pid_t run_servers(struct fixture *f, size_t len)
{
	pid_t child = fork();
	int fds[SERVERS];

	assert_true(child >= 0);
	if (child)
		return child;
	for (size_t i = 0; i < len; i++) {
		fds[i] = take_request(f->socks[i].fd);
		if (fds[i] < 0)
			_exit(1);
	}
	while (len-- > 0)
		answer(fds[len], (char)('0' + len));
	_exit(0);
}

static void expect_end(pid_t child)
{
	int result;

	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
}

/* No server answers before all are asked: none waits for another. */
static void test_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t child = run_servers(f, SERVERS);

	ctl_client_ask_all(f->calls, SERVERS, &status, PATIENCE_MS);
	expect_end(child);
	for (size_t i = 0; i < SERVERS; i++) {
		assert_int_equal(f->calls[i].err, 0);
		assert_true(f->calls[i].reply.ok);
		assert_int_equal(f->calls[i].reply.text[7], '0' + i);
	}
}

/* A silent server, one that no process listens for, a socket that does not exist, and one with a
 * full backlog cost the others nothing. */
static void test_failures(void **state)
{
	struct fixture *f = *state;
	int waiting[256];
	size_t n = 0;
	struct unixsock *dead = &f->socks[2];

	f->calls[0].path = "/nonexistent/socket";
	close(dead->fd);
	while (n < ARRAY_LEN(waiting) - 1 &&
		(waiting[n] = unixsock_try_connect(f->dirs[3].path)) >= 0)
		n++;
	assert_in_range(n, 1, ARRAY_LEN(waiting) - 2);
	assert_int_equal(waiting[n], -EAGAIN);
	ctl_client_ask_all(f->calls, 4, &status, SHORT_MS);
	assert_int_equal(f->calls[0].err, -ENOENT);
	assert_int_equal(f->calls[1].err, -ETIMEDOUT);
	assert_int_equal(f->calls[2].err, -ECONNREFUSED);
	assert_int_equal(f->calls[3].err, -ETIMEDOUT);
	while (n > 0)
		close(waiting[--n]);
	assert_int_equal(unixsock_sweep(f->dirs[2].path), 0);
	assert_int_equal(unixsock_open(f->dirs[2].path, dead), 0);
	for (size_t i = 4; i < SERVERS; i++)
		f->calls[i].err = -ENOENT;
}

/* A full backlog that empties in time costs nothing but the wait. */
static void test_backlog(void **state)
{
	struct fixture *f = *state;
	int waiting[256];
	size_t n = 0;
	pid_t child;

	while (n < ARRAY_LEN(waiting) && (waiting[n] = unixsock_try_connect(f->dirs[0].path)) >= 0)
		n++;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		usleep(3 * 20000); /* some attempts to connect fail */
		for (size_t i = 0; i < n; i++)
			close(accept(f->socks[0].fd, NULL, NULL));
		answer(take_request(f->socks[0].fd), '0');
		_exit(0);
	}
	ctl_client_ask_all(f->calls, 1, &status, PATIENCE_MS);
	expect_end(child);
	assert_int_equal(f->calls[0].err, 0);
	assert_string_equal(f->calls[0].reply.text, "server 0");
	while (n > 0)
		close(waiting[--n]);
	for (size_t i = 1; i < SERVERS; i++)
		f->calls[i].err = -ENOENT;
}

/* Replies that are none, or end too early, are errors of that server alone. */
static void test_bad_replies(void **state)
{
	static const char *const texts[] = { "garbage\n", "{\"ok\":true", OK };
	static const int errors[] = { -EBADMSG, -ECONNRESET, 0 };
	struct fixture *f = *state;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			int fd = take_request(f->socks[i].fd);

			if (fd < 0 || send(fd, texts[i], strlen(texts[i]), MSG_NOSIGNAL) < 0)
				_exit(1);
			close(fd);
		}
		_exit(0);
	}
	ctl_client_ask_all(f->calls, ARRAY_LEN(texts), &status, PATIENCE_MS);
	expect_end(child);
	for (size_t i = 0; i < SERVERS; i++) {
		if (i < ARRAY_LEN(texts))
			assert_int_equal(f->calls[i].err, errors[i]);
		else
			f->calls[i].err = -ENOENT;
	}
	ctl_client_ask_all(f->calls, 0, &status, PATIENCE_MS);
}

/* Send a reply byte by byte, each after the one before has been read. */
static void answer_slowly(int fd)
{
	int unread = 0;

	for (const char *c = OK; *c; c++) {
		if (send(fd, c, 1, MSG_NOSIGNAL) != 1)
			_exit(2);
		do
			usleep(1000);
		while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread);
	}
}

/* A reply may take as long as it wants while it arrives: only silence is limited. */
static void test_slow_reply(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		answer_slowly(take_request(f->socks[0].fd));
		_exit(0);
	}
	clock_step = PATIENCE_MS / 4 * NS_PER_MS;
	f->calls[0].err = ctl_client_ask(f->dirs[0].path, &status, PATIENCE_MS, &f->calls[0].reply);
	clock_step = 0;
	expect_end(child);
	assert_int_equal(f->calls[0].err, 0);
	assert_string_equal(f->calls[0].reply.text, "server 0");
	for (size_t i = 1; i < SERVERS; i++)
		f->calls[i].err = -ENOENT;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_at_once),
		TEST(test_failures),
		TEST(test_backlog),
		TEST(test_bad_replies),
		TEST(test_slow_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
