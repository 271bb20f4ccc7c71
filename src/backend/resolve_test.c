/* SPDX-License-Identifier: MIT */
/* Tests of the resolver with a C library that answers, refuses or hangs as the name says. */
#include "backend/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static sem_t entered; /* the thread hangs within the C library */
static sem_t release;

int __real_getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

/* "hang" waits for `release`, "none" does not exist, "twice" has an address twice; the rest are
 * addresses. */
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

static struct resolve_answer await(struct resolver *r)
{
	struct pollfd p = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolve_answer a;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(poll(&p, 1, 10000), 1);
		if (resolver_next(r, &a))
			return a;
	}
	fail();
	return a;
}

/* Each name with its answer, in the order of the questions. */
static void test_answers(void **state)
{
	static const struct {
		const char *host;
		const char *first; /* as endpoint_text() says it; NULL: a problem */
	} cases[] = {
		{ "192.0.2.7", "192.0.2.7:0" },
		{ "none", NULL },
		{ "2001:db8::7", "[2001:db8::7]:0" },
		{ "fe80::7%1", "[fe80::7%1]:0" },
		{ "twice", "192.0.2.1:0" },
	};
	struct resolver *r = *state;
	char text[ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(resolver_ask(r, 100 + i, cases[i].host), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct resolve_answer a = await(r);

		assert_int_equal(a.id, 100 + i);
		assert_int_equal(a.n, cases[i].first ? 1 : 0);
		assert_true(!a.problem == (cases[i].first != NULL));
		if (cases[i].first)
			assert_string_equal(endpoint_text(&a.v[0], text), cases[i].first);
	}
}

/* The descriptor is quiet once all answers are taken. */
static void test_quiet(void **state)
{
	struct resolver *r = *state;
	struct pollfd p = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolve_answer a;

	assert_int_equal(resolver_ask(r, 1, "192.0.2.7"), 0);
	(void)await(r);
	assert_false(resolver_next(r, &a));
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* Open questions are counted, whether asked, under way or not taken yet. */
static void test_bounded(void **state)
{
	struct resolver *r = *state;
	char longest[RESOLVE_HOST_LEN + 1];

	assert_int_equal(resolver_ask(r, 0, "hang"), 0);
	sem_wait(&entered);
	for (uint64_t i = 1; i < RESOLVE_QUEUE; i++)
		assert_int_equal(resolver_ask(r, i, "192.0.2.7"), 0);
	assert_int_equal(resolver_ask(r, 99, "192.0.2.7"), -EAGAIN);
	sem_post(&release);
	assert_int_equal(await(r).id, 0);
	assert_int_equal(resolver_ask(r, RESOLVE_QUEUE, "192.0.2.7"), 0);
	assert_int_equal(resolver_ask(r, 99, "192.0.2.7"), -EAGAIN);
	for (uint64_t i = 1; i <= RESOLVE_QUEUE; i++)
		assert_int_equal(await(r).id, i);
	memset(longest, 'a', RESOLVE_HOST_LEN);
	longest[RESOLVE_HOST_LEN] = '\0';
	assert_int_equal(resolver_ask(r, 1, longest), -ENAMETOOLONG);
}

/* Who closes does not wait for a name server that is silent; the thread ends by itself later. */
static void test_close_while_it_hangs(void **state)
{
	struct resolver *r;

	(void)state;
	assert_int_equal(resolver_open(&r), 0);
	assert_int_equal(resolver_ask(r, 1, "hang"), 0);
	assert_int_equal(resolver_ask(r, 2, "192.0.2.7"), 0);
	sem_wait(&entered);
	resolver_close(r); /* the test's time limit judges */
	sem_post(&release);
	resolver_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quiet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_while_it_hangs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
