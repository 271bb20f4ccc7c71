/* SPDX-License-Identifier: MIT */
/* Tests of the monitor against replies of an engine that an attacker controls: peers that the site
 * does not have, and a status of any length. */
#include "backend/isolated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/isolated_engine.h"
#include "backend/test_channel.h"
#include "ctlproto/status.h"

/** A site with two peers, and the engine's end of the channel. */
struct site {
	struct isolated_site monitor;
	struct conf_site conf;
	struct conf_peer peers[2];
	struct key_ring_peer keys[2];
	struct engine_channel engine;
};

static int set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	int fds[2];

	assert_non_null(s);
	conf_site_init(&s->conf);
	s->conf.peers = s->peers;
	s->conf.n_peers = 2;
	for (int i = 0; i < 2; i++)
		s->peers[i].public_key[0] = s->keys[i].public_key[0] = (uint8_t)(i + 1);
	s->monitor.conf = &s->conf;
	s->monitor.keys.now.peers = s->keys;
	s->monitor.keys.now.n = 2;
	s->monitor.engine.pid = 1;
	assert_int_equal(engine_channel_pair(fds), 0);
	engine_channel_open(&s->monitor.engine.channel, fds[0], ENGINE_FROM_ENGINE);
	engine_channel_open(&s->engine, fds[1], ENGINE_FROM_MONITOR);
	*state = s;
	return 0;
}

static int clean_up(void **state)
{
	struct site *s = *state;

	engine_channel_close(&s->monitor.engine.channel);
	engine_channel_close(&s->engine);
	free(s);
	return 0;
}

/* Reply to the next request, before it is made. */
static void reply(struct site *s, const void *body, size_t len)
{
	const struct engine_message m = {
		.head = { .type = ENGINE_TEXT, .seq = s->monitor.engine.seq + 1 }, .body = body
	};

	assert_int_equal(engine_channel_send(&s->engine, &m, len, 0, test_soon()), 0);
}

/* ---- peers ---- */

static void test_peers(void **state)
{
	struct site *s = *state;
	const struct backend_peer listed[2] = { { .public_key = { 2 } }, { .public_key = { 1 } } };
	struct backend_peer *v;
	size_t n;

	reply(s, listed, sizeof(listed));
	assert_int_equal(backend_isolated.peers(&s->monitor.site, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(v, listed, sizeof(listed));
	free(v);
	assert_false(s->monitor.failed);
}

/* Peers for which the monitor would run hooks, though they are not configured. */
static void test_made_up(void **state)
{
	struct site *s = *state;
	const struct backend_peer listed[] = { { .public_key = { 3 } }, { .public_key = { 2 } },
		{ .public_key = { 0 } }, { .public_key = { 1 } }, { .public_key = { 2 } } };
	struct backend_peer *v;
	size_t n;

	reply(s, listed, sizeof(listed));
	assert_int_equal(backend_isolated.peers(&s->monitor.site, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(&v[0], &listed[1], sizeof(*v));
	assert_memory_equal(&v[1], &listed[3], sizeof(*v));
	free(v);
}

/* An endpoint of no family, and a part of a peer. */
static void test_no_peers(void **state)
{
	struct site *s = *state;
	const struct backend_peer listed = { .public_key = { 1 },
		.endpoint = { .addr = { .family = 1 } } };
	struct backend_peer *v;
	size_t n;

	for (size_t len = sizeof(listed) - 1; len <= sizeof(listed); len++) {
		s->monitor.failed = false;
		reply(s, &listed, len);
		assert_int_equal(backend_isolated.peers(&s->monitor.site, &v, &n), -EBADMSG);
		assert_true(s->monitor.failed);
	}
}

/* ---- the status ---- */

/* Report a status of `len` bytes, which is valid but perhaps for its length; a child sends it.
 * Return: whether the engine may go on. */
static bool is_taken(struct site *s, size_t len)
{
	static const char head[] = "{\"ok\":true";
	char *text = malloc(len);
	struct status_report report = { 0 };
	int status;
	pid_t pid;

	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, head, sizeof(head) - 1);
	text[len - 1] = '}';
	pid = fork();
	if (pid == 0) {
		reply(s, text, len);
		_exit(0);
	}
	assert_true(pid > 0);
	free(text);
	assert_int_equal(backend_isolated.report(&s->monitor.site, &report), 0);
	status_report_fini(&report);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return !s->monitor.failed;
}

static void test_status(void **state)
{
	assert_true(is_taken(*state, 200000));
}

static void test_long_status(void **state)
{
	assert_false(is_taken(*state, 2000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_peers, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_made_up, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_no_peers, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_status, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_long_status, set_up, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
