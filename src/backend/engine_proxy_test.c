/* SPDX-License-Identifier: MIT */
/* Tests of the monitor's end of the channel against an engine that an attacker controls: it passes
 * descriptors on that are not asked for, and sends without end. */
#include "backend/engine_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/test_channel.h"
#include "base/log.h"

#define FDS 70

/* ---- descriptors ---- */

static void lend(struct test_channel *p, uint32_t seq)
{
	struct engine_message m = { .head = { .type = ENGINE_LENT, .seq = seq } };
	static const uint8_t body[FDS];
	int fds[FDS];

	for (int i = 0; i < FDS; i++)
		fds[i] = p->engine.fd;
	m.body = body;
	m.fds = fds;
	assert_int_equal(engine_channel_send(&p->engine, &m, FDS, FDS, test_soon()), 0);
}

static int await(struct test_channel *p, uint32_t seq, struct engine_message *ret)
{
	return engine_proxy_await(&p->monitor, seq, -1, test_soon(), ret);
}

static void test_not_asked_for(void **state)
{
	struct test_channel *p = *state;
	struct engine_message got;
	int before = test_count_descriptors();

	lend(p, 0);
	assert_int_equal(engine_proxy_read(&p->monitor), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
	lend(p, 7);
	assert_int_equal(await(p, 7, &got), -EBADMSG); /* in place of another reply */
	assert_int_equal(test_count_descriptors(), before);
	lend(p, 6);
	assert_int_equal(await(p, 7, &got), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
}

/* Begin to lend, with as many descriptors as a packet takes; `*ret`: the packet. */
static void lend_part(struct test_channel *p, struct engine_head *ret)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(ENGINE_PACKET_FDS * sizeof(int))];
	} control = { .bytes = { 0 } };
	uint8_t byte = 0;
	struct iovec iov[2] = { { ret, sizeof(*ret) }, { &byte, 1 } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fds[ENGINE_PACKET_FDS];

	for (int i = 0; i < ENGINE_PACKET_FDS; i++)
		fds[i] = p->engine.fd;
	*ret = (struct engine_head){ .type = ENGINE_LENT, .len = 65536, .fds = 65536 };
	control.head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(fds)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS
	};
	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	assert_int_equal(sendmsg(p->engine.fd, &msg, 0), sizeof(*ret) + 1);
}

/* A message with descriptors that never ends does not fill the table of descriptors. */
static void test_begun(void **state)
{
	struct test_channel *p = *state;
	struct engine_message got;
	struct engine_head head = { 0 };
	int before = test_count_descriptors();

	lend_part(p, &head);
	assert_int_equal(engine_proxy_read(&p->monitor), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
	lend_part(p, &head);
	assert_int_equal(await(p, 7, &got), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
}

/* A message whose rest does not come ends the engine, also when nothing arrives any more. */
static void test_overdue(void **state)
{
	struct test_channel *p = *state;
	struct {
		struct engine_head head;
		uint8_t byte;
	} packet = { .head = { .type = ENGINE_TEXT, .len = 2 } };
	struct engine_message got;

	assert_false(mono_is_set(engine_proxy_deadline(&p->monitor)));
	assert_true(send(p->engine.fd, &packet, sizeof(packet.head) + 1, 0) > 0);
	assert_int_equal(engine_proxy_read(&p->monitor), 0);
	assert_true(mono_is_set(engine_proxy_deadline(&p->monitor)));
	assert_int_equal(engine_proxy_read(&p->monitor), 0);
	p->monitor.channel.begun = (struct mono){ 1 };
	assert_int_equal(await(p, 7, &got), -ETIMEDOUT);
	assert_int_equal(engine_proxy_read(&p->monitor), -ETIMEDOUT);
}

static void test_asked_for(void **state)
{
	struct test_channel *p = *state;
	struct engine_message got;
	int before = test_count_descriptors();

	p->monitor.channel.takes_fds = true;
	lend(p, 7);
	assert_int_equal(await(p, 7, &got), 0);
	assert_int_equal(got.head.type, ENGINE_LENT);
	assert_int_equal(got.head.fds, FDS);
	assert_int_equal(test_count_descriptors(), before + FDS);
	for (int i = 0; i < FDS; i++)
		close(got.fds[i]);
	lend(p, 6);
	assert_int_equal(await(p, 7, &got), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
}

/* ---- messages without end ---- */

static void send_lines(struct test_channel *p)
{
	const struct engine_message m = { .head = { .type = ENGINE_LOG, .value = LOG_LEVEL_DEBUG },
		.body = "line" };

	while (engine_channel_send(&p->engine, &m, 4, 0, test_soon()) == 0)
		;
}

/* One message, in parts of one byte. */
static void send_parts(struct test_channel *p)
{
	struct {
		struct engine_head head;
		uint8_t byte;
	} packet = { .head = { .type = ENGINE_TEXT, .seq = 1, .len = 64U << 20 } };

	(void)fcntl(p->engine.fd, F_SETFL, 0);
	while (send(p->engine.fd, &packet, sizeof(packet.head) + 1, MSG_NOSIGNAL) > 0)
		packet.head.offset++;
}

/* Let a child send while this process does something. */
static pid_t start(struct test_channel *p, void (*flood)(struct test_channel *p))
{
	pid_t pid = fork();

	if (pid == 0) {
		close(p->monitor.channel.fd);
		flood(p);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_true(engine_channel_wait(&p->monitor.channel, -1, test_soon()));
	return pid;
}

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	alarm(0);
}

static void test_flood_of(struct test_channel *p, void (*flood)(struct test_channel *p))
{
	struct engine_message got;
	pid_t pid;

	alarm(60);
	pid = start(p, flood);
	for (int i = 0; i < 10; i++)
		assert_int_equal(engine_proxy_read(&p->monitor), 0);
	assert_int_equal(engine_proxy_await(&p->monitor, 1, -1, test_after(NS_PER_S / 10), &got),
		-ETIMEDOUT);
	stop(pid);
}

static void test_lines(void **state)
{
	test_flood_of(*state, send_lines);
}

static void test_parts(void **state)
{
	test_flood_of(*state, send_parts);
}

/* A reply that is there is taken, although it is late, and follows others. */
static void test_late(void **state)
{
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_TEXT }, .body = "reply" };
	struct engine_message got;

	for (uint32_t seq = 1; seq <= 7; seq++) {
		m.head.seq = seq;
		assert_int_equal(engine_channel_send(&p->engine, &m, 5, 0, test_soon()), 0);
	}
	assert_int_equal(engine_proxy_await(&p->monitor, 7, -1, (struct mono){ 1 }, &got), 0);
	assert_string_equal(got.body, "reply");
}

/* ---- an engine that does not read ---- */

/* Fill the engine's queue. Return: the number of messages. */
static unsigned fill(struct test_channel *p)
{
	const struct engine_message m = { .head = { .type = ENGINE_REPORT } };
	unsigned n = 0;

	while (engine_channel_send(&p->monitor.channel, &m, 0, 0, (struct mono){ 1 }) == 0)
		n++;
	return n;
}

static void ask_for_port(struct test_channel *p)
{
	const struct engine_message m = {
		.head = { .type = ENGINE_PORT, .code = ENGINE_PORT_TRY, .port = 9 }
	};

	assert_int_equal(engine_channel_send(&p->engine, &m, 0, 0, test_soon()), 0);
}

/* The monitor waits for no room: the answer is sent when there is some, a second request before
 * that is not allowed, and in the end the engine is. */
static void test_unread_answer(void **state)
{
	struct test_channel *p = *state;
	struct engine_message got;
	struct held_ports held = { 0 };
	unsigned n = fill(p);
	struct mono before = clock_mono();

	p->monitor.held = &held;
	ask_for_port(p); /* one that it may not have */
	assert_int_equal(engine_proxy_read(&p->monitor), 0);
	assert_int_equal(engine_proxy_await(&p->monitor, 1, -1, test_after(NS_PER_S / 20), &got),
		-ETIMEDOUT);
	assert_true(mono_between(before, clock_mono()) < 9 * NS_PER_S);
	assert_true(mono_is_set(engine_proxy_deadline(&p->monitor)));
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(engine_channel_receive(&p->engine, &got), 1);
	assert_int_equal(engine_channel_receive(&p->engine, &got), 0);
	assert_int_equal(engine_proxy_read(&p->monitor), 0);
	assert_int_equal(engine_channel_receive(&p->engine, &got), 1);
	assert_int_equal(got.head.type, ENGINE_PORT_RESULT);
	assert_int_equal(got.head.code, -EPERM);
	assert_false(mono_is_set(engine_proxy_deadline(&p->monitor)));
	(void)fill(p);
	ask_for_port(p);
	ask_for_port(p);
	assert_int_equal(engine_proxy_read(&p->monitor), -EBADMSG);
	p->monitor.answer_until = (struct mono){ 1 };
	assert_true(engine_proxy_read(&p->monitor) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_not_asked_for, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_begun, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_overdue, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_asked_for, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_lines, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_parts, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_late, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_unread_answer, test_channel_open, test_channel_close),
	};

	log_set_level(LOG_LEVEL_SILENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
