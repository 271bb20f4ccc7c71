/* SPDX-License-Identifier: MIT */
/* Tests of the control socket's server with ordinary, slow, silent, flooding and unauthorised
 * clients. Their time limits run on a clock that only the tests advance. */
#include "ctl/server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/local_server.h"
#include "ctl/testtalk.h"

#define TIMEOUT_MS  5000
#define MANY_PEERS  1000  /* a status reply with them does not fit into a socket */
#define PATIENCE_MS 60000 /* of a client, in real time */
#define STATUS	    "{\"verb\":\"status\"}\n"

struct mono __real_clock_mono(void);
struct mono __wrap_clock_mono(void);
int __real_timerfd_settime(
	int fd, int flags, const struct itimerspec *spec, struct itimerspec *old);
int __wrap_timerfd_settime(
	int fd, int flags, const struct itimerspec *spec, struct itimerspec *old);

/** The clock of this process, which stands still, and the server's timer. */
static struct {
	struct mono now;
	int timer_fd;
	struct mono due; /* of the timer; ns 0: it does not run */
} fake = { .now = { 1000 * NS_PER_S }, .timer_fd = -1 };

struct mono __wrap_clock_mono(void)
{
	return fake.now;
}

/* The timer expires at once if it is due by our clock, else not at all. */
static void run_timer(void)
{
	static const struct itimerspec at_once = { .it_value.tv_nsec = 1 }, never;
	bool due = fake.due.ns && mono_reached(fake.due, fake.now);
	struct pollfd p = { .fd = fake.timer_fd, .events = POLLIN };

	assert_int_equal(
		__real_timerfd_settime(fake.timer_fd, 0, due ? &at_once : &never, NULL), 0);
	if (due)
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *spec, struct itimerspec *old)
{
	assert_int_equal(flags, TFD_TIMER_ABSTIME);
	fake.timer_fd = fd;
	fake.due.ns = (uint64_t)spec->it_value.tv_sec * NS_PER_S + (uint64_t)spec->it_value.tv_nsec;
	run_timer();
	return 0;
}

/** A server in this process, and the requests to its handler. */
struct fixture {
	struct testdir dir;
	struct ctl_server *server;
	int asked[CTL_VERB_COUNT];
	size_t peers; /* number in a status reply */
	bool reject;  /* reply with an error */
};

static void handle(void *ctx, const struct ctl_request *request, struct ctl_reply *reply)
{
	struct fixture *f = ctx;

	f->asked[request->verb]++;
	if (f->reject) {
		ctl_reply_fail(reply, "not now");
		return;
	}
	if (request->verb != CTL_STATUS)
		return;
	reply->has_status = true;
	strcpy(reply->status.site, "vpn01");
	for (size_t i = 0; i < f->peers; i++)
		assert_non_null(status_add_peer(&reply->status));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ctl_server_config config = { .handler = handle, .ctx = f, .timeout_ms = TIMEOUT_MS };

	fake.timer_fd = -1;
	fake.due.ns = 0;
	testdir_make(&f->dir);
	config.path = f->dir.path;
	*state = f;
	return ctl_server_open(&config, &f->server);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ctl_server_close(f->server);
	testdir_remove(&f->dir);
	free(f);
	return 0;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* Let the server work until it has nothing to do. */
static void pump(struct fixture *f)
{
	while (is_readable(ctl_server_fd(f->server), 0))
		ctl_server_run(f->server);
}

/* Let that time pass, and the server work. */
static void pass(struct fixture *f, uint64_t ms)
{
	fake.now = mono_add(fake.now, ms * NS_PER_MS);
	if (fake.timer_fd >= 0)
		run_timer();
	pump(f);
}

static void test_status(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int fd = talk_connect(&f->dir);

	talk_send(fd, STATUS "ignored");
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "\"ok\":true"));
	assert_non_null(strstr(text, "\"site\":\"vpn01\""));
	assert_int_equal(f->asked[CTL_STATUS], 1);
	close(fd);
}

static void test_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int fd = talk_connect(&f->dir);

	for (const char *p = "{\"verb\":\"reload\"}"; *p; p++) {
		assert_int_equal(send(fd, p, 1, 0), 1);
		pump(f);
		assert_false(talk_receive(fd, text, sizeof(text)));
	}
	shutdown(fd, SHUT_WR);
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "{\"ok\":true}\n");
	assert_int_equal(f->asked[CTL_RELOAD], 1);
	close(fd);
}

static void test_invalid_requests(void **state)
{
	static const struct {
		const char *request;
		const char *reply;
	} table[] = {
		{ "nonsense\n", "{\"ok\":false,\"error\":\"not a request: send one line such as "
				"{\\\"verb\\\":\\\"status\\\"}\"}\n" },
		{ "{\"verb\":\"fly\"}\n",
			"{\"ok\":false,\"error\":\"this version of wirespan has no "
			"such verb\"}\n" },
		{ "{\"verb\":\"down\",\"x\":1}\n",
			"{\"ok\":false,\"error\":\"this version of "
			"wirespan has no such option for this verb\"}\n" },
		{ "\n", "{\"ok\":false,\"error\":\"not a request: send one line such as "
			"{\\\"verb\\\":\\\"status\\\"}\"}\n" },
	};
	struct fixture *f = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int fd = talk_connect(&f->dir);

		talk_send(fd, table[i].request);
		pump(f);
		assert_true(talk_receive(fd, text, sizeof(text)));
		assert_string_equal(text, table[i].reply);
		close(fd);
	}
	for (int v = 0; v < CTL_VERB_COUNT; v++)
		assert_int_equal(f->asked[v], 0);
}

static void test_endless_request(void **state)
{
	struct fixture *f = *state;
	char text[CTL_REQUEST_MAX + 100];
	int fd = talk_connect(&f->dir);

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	talk_send(fd, text);
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "not a request"));
	close(fd);
}

/* Sixteen clients with half a request occupy all slots; the next one is served after a second. A
 * request that comes in pieces may take longer while no slot is needed. */
static void test_slow_clients(void **state)
{
	struct fixture *f = *state;
	int slow[LOCAL_SERVER_CLIENTS];
	char text[8192];
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = talk_connect(&f->dir);
		talk_send(slow[i], "{\"verb\":");
		pump(f);
	}
	fd = talk_connect(&f->dir);
	talk_send(fd, STATUS);
	pump(f);
	pass(f, 999);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "");
	pass(f, 1);
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_non_null(strstr(text, "\"ok\":true"));
	talk_send(slow[1], "\"status\"}\n");
	pump(f);
	assert_true(talk_receive(slow[1], text, sizeof(text)));
	assert_non_null(strstr(text, "\"ok\":true"));
	pass(f, TIMEOUT_MS);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		if (i != 1)
			assert_true(talk_receive(slow[i], text, sizeof(text)));
		close(slow[i]);
	}
	close(fd);
}

/* Silent clients never time out, but the longest silent one gives up its slot when it is needed;
 * none does whose request has arrived. */
static void test_silent_clients(void **state)
{
	struct fixture *f = *state;
	int silent[LOCAL_SERVER_CLIENTS];
	int more[2];
	char text[8192];

	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		silent[i] = talk_connect(&f->dir);
	pump(f);
	pass(f, 100 * TIMEOUT_MS);
	assert_false(talk_receive(silent[0], text, sizeof(text)));
	talk_send(silent[0], STATUS);
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		more[i] = talk_connect(&f->dir);
	pump(f);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		talk_send(more[i], STATUS);
		pump(f);
		assert_true(talk_receive(more[i], text, sizeof(text)));
		assert_non_null(strstr(text, "\"ok\":true"));
		close(more[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		bool closed = talk_receive(silent[i], text, sizeof(text));

		assert_int_equal(closed, i < 2);
		assert_int_equal(strstr(text, "\"ok\":true") != NULL, i == 0);
		close(silent[i]);
	}
}

/* A client that does not read its reply blocks no other, and is closed when it times out. */
static void test_non_reading_client(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(1 << 20);
	int blocked = talk_connect(&f->dir);
	int fd;

	f->peers = MANY_PEERS;
	talk_send(blocked, STATUS);
	pump(f);
	f->peers = 0;
	fd = talk_connect(&f->dir);
	talk_send(fd, STATUS);
	pump(f);
	assert_true(talk_receive(fd, text, 1 << 20));
	assert_non_null(strstr(text, "\"ok\":true"));
	close(fd);
	pass(f, TIMEOUT_MS * 2);
	assert_true(talk_receive(blocked, text, 1 << 20));
	assert_null(strchr(text, '\n'));
	close(blocked);
	free(text);
}

/* A large reply is sent completely, as fast as the client reads. */
static void test_large_reply(void **state)
{
	struct fixture *f = *state;
	size_t size = 8 << 20;
	char *text = malloc(size);
	struct ctl_reply reply;
	int fd = talk_connect(&f->dir);
	bool end = false;
	size_t len = 0;

	f->peers = 10000;
	talk_send(fd, STATUS);
	while (!end) {
		pump(f);
		end = talk_receive(fd, text + len, size - len);
		len += strlen(text + len);
	}
	assert_int_equal(ctl_reply_parse(text, len, &reply), 0);
	assert_int_equal(reply.status.peers_len, 10000);
	ctl_reply_fini(&reply);
	free(text);
	close(fd);
}

static void test_disconnecting_clients(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int fd;

	f->peers = MANY_PEERS;
	for (int i = 0; i < 3 * LOCAL_SERVER_CLIENTS; i++) {
		fd = talk_connect(&f->dir);
		talk_send(fd, i % 3 ? STATUS : "{\"ver");
		if (i % 2)
			pump(f);
		close(fd);
		pump(f);
	}
	f->peers = 0;
	fd = talk_connect(&f->dir);
	talk_send(fd, STATUS);
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	close(fd);
}

/* Without clients, nothing wakes up the owner. */
static void test_idle(void **state)
{
	struct fixture *f = *state;
	int fd = talk_connect(&f->dir);
	char text[8192];

	talk_send(fd, STATUS);
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	close(fd);
	assert_int_equal(fake.due.ns, 0);
	assert_false(is_readable(ctl_server_fd(f->server), 0));
}

/* The end-of-file after `down` arrives when the server is closed, however late. */
static void test_down_is_held(void **state)
{
	struct fixture *f = *state;
	char text[256];
	int fd = talk_connect(&f->dir);

	talk_send(fd, "{\"verb\":\"down\"}\n");
	pass(f, TIMEOUT_MS * 2);
	assert_false(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "{\"ok\":true}\n");
	ctl_server_close(f->server);
	f->server = NULL;
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "");
	close(fd);
}

static void test_rejected_down_is_not_held(void **state)
{
	struct fixture *f = *state;
	char text[256];
	int fd = talk_connect(&f->dir);

	f->reject = true;
	talk_send(fd, "{\"verb\":\"down\"}\n");
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	assert_string_equal(text, "{\"ok\":false,\"error\":\"not now\"}\n");
	close(fd);
}

/* A client that disconnects while held frees its slot. */
static void test_held_slots_are_freed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3 * LOCAL_SERVER_CLIENTS; i++) {
		int fd = talk_connect(&f->dir);

		talk_send(fd, "{\"verb\":\"down\"}\n");
		pump(f);
		close(fd);
		pump(f);
	}
	assert_int_equal(f->asked[CTL_DOWN], 3 * LOCAL_SERVER_CLIENTS);
}

/* Run `child` in another process while the server runs. Return: its exit status. */
static int run_beside(struct fixture *f, int (*child)(struct fixture *f))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(f));
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (is_readable(ctl_server_fd(f->server), 5))
			ctl_server_run(f->server);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int ask_as_other_user(struct fixture *f)
{
	struct ctl_request request = { .verb = CTL_STATUS };
	struct ctl_reply reply;

	if (setuid(65534) < 0)
		return 2;
	if (ctl_client_ask(f->dir.path, &request, PATIENCE_MS, &reply) < 0)
		return 3;
	return reply.ok || !strstr(reply.text, "only root");
}

static void test_unauthorised_client(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip(); /* only root can change its uid */
	assert_int_equal(chmod(f->dir.folder, 0755), 0);
	assert_int_equal(chmod(f->dir.path, 0666), 0);
	assert_int_equal(run_beside(f, ask_as_other_user), 0);
	assert_int_equal(f->asked[CTL_STATUS], 0);
	assert_int_equal(chmod(f->dir.path, 0600), 0);
	assert_int_equal(run_beside(f, ask_as_other_user), 3);
}

/* Let this process open no more descriptors; or as many as it may. `fd`: any of them. */
static void limit_descriptors(bool on, int fd)
{
	struct rlimit limit;
	int none = dup(fd);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (none >= 0)
		close(none);
	limit.rlim_cur = on ? (rlim_t)none : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(dup(fd) < 0, on);
}

/* Connect a few times, and be closed each time. */
static int connect_as_other_user(struct fixture *f)
{
	struct rlimit limit;
	char byte;

	if (setuid(65534) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 2;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 3;
	for (int i = 0; i < 3; i++) {
		int fd = unixsock_connect(f->dir.path, PATIENCE_MS);

		if (fd < 0)
			return 4;
		(void)send(fd, "\n", 1, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		while (recv(fd, &byte, 1, 0) > 0)
			;
		close(fd);
	}
	return 0;
}

/* Where the process may open no more descriptors, clients that may not ask take none from one that
 * may; that one still gives its own to another that may. */
static void test_unauthorised_at_limit(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int idle;
	int heir;

	if (geteuid() != 0)
		skip(); /* only root can change its uid */
	assert_int_equal(chmod(f->dir.folder, 0755), 0);
	assert_int_equal(chmod(f->dir.path, 0666), 0);
	idle = talk_connect(&f->dir);
	limit_descriptors(true, idle);
	pump(f);
	assert_int_equal(run_beside(f, connect_as_other_user), 0);
	assert_false(talk_receive(idle, text, sizeof(text)));

	limit_descriptors(false, idle);
	heir = talk_connect(&f->dir);
	limit_descriptors(true, idle);
	talk_send(heir, STATUS);
	pump(f);
	assert_true(talk_receive(idle, text, sizeof(text)));
	(void)talk_receive(heir, text, sizeof(text));
	assert_non_null(strstr(text, "\"ok\":true"));
	limit_descriptors(false, idle);
	close(idle);
	close(heir);
}

static int ask_status(struct fixture *f)
{
	struct ctl_request request = { .verb = CTL_STATUS };
	struct ctl_reply reply;

	if (ctl_client_ask(f->dir.path, &request, PATIENCE_MS, &reply) < 0)
		return 2;
	return !reply.ok || !reply.has_status || reply.status.peers_len != 3000;
}

static void test_client_asks(void **state)
{
	struct fixture *f = *state;

	f->peers = 3000;
	assert_int_equal(run_beside(f, ask_status), 0);
}

/* A server that never replies makes the client time out. */
static void test_client_times_out(void **state)
{
	struct fixture *f = *state;
	struct ctl_request request = { .verb = CTL_STATUS };
	struct ctl_reply reply;
	struct mono start = __real_clock_mono();

	assert_int_equal(ctl_client_ask(f->dir.path, &request, 100, &reply), -ETIMEDOUT);
	assert_true(mono_between(start, __real_clock_mono()) >= 100 * NS_PER_MS);
	assert_int_equal(ctl_client_ask("/nonexistent/x.sock", &request, 100, &reply), -ENOENT);
}

static int serve_down(struct fixture *f)
{
	while (!f->asked[CTL_DOWN]) {
		if (is_readable(ctl_server_fd(f->server), PATIENCE_MS))
			ctl_server_run(f->server);
	}
	usleep(100000);
	return 0;
}

/* `down` returns after the process has exited, not when it has replied. */
static void test_client_down(void **state)
{
	struct fixture *f = *state;
	struct mono start = __real_clock_mono();
	struct ctl_reply reply;
	struct unixsock taken;
	pid_t pid;

	/* only the child may listen on the socket */
	ctl_server_close(f->server);
	f->server = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ctl_server_config config = {
			.path = f->dir.path, .handler = handle, .ctx = f
		};

		_exit(ctl_server_open(&config, &f->server) || serve_down(f));
	}
	while (access(f->dir.path, F_OK) < 0 ||
		ctl_client_down(f->dir.path, PATIENCE_MS, &reply) < 0) {
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		usleep(1000);
	}
	assert_true(mono_between(start, __real_clock_mono()) >= 100 * NS_PER_MS);
	assert_true(reply.ok);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
	assert_int_equal(unixsock_open(f->dir.path, &taken), 0);
	unixsock_close(&taken);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(status),
		TEST(byte_by_byte),
		TEST(invalid_requests),
		TEST(endless_request),
		TEST(slow_clients),
		TEST(silent_clients),
		TEST(non_reading_client),
		TEST(large_reply),
		TEST(disconnecting_clients),
		TEST(idle),
		TEST(down_is_held),
		TEST(rejected_down_is_not_held),
		TEST(held_slots_are_freed),
		TEST(unauthorised_client),
		TEST(unauthorised_at_limit),
		TEST(client_asks),
		TEST(client_times_out),
		TEST(client_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
