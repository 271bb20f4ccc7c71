/* SPDX-License-Identifier: MIT */
/* Tests of the status socket's server: what it answers, to whom, and how often it makes a report.
 * The clock stands still but where a test lets time pass. */
#include "ctl/status_server.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "ctl/local_server.h"
#include "ctl/testtalk.h"
#include "ctlproto/request.h"

#define STATUS	"{\"verb\":\"status\"}\n"
#define REFUSAL "{\"ok\":false,\"error\":\"this socket answers the verb status only\"}\n"

struct mono __wrap_clock_mono(void);

static struct mono now = { 1000 * NS_PER_S };

struct mono __wrap_clock_mono(void)
{
	return now;
}

/** A server in this process, and the reports that it has made. */
struct fixture {
	struct testdir dir;
	struct status_server *server;
	unsigned reports;
	int fails;	   /* the next report does, with this error */
	unsigned warnings; /* so many are in a report */
};

static int report(void *ctx, struct status_report *ret)
{
	struct fixture *f = ctx;

	f->reports++;
	snprintf(ret->site, sizeof(ret->site), "site%u", f->reports);
	for (unsigned i = 0; i < f->warnings; i++)
		assert_int_equal(status_add_warning(ret, "%0100u", i), 0);
	return f->fails;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	testdir_make(&f->dir);
	*state = f;
	return status_server_open(f->dir.path, report, f, &f->server);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	status_server_close(f->server);
	testdir_remove(&f->dir);
	free(f);
	return 0;
}

static void pump(struct fixture *f)
{
	struct pollfd p = { .fd = status_server_fd(f->server), .events = POLLIN };

	while (poll(&p, 1, 0) > 0)
		status_server_run(f->server);
}

/* Send a text, with its end if `ends`, and expect an answer that has `part`; then the connection is
 * closed. */
static void expect(struct fixture *f, const char *request, bool ends, const char *part)
{
	char text[8192];
	int fd = talk_connect(&f->dir);

	talk_send(fd, request);
	if (ends)
		shutdown(fd, SHUT_WR);
	pump(f);
	assert_true(talk_receive(fd, text, sizeof(text)));
	if (!strstr(text, part))
		fail_msg("%s: %s", request, text);
	close(fd);
}

static void test_status(void **state)
{
	struct fixture *f = *state;

	expect(f, STATUS, false, "\"site\":\"site1\"");
	expect(f, "{\"verb\":\"status\"}", true, "\"ok\":true");
}

/* All that come within a quarter of a second get the same report. */
static void test_fresh(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		expect(f, STATUS, false, "\"site\":\"site1\"");
	assert_int_equal(f->reports, 1);
	now = mono_add(now, STATUS_SERVER_FRESH_NS - 1);
	expect(f, STATUS, false, "\"site\":\"site1\"");
	now = mono_add(now, 1);
	expect(f, STATUS, false, "\"site\":\"site2\"");
	assert_int_equal(f->reports, 2);
}

/* Nothing but a status is answered, and nothing else makes a report. */
static void test_others(void **state)
{
	static const char *const table[] = { "{\"verb\":\"down\"}\n", "{\"verb\":\"reload\"}\n",
		"{\"verb\":\"capture\"}\n", "garbage\n", "\n", "{\"verb\":\"status\",\"x\":1}\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		expect(f, table[i], false, REFUSAL);
	expect(f, "{\"verb\":", true, REFUSAL);
	assert_int_equal(f->reports, 0);
}

/* A line without an end is refused once it is longer than any request. */
static void test_endless(void **state)
{
	struct fixture *f = *state;
	char text[CTL_REQUEST_MAX + 1];

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	expect(f, text, false, REFUSAL);
}

/* One that sends nothing is closed without an answer; one that waits delays no other. */
static void test_silent(void **state)
{
	struct fixture *f = *state;
	char text[64];
	int waits = talk_connect(&f->dir);
	int leaves = talk_connect(&f->dir);

	shutdown(leaves, SHUT_WR);
	pump(f);
	assert_true(talk_receive(leaves, text, sizeof(text)));
	assert_string_equal(text, "");
	expect(f, STATUS, false, "\"ok\":true");
	assert_false(talk_receive(waits, text, sizeof(text)));
	close(waits);
	close(leaves);
}

/* Without memory for a report, the client gets none, and the next one asks anew. */
static void test_no_memory(void **state)
{
	struct fixture *f = *state;

	f->fails = -ENOMEM;
	expect(f, STATUS, false, "");
	assert_int_equal(f->reports, 1);
	f->fails = 0;
	expect(f, STATUS, false, "\"site\":\"site2\"");
}

/* The folder around the socket's own decides by its group who can ask. */
static void test_modes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->dir.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	*strrchr(f->dir.path, '/') = '\0';
	assert_int_equal(stat(f->dir.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void test_in_use(void **state)
{
	struct fixture *f = *state;
	struct status_server *second = NULL;

	assert_int_equal(status_server_open(f->dir.path, report, f, &second), -EADDRINUSE);
	assert_null(second);
	status_server_close(NULL);
	expect(f, STATUS, false, "\"ok\":true");
}

/* Clients that receive nothing of their answers lose their slots to others. */
static void test_stopped_readers(void **state)
{
	struct fixture *f = *state;
	int clients[LOCAL_SERVER_CLIENTS];

	f->warnings = 4000;			 /* more than a socket has room for */
	now = mono_add(now, 1000000 * NS_PER_S); /* the kernel's timers wait for it */
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		now = mono_add(now, NS_PER_S / 4); /* so many connections are accepted */
		clients[i] = talk_connect(&f->dir);
		talk_send(clients[i], STATUS);
		pump(f);
	}
	f->warnings = 0;
	now = mono_add(now, NS_PER_S);
	expect(f, STATUS, false, "\"ok\":true");
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
}

/* Where the process may open no more descriptors, clients are served one after the other. */
static void test_limit(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	char text[8192];
	int clients[3];
	int none;

	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = talk_connect(&f->dir);
	none = dup(clients[0]);
	close(none);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)none, before.rlim_max }), 0);
	assert_int_equal(dup(clients[0]), -1);
	pump(f); /* the first two are idle, and lose their place */
	talk_send(clients[2], STATUS);
	pump(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		assert_true(talk_receive(clients[i], text, sizeof(text)));
	assert_non_null(strstr(text, "\"ok\":true"));
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_status),
		TEST(test_fresh),
		TEST(test_others),
		TEST(test_endless),
		TEST(test_silent),
		TEST(test_no_memory),
		TEST(test_modes),
		TEST(test_in_use),
		TEST(test_limit),
		TEST(test_stopped_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
