/* SPDX-License-Identifier: MIT */
/* Tests of the loop that serves keys, in a process of its own, and of its client in the engine. */
#include "backend/keys_server.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/keys_client.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/x25519.h"

#define CAPACITY 2

/* How long to try what needs no time but that of a busy host. */
#define PATIENCE (60 * NS_PER_S)

/** A server, and both its sockets. */
struct bench {
	int engine[2];
	int monitor[2];
	pid_t pid;
	struct keys_client client;
	uint8_t public_key[WG_KEY_LEN];
};

static void serve(struct bench *b) __attribute__((noreturn));

static void serve(struct bench *b)
{
	static struct wg_key_peer peers[CAPACITY];
	struct wg_key_table table;

	close(b->monitor[0]);
	if (wg_key_table_init(&table, peers, CAPACITY, random_system()) < 0)
		_exit(1);
	keys_serve(&table, b->monitor[1], b->engine[1]);
	_exit(0);
}

static void start(struct bench *b)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, b->monitor), 0);
	b->pid = fork();
	if (b->pid == 0)
		serve(b);
	assert_true(b->pid > 0);
	close(b->monitor[1]);
}

static void end(struct bench *b, int signal)
{
	int status;

	if (signal)
		assert_int_equal(kill(b->pid, signal), 0);
	close(b->monitor[0]);
	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	if (!signal)
		assert_int_equal(status, 0);
}

static void change(struct bench *b, uint32_t type, const uint8_t *peer, const uint8_t *secret)
{
	struct wg_key_change m = { .type = type };

	if (peer)
		memcpy(m.peer, peer, WG_KEY_LEN);
	if (secret)
		memcpy(m.secret, secret, WG_KEY_LEN);
	assert_int_equal(send(b->monitor[0], &m, sizeof(m), 0), sizeof(m));
}

/* Ask for an initiation to a peer until there is an answer other than that there is none. */
static int initiate(struct bench *b, const uint8_t *peer)
{
	const struct wg_key_service *s = &b->client.client.service;
	struct mono until = mono_add(clock_mono(), PATIENCE);
	struct wg_initiation msg;
	int err;

	do {
		err = s->make_initiation(s->ctx, peer, 3, (uint8_t[WG_TIMESTAMP_LEN]){ 1 }, &msg);
		if (err == -ETIMEDOUT)
			(void)usleep(10000);
	} while (err == -ETIMEDOUT && !mono_reached(until, clock_mono()));
	if (!err)
		assert_int_equal(load_le32(msg.sender), 3);
	return err;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const uint8_t key[WG_KEY_LEN] = { 0xff };

	assert_non_null(b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, b->engine), 0);
	start(b);
	assert_int_equal(x25519_public(key, b->public_key), 0);
	keys_client_open(&b->client, b->engine[0]);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	close(b->engine[0]);
	close(b->engine[1]);
	free(b);
	return 0;
}

static void test_serve(void **state)
{
	struct bench *b = *state;
	const uint8_t key[WG_KEY_LEN] = { 0xfe };

	assert_int_equal(initiate(b, b->public_key), -ENOENT);
	/* a change counts for each request that is sent after it */
	for (unsigned i = 0; i < 50; i++) {
		change(b, WG_KEY_SET_IDENTITY, NULL, key);
		change(b, WG_KEY_SET_PEER, b->public_key, NULL);
		assert_int_equal(initiate(b, b->public_key), 0);
		change(b, WG_KEY_REMOVE_PEER, b->public_key, NULL);
		assert_int_equal(initiate(b, b->public_key), -ENOENT);
	}
	/* packets that are no requests are ignored */
	for (size_t len = 0; len < 400; len += 13) {
		uint8_t packet[400];

		memset(packet, (int)len, sizeof(packet));
		assert_int_equal(send(b->engine[0], packet, len, 0), len);
	}
	change(b, WG_KEY_SET_PEER, b->public_key, NULL);
	assert_int_equal(initiate(b, b->public_key), 0);
	end(b, 0);
}

/* It ends at a wrong change, or if there is no room, for the monitor to start another one. */
static void test_ends(void **state)
{
	struct bench *b = *state;
	int status;

	assert_int_equal(send(b->monitor[0], "wrong", 5, 0), 5);
	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	close(b->monitor[0]);
	start(b);
	for (uint8_t i = 1; i <= CAPACITY + 1; i++)
		change(b, WG_KEY_SET_PEER, (uint8_t[WG_KEY_LEN]){ i }, NULL);
	assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
	close(b->monitor[0]);
}

/* Without an answer requests fail in a bounded time, then at once; a new process on the same socket
 * serves them, after the ones without an answer. */
static void test_crash(void **state)
{
	struct bench *b = *state;
	const struct wg_key_service *s = &b->client.client.service;
	const uint8_t key[WG_KEY_LEN] = { 0xfe };
	struct wg_initiation msg = { { 0 } };
	uint8_t peer[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];

	change(b, WG_KEY_SET_IDENTITY, NULL, key);
	change(b, WG_KEY_SET_PEER, b->public_key, NULL);
	assert_int_equal(initiate(b, b->public_key), 0);
	end(b, SIGKILL);
	store_le32(msg.type, WG_MSG_INITIATION);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(s->open_initiation(s->ctx, &msg, peer, timestamp), -ETIMEDOUT);
	assert_true(mono_is_set(b->client.again));
	start(b);
	change(b, WG_KEY_SET_IDENTITY, NULL, key);
	change(b, WG_KEY_SET_PEER, b->public_key, NULL);
	assert_int_equal(initiate(b, b->public_key), 0);
	assert_false(mono_is_set(b->client.again));
	assert_int_equal(s->open_initiation(s->ctx, &msg, peer, timestamp), -EBADMSG);
	end(b, 0);
}

/* Answers that another engine has left, whatever their numbers, delay no request of the next. */
static void test_left_answers(void **state)
{
	struct bench *b = *state;
	struct wg_key_request request = { .seq = UINT64_MAX, .type = WG_KEY_OPEN_INITIATION };
	struct pollfd p = { .fd = b->engine[0], .events = POLLIN };

	store_le32(request.message, WG_MSG_INITIATION);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(send(b->engine[0], &request, sizeof(request), 0), sizeof(request));
	assert_int_equal(poll(&p, 1, (int)(PATIENCE / NS_PER_MS)), 1);
	assert_int_not_equal(initiate(b, b->public_key), -EBADMSG);
	end(b, 0);
}

/* An engine that sends and does not read does not keep the process from changes. */
static void test_full(void **state)
{
	struct bench *b = *state;
	struct wg_key_request request = { .seq = 1, .type = WG_KEY_OPEN_INITIATION };
	unsigned sent = 0;
	struct mono until = mono_add(clock_mono(), PATIENCE);

	store_le32(request.message, WG_MSG_INITIATION);
	while (sent < 4000 && !mono_reached(until, clock_mono()))
		if (send(b->engine[0], &request, sizeof(request), MSG_DONTWAIT) > 0)
			sent++;
		else
			(void)usleep(1000);
	assert_int_equal(sent, 4000);
	change(b, WG_KEY_SET_IDENTITY, NULL, (uint8_t[WG_KEY_LEN]){ 0xfe });
	change(b, WG_KEY_SET_PEER, b->public_key, NULL);
	assert_int_equal(initiate(b, b->public_key), 0);
	end(b, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_serve, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
