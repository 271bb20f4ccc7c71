/* SPDX-License-Identifier: MIT */
/* Tests of the resolver with a fake getaddrinfo() that answers, fails or hangs, depending on the
 * name. */
#include "underlay/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "underlay/resolver_client.h"
#include "underlay/resolver_server.h"

static sem_t entered; /* a thread hangs inside the C library */
static sem_t release;

int __real_getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

/* "hang" waits for `release`, "none" does not exist, "twice" has an address twice; any other name
 * is an address. */
int __wrap_getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	struct addrinfo *more;
	int err;

	if (!strcmp(host, "hang")) {
		sem_post(&entered);
		sem_wait(&release);
		return EAI_AGAIN;
	}
	if (!strcmp(host, "none"))
		return EAI_NONAME;
	if (strcmp(host, "twice") != 0)
		return __real_getaddrinfo(host, service, hints, ret);
	err = __real_getaddrinfo("192.0.2.1", service, hints, ret);
	if (!err)
		err = __real_getaddrinfo("192.0.2.1", service, hints, &more);
	if (!err)
		(*ret)->ai_next = more;
	return err;
}

static int setup(void **state)
{
	struct resolver *r;

	sem_init(&entered, 0, 0);
	sem_init(&release, 0, 0);
	assert_int_equal(resolver_open(&r), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	resolver_close(*state);
	return 0;
}

static struct resolver_answer await(struct resolver *r)
{
	struct pollfd p = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolver_answer a;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		if (resolver_next(r, &a))
			return a;
	}
	fail();
	return a;
}

/* Each name gets its answer; the order does not matter. */
static void test_answers(void **state)
{
	static const struct {
		const char *host;
		const char *first; /* in the form of endpoint_text(); NULL: a problem */
	} cases[] = {
		{ "192.0.2.7", "192.0.2.7:0" },
		{ "none", NULL },
		{ "2001:db8::7", "[2001:db8::7]:0" },
		{ "fe80::7%1", "[fe80::7%1]:0" },
		{ "twice", "192.0.2.1:0" },
	};
	struct resolver *r = *state;
	char text[ENDPOINT_TEXT_LEN];
	unsigned seen = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(resolver_ask(r, i, cases[i].host, i & 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct resolver_answer a = await(r);

		assert_in_range(a.id, 0, ARRAY_LEN(cases) - 1);
		assert_false(seen & 1U << a.id);
		seen |= 1U << a.id;
		assert_int_equal(a.n, cases[a.id].first ? 1 : 0);
		assert_true(!a.code == (cases[a.id].first != NULL));
		if (cases[a.id].first)
			assert_string_equal(endpoint_text(&a.v[0], text), cases[a.id].first);
	}
}

/* Names whose servers do not answer delay others only if there are more of them than threads. */
static void test_silent_servers(void **state)
{
	struct resolver *r = *state;

	for (uint64_t i = 0; i < RESOLVER_QUEUE / 2; i++)
		assert_int_equal(resolver_ask(r, 100, "hang", true), 0);
	assert_int_equal(resolver_ask(r, 100, "hang", true), -EAGAIN);
	for (unsigned i = 0; i < RESOLVER_THREADS / 2; i++)
		sem_wait(&entered);
	for (uint64_t i = 0; i < 200; i++) {
		assert_int_equal(resolver_ask(r, i, "192.0.2.7", false), 0);
		assert_int_equal(await(r).id, i);
	}
	for (unsigned i = 0; i < RESOLVER_THREADS / 2 - 1; i++)
		assert_int_equal(resolver_ask(r, 101, "hang", false), 0);
	for (unsigned i = 0; i < RESOLVER_THREADS / 2 - 1; i++)
		sem_wait(&entered);
	assert_int_equal(resolver_ask(r, 200, "192.0.2.7", false), 0);
	assert_int_equal(await(r).id, 200);
	for (unsigned i = 0; i < RESOLVER_QUEUE; i++)
		sem_post(&release);
	for (unsigned i = 0; i < RESOLVER_QUEUE / 2 + RESOLVER_THREADS / 2 - 1; i++)
		assert_in_range(await(r).id, 100, 101);
	assert_int_equal(resolver_ask(r, 201, "192.0.2.7", true), 0);
	assert_int_equal(await(r).id, 201);
}

/* Sixty new names have servers that do not answer: another name is still resolved at once. */
static void test_many_silent_servers(void **state)
{
	struct resolver *r = *state;

	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(resolver_ask(r, 100, "hang", false), 0);
	assert_int_equal(resolver_ask(r, 1, "192.0.2.7", false), 0);
	assert_int_equal(await(r).id, 1);
	for (unsigned i = 0; i < 60; i++)
		sem_post(&release);
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(await(r).id, 100);
}

/* The descriptor is not readable after all answers are read. */
static void test_quiet(void **state)
{
	struct resolver *r = *state;
	struct pollfd p = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolver_answer a;

	assert_int_equal(resolver_ask(r, 1, "192.0.2.7", false), 0);
	(void)await(r);
	assert_false(resolver_next(r, &a));
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* Pending queries are counted, whether queued, running or not yet read. */
static void test_bounded(void **state)
{
	struct resolver *r = *state;
	char longest[RESOLVER_HOST_LEN + 1];

	assert_int_equal(resolver_ask(r, 0, "hang", false), 0);
	sem_wait(&entered);
	for (uint64_t i = 1; i < RESOLVER_QUEUE; i++)
		assert_int_equal(resolver_ask(r, i, "192.0.2.7", false), 0);
	assert_int_equal(resolver_ask(r, 99, "192.0.2.7", false), -EAGAIN);
	for (unsigned i = 1; i < RESOLVER_QUEUE; i++)
		assert_in_range(await(r).id, 1, RESOLVER_QUEUE - 1);
	sem_post(&release);
	assert_int_equal(await(r).id, 0);
	memset(longest, 'a', RESOLVER_HOST_LEN);
	longest[RESOLVER_HOST_LEN] = '\0';
	assert_int_equal(resolver_ask(r, 1, longest, false), -ENAMETOOLONG);
}

/* Closing does not wait for a name server that does not answer; the threads end later. */
static void test_close_while_it_hangs(void **state)
{
	struct resolver *r;

	(void)state;
	assert_int_equal(resolver_open(&r), 0);
	assert_int_equal(resolver_ask(r, 1, "hang", false), 0);
	assert_int_equal(resolver_ask(r, 2, "192.0.2.7", false), 0);
	sem_wait(&entered);
	resolver_close(r); /* a wait would exceed the test's time limit */
	sem_post(&release);
	resolver_close(NULL);
}

/** A client whose other end a thread serves. */
struct served {
	struct resolver_client *client;
	int fd; /* the other end */
	pthread_t thread;
};

static void *serve(void *ctx)
{
	const struct served *s = ctx;

	assert_int_equal(resolver_serve(s->fd), 0);
	return NULL;
}

static void open_client(struct served *s, bool with_server)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	s->fd = fds[1];
	assert_int_equal(resolver_client_new(fds[0], &s->client), 0);
	if (with_server)
		assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static struct resolver_answer await_client(const struct served *s)
{
	struct pollfd p = { .fd = resolver_client_fd(s->client), .events = POLLIN };
	struct resolver_answer a;

	while (!resolver_client_next(s->client, &a))
		assert_int_equal(poll(&p, 1, 10000), 1);
	return a;
}

/* Another process answers as threads do. */
static void test_client(void **state)
{
	struct served s;
	struct resolver_answer a;

	open_client(&s, true);
	assert_int_equal(resolver_client_ask(s.client, 7, "192.0.2.7", false), 0);
	a = await_client(&s);
	assert_int_equal(a.id, 7);
	assert_int_equal(a.n, 1);
	assert_int_equal(resolver_client_ask(s.client, 8, "none", true), 0);
	a = await_client(&s);
	assert_int_equal(a.id, 8);
	assert_int_equal(a.code, EAI_NONAME);
	assert_int_equal(a.n, 0);
	resolver_client_free(s.client);
	assert_int_equal(pthread_join(s.thread, NULL), 0);
	close(s.fd);
}

/* What the other process must not send is ignored; when it ends, pending queries fail. */
static void test_client_distrusts(void **state)
{
	struct served s;
	struct resolver_answer a = { .id = 7, .n = 1 };

	open_client(&s, false);
	assert_int_equal(resolver_client_ask(s.client, 7, "a", false), 0);
	assert_int_equal(resolver_client_ask(s.client, 8, "b", false), 0);
	a.v[0].addr.family = AF_UNIX;
	assert_int_equal(send(s.fd, &a, sizeof(a), 0), sizeof(a));
	a.v[0].addr.family = AF_INET;
	a.n = RESOLVER_ADDRS + 1;
	assert_int_equal(send(s.fd, &a, sizeof(a), 0), sizeof(a));
	a.n = 0; /* neither addresses nor a reason */
	assert_int_equal(send(s.fd, &a, sizeof(a), 0), sizeof(a));
	a.n = 1;
	a.id = 99; /* not asked */
	assert_int_equal(send(s.fd, &a, sizeof(a), 0), sizeof(a));
	a.id = 7;
	assert_int_equal(send(s.fd, &a, sizeof(a) - 1, 0), sizeof(a) - 1);
	assert_false(resolver_client_next(s.client, &a));
	resolver_fail_all(s.fd);
	for (int i = 0; i < 2; i++) {
		a = await_client(&s);
		assert_in_range(a.id, 7, 8);
		assert_int_equal(a.code, RESOLVER_ENDED);
	}
	assert_false(resolver_client_next(s.client, &a));
	resolver_client_free(s.client);
	close(s.fd);
}

/* The other end is closed: what is pending fails, and there is nothing to wait for. */
static void test_client_ends(void **state)
{
	struct resolver_answer a;
	struct served s;

	open_client(&s, false);
	assert_int_equal(resolver_client_ask(s.client, 7, "a", false), 0);
	assert_false(resolver_client_next(s.client, &a));
	assert_false(resolver_client_has_ended(s.client));
	close(s.fd);
	assert_true(resolver_client_next(s.client, &a));
	assert_int_equal(a.id, 7);
	assert_int_equal(a.code, RESOLVER_ENDED);
	assert_false(resolver_client_next(s.client, &a));
	assert_true(resolver_client_has_ended(s.client));
	assert_true(resolver_client_ask(s.client, 8, "b", false) < 0);
	resolver_client_free(s.client);
}

/* As many queries are pending as with threads, half of them for doubtful names. */
static void test_client_bounded(void **state)
{
	struct served s;

	open_client(&s, false);
	for (uint64_t i = 0; i < RESOLVER_QUEUE / 2; i++)
		assert_int_equal(resolver_client_ask(s.client, i, "a", true), 0);
	assert_int_equal(resolver_client_ask(s.client, 1000, "a", true), -EAGAIN);
	for (uint64_t i = 0; i < RESOLVER_QUEUE / 2; i++)
		assert_int_equal(resolver_client_ask(s.client, 2000 + i, "a", false), 0);
	assert_int_equal(resolver_client_ask(s.client, 1000, "a", false), -EAGAIN);
	resolver_client_free(s.client);
	close(s.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_silent_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_while_it_hangs, setup, teardown),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_distrusts),
		cmocka_unit_test(test_client_ends),
		cmocka_unit_test(test_client_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
