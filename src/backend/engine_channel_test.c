/* SPDX-License-Identifier: MIT */
/* Tests of the channel between monitor and engine: long messages, many descriptors, and a peer that
 * sends what it must not. */
#include "backend/engine_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define LONG ((size_t)5 << 20)

/** Both ends. */
struct pair {
	struct engine_channel monitor;
	struct engine_channel engine;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_non_null(p);
	assert_int_equal(engine_channel_pair(fds), 0);
	engine_channel_open(&p->monitor, fds[0], ENGINE_FROM_ENGINE);
	engine_channel_open(&p->engine, fds[1], ENGINE_FROM_MONITOR);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	engine_channel_close(&p->monitor);
	engine_channel_close(&p->engine);
	free(p);
	return 0;
}

static struct mono soon(void)
{
	return mono_add(clock_mono(), 60 * NS_PER_S);
}

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Longer than the socket's buffer: a child sends, this process receives. */
static void test_long(void **state)
{
	struct pair *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_TEXT, .seq = 9 } };
	struct engine_message got;
	uint8_t *body = malloc(LONG);
	int result = 0;
	pid_t pid;

	assert_non_null(body);
	for (size_t i = 0; i < LONG; i++)
		body[i] = (uint8_t)(i * 7 + (i >> 12));
	m.body = body;
	pid = fork();
	if (pid == 0)
		_exit(-engine_channel_send(&p->engine, &m, LONG, 0, soon()));
	while (result == 0 && engine_channel_wait(&p->monitor, -1, soon()))
		result = engine_channel_receive(&p->monitor, &got);
	assert_int_equal(result, 1);
	assert_int_equal(got.head.len, LONG);
	assert_int_equal(got.head.seq, 9);
	assert_memory_equal(got.body, body, LONG);
	assert_int_equal(((const char *)got.body)[LONG], 0);
	free(body);
}

/* More descriptors than a packet takes. */
static void test_descriptors(void **state)
{
	struct pair *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_APPLY }, .body = "configuration" };
	struct engine_message got;
	int before = count_descriptors();
	int fds[150];

	for (int i = 0; i < 150; i++)
		fds[i] = p->monitor.fd;
	m.fds = fds;
	assert_int_equal(engine_channel_send(&p->monitor, &m, 13, 150, soon()), 0);
	assert_int_equal(engine_channel_receive(&p->engine, &got), 1);
	assert_string_equal(got.body, "configuration");
	assert_int_equal(got.head.fds, 150);
	assert_int_equal(count_descriptors(), before + 150);
	for (uint32_t i = 0; i < got.head.fds; i++)
		close(got.fds[i]);
}

/* A message that is not allowed is refused, and its descriptors are closed. */
static void test_refused(void **state)
{
	struct pair *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_APPLY } };
	struct engine_message got;
	int before = count_descriptors();

	m.fds = &p->engine.fd;
	assert_int_equal(engine_channel_send(&p->engine, &m, 0, 1, soon()), 0);
	assert_int_equal(engine_channel_receive(&p->monitor, &got), -EBADMSG);
	assert_int_equal(send(p->engine.fd, "short", 5, 0), 5);
	assert_int_equal(engine_channel_receive(&p->monitor, &got), -EBADMSG);
	assert_int_equal(count_descriptors(), before);
}

static void test_ended(void **state)
{
	struct pair *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_REPORT } };
	struct engine_message got;

	assert_int_equal(engine_channel_receive(&p->monitor, &got), 0);
	engine_channel_close(&p->engine);
	assert_int_equal(engine_channel_receive(&p->monitor, &got), -EPIPE);
	assert_int_equal(engine_channel_send(&p->monitor, &m, 0, 0, soon()), -EPIPE);
}

/* A peer that does not read does not block for longer than allowed. */
static void test_full(void **state)
{
	struct pair *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_LOG }, .body = "line" };
	int err = 0;

	for (int i = 0; i < 1000000 && !err; i++)
		err = engine_channel_send(&p->engine, &m, 4, 0, (struct mono){ 1 });
	assert_int_equal(err, -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
