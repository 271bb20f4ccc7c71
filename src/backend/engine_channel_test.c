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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/test_channel.h"
#include "base/test_alloc.h"

#define LONG ((size_t)5 << 20)

/* Longer than the socket's buffer: a child sends, this process receives. */
static void test_long(void **state)
{
	struct test_channel *p = *state;
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
		_exit(-engine_channel_send(&p->engine, &m, LONG, 0, test_soon()));
	while (result == 0 && engine_channel_wait(&p->monitor.channel, -1, test_soon()))
		result = engine_channel_receive(&p->monitor.channel, &got);
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
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_APPLY }, .body = "configuration" };
	struct engine_message got;
	int before = test_count_descriptors();
	int fds[150];

	for (int i = 0; i < 150; i++)
		fds[i] = p->monitor.channel.fd;
	m.fds = fds;
	assert_int_equal(engine_channel_send(&p->monitor.channel, &m, 13, 150, test_soon()), 0);
	assert_int_equal(engine_channel_receive(&p->engine, &got), 1);
	assert_string_equal(got.body, "configuration");
	assert_int_equal(got.head.fds, 150);
	assert_int_equal(test_count_descriptors(), before + 150);
	for (uint32_t i = 0; i < got.head.fds; i++)
		close(got.fds[i]);
}

/* What an engine with many sessions lends: its body is only there to make more packets. */
static void test_lent(void **state)
{
	struct test_channel *p = *state;
	static const uint8_t body[200];
	struct engine_message m = { .head = { .type = ENGINE_LENT }, .body = body };
	struct engine_message got;
	int before = test_count_descriptors();
	int fds[200];

	for (int i = 0; i < 200; i++)
		fds[i] = p->engine.fd;
	m.fds = fds;
	p->monitor.channel.takes_fds = true;
	assert_int_equal(engine_channel_send(&p->engine, &m, 200, 200, test_soon()), 0);
	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), 1);
	assert_int_equal(got.head.fds, 200);
	assert_int_equal(test_count_descriptors(), before + 200);
	for (uint32_t i = 0; i < got.head.fds; i++)
		close(got.fds[i]);
}

/* A message that is not allowed is refused, and its descriptors are closed. */
static void test_refused(void **state)
{
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_APPLY } };
	struct engine_message got;
	int before = test_count_descriptors();

	m.fds = &p->engine.fd;
	assert_int_equal(engine_channel_send(&p->engine, &m, 0, 1, test_soon()), 0);
	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), -EBADMSG);
	assert_int_equal(send(p->engine.fd, "short", 5, 0), 5);
	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), -EBADMSG);
	assert_int_equal(test_count_descriptors(), before);
}

static void test_ended(void **state)
{
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_REPORT } };
	struct engine_message got;

	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), 0);
	engine_channel_close(&p->engine);
	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), -EPIPE);
	assert_int_equal(engine_channel_send(&p->monitor.channel, &m, 0, 0, test_soon()), -EPIPE);
}

/* A peer that does not read does not block for longer than allowed. */
static void test_full(void **state)
{
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_LOG }, .body = "line" };
	int err = 0;

	for (int i = 0; i < 1000000 && !err; i++)
		err = engine_channel_send(&p->engine, &m, 4, 0, (struct mono){ 1 });
	assert_int_equal(err, -ETIMEDOUT);
}

/* Send a packet with the process's own credentials and one descriptor. */
static void send_with_credentials(int to, const void *packet, size_t len, int fd)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)packet, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct ucred own = { getpid(), getuid(), getgid() };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_CREDENTIALS;
	cm->cmsg_len = CMSG_LEN(sizeof(own));
	memcpy(CMSG_DATA(cm), &own, sizeof(own));
	cm = CMSG_NXTHDR(&msg, cm);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &msg, 0), len);
}

/* Other control messages than descriptors are passed over, and the descriptors are not lost. */
static void test_other_control(void **state)
{
	struct test_channel *p = *state;
	struct engine_head head = { .type = ENGINE_APPLY, .fds = 1 };
	struct engine_message got;
	int before = test_count_descriptors();
	int on = 1;

	assert_int_equal(setsockopt(p->engine.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	send_with_credentials(p->monitor.channel.fd, &head, sizeof(head), p->monitor.channel.fd);
	assert_int_equal(engine_channel_receive(&p->engine, &got), 1);
	assert_int_equal(got.head.fds, 1);
	assert_int_equal(test_count_descriptors(), before + 1);
	close(got.fds[0]);
}

/* A packet that is longer than any is refused. */
static void test_too_long(void **state)
{
	static const uint8_t packet[65536];
	struct test_channel *p = *state;
	struct engine_message got;

	assert_int_equal(send(p->engine.fd, packet, sizeof(packet), 0), sizeof(packet));
	assert_int_equal(engine_channel_receive(&p->monitor.channel, &got), -EBADMSG);
}

/* Without memory, a message is refused and its descriptors are closed. */
static void test_out_of_memory(void **state)
{
	struct test_channel *p = *state;
	struct engine_message m = { .head = { .type = ENGINE_APPLY }, .body = "x" };
	struct engine_message got;
	int before = test_count_descriptors();
	unsigned n = 0;
	int err;

	m.fds = &p->monitor.channel.fd;
	do {
		assert_int_equal(
			engine_channel_send(&p->monitor.channel, &m, 1, 1, test_soon()), 0);
		alloc_fail_after(n++);
		err = engine_channel_receive(&p->engine, &got);
		if (alloc_succeed()) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(test_count_descriptors(), before);
		}
	} while (err < 0);
	assert_int_equal(err, 1);
	assert_int_equal(n, 3); /* descriptors, and the body */
	assert_int_equal(test_count_descriptors(), before + 1);
	close(got.fds[0]);
}

static void test_no_socket(void **state)
{
	struct test_channel *p = *state;
	struct engine_channel other;
	struct engine_message got;
	struct rlimit before;
	int fds[2];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }), 0);
	assert_int_equal(engine_channel_pair(fds), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	engine_channel_open(&other, open("/dev/null", O_RDWR | O_CLOEXEC), ENGINE_FROM_ENGINE);
	assert_int_equal(engine_channel_receive(&other, &got), -ENOTSOCK);
	engine_channel_close(&other);
	engine_channel_close(&other); /* a second time is no error */
	assert_int_equal(engine_channel_receive(&p->engine, &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_long, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_descriptors, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_lent, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_refused, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_ended, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(test_full, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_other_control, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_too_long, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_out_of_memory, test_channel_open, test_channel_close),
		cmocka_unit_test_setup_teardown(
			test_no_socket, test_channel_open, test_channel_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
