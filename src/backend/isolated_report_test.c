/* SPDX-License-Identifier: MIT */
/* Tests of the status of a site with many peers: it comes in parts of limited size, whose number
 * and cost are linear in the number of peers. */
#include "backend/isolated_report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/isolated.h"
#include "backend/isolated_engine.h"
#include "base/test_alloc.h"
#include "ctlproto/reply.h"

#define ALLOCATIONS 1000000

/* The engine: so many peers, and what it was asked. */
static struct {
	uint32_t n_peers;
	bool repeats; /* it always has further peers */
	uint64_t ns;  /* that it takes for a part */
	unsigned parts;
	uint64_t visited;
	char *text; /* of the last reply */
} engine;

/* The number of a peer is in its key. */
static void add_peer(struct status_report *r, uint32_t number)
{
	struct status_peer *peer = status_add_peer(r);
	struct ip_prefix prefix = { .addr = { .family = AF_INET }, .len = 32 };

	assert_non_null(peer);
	memcpy(peer->public_key, &number, sizeof(number));
	memcpy(prefix.addr.bytes, &number, sizeof(number));
	assert_int_equal(status_add_prefix(&peer->allowed_ips, &prefix), 0);
}

struct mono __wrap_clock_mono(void);
int __wrap_isolated_engine_ask(struct isolated_site *u, struct engine_message *m, size_t len,
	size_t n_fds, struct engine_message *ret);

struct mono __wrap_clock_mono(void)
{
	return (struct mono){ 1 + engine.parts * engine.ns };
}

int __wrap_isolated_engine_ask(struct isolated_site *u, struct engine_message *m, size_t len,
	size_t n_fds, struct engine_message *ret)
{
	struct ctl_reply reply = { .ok = true, .has_status = true };
	uint32_t first = 0;
	size_t text_len;

	(void)u;
	assert_int_equal(m->head.type, ENGINE_REPORT);
	assert_int_equal(n_fds, 0);
	engine.parts++;
	if (len) {
		assert_int_equal(len, KEY_LEN);
		memcpy(&first, m->body, sizeof(first));
		first++;
	} else {
		assert_int_equal(status_add_warning(&reply.status, "first part"), 0);
		strcpy(reply.status.aead, "any");
	}
	for (uint32_t i = 0;
		i < ENGINE_REPORT_PEERS && (engine.repeats || first + i < engine.n_peers); i++) {
		add_peer(&reply.status, first + i);
		engine.visited++;
	}
	free(engine.text);
	assert_int_equal(ctl_reply_print(&reply, &engine.text, &text_len), 0);
	ctl_reply_fini(&reply);
	*ret = (struct engine_message){ .head = { .type = ENGINE_TEXT, .len = (uint32_t)text_len },
		.body = engine.text };
	return 0;
}

/* Get the status of so many peers. Return: the allocations that this took. */
static unsigned get(uint32_t n_peers, struct status_report *r)
{
	struct conf_site conf = { 0 };
	struct isolated_site *u = test_calloc(1, sizeof(*u));

	u->conf = &conf;
	u->keys.now.n = n_peers;
	memset(r, 0, sizeof(*r));
	engine.n_peers = n_peers;
	engine.parts = 0;
	engine.visited = 0;
	alloc_fail_after(ALLOCATIONS);
	assert_int_equal(backend_isolated.report(&u->site, r), 0);
	assert_false(alloc_succeed());
	test_free(u);
	free(engine.text);
	engine.text = NULL;
	return ALLOCATIONS - alloc_test.left;
}

/* All peers arrive once and in order, with what only the first part has. */
static void test_parts(void **state)
{
	static const uint32_t numbers[] = { 0, 1, ENGINE_REPORT_PEERS - 1, ENGINE_REPORT_PEERS,
		ENGINE_REPORT_PEERS + 1, 1000 };
	struct status_report r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		get(numbers[i], &r);
		assert_int_equal(engine.parts, numbers[i] / ENGINE_REPORT_PEERS + 1);
		assert_int_equal(r.peers_len, numbers[i]);
		for (uint32_t k = 0; k < numbers[i]; k++) {
			assert_memory_equal(r.peers[k].public_key, &k, sizeof(k));
			assert_int_equal(r.peers[k].allowed_ips.len, 1);
			assert_memory_equal(r.peers[k].allowed_ips.v[0].addr.bytes, &k, sizeof(k));
		}
		assert_string_equal(r.aead, "any");
		assert_int_equal(r.warnings_len, 1);
		assert_string_equal(r.warnings[0].text, "first part");
		status_report_fini(&r);
	}
}

/* Twice as many peers are twice the work. */
static void test_is_linear(void **state)
{
	const uint32_t few = 64 * ENGINE_REPORT_PEERS;
	struct status_report r;
	unsigned once;
	unsigned twice;

	(void)state;
	once = get(few, &r);
	status_report_fini(&r);
	assert_int_equal(engine.visited, few);
	twice = get(2 * few, &r);
	status_report_fini(&r);
	assert_int_equal(engine.visited, 2 * few);
	assert_int_equal(engine.parts, 2 * few / ENGINE_REPORT_PEERS + 1);
	assert_in_range(twice, once, 2 * once + 10);
}

/* An engine that makes up peers cannot exhaust the memory. */
static void test_is_limited(void **state)
{
	struct status_report r;

	(void)state;
	engine.repeats = true;
	get(1000, &r);
	engine.repeats = false;
	assert_true(strstr(r.warnings[r.warnings_len - 1].text, "has ended") != NULL);
	assert_in_range(r.peers_len, 1000, 20000);
	status_report_fini(&r);
}

/* An engine that gets no processor time does not hold up the monitor: a warning has the number. */
static void test_is_slow(void **state)
{
	struct status_report r;

	(void)state;
	engine.ns = ISOLATED_PATIENCE / 10;
	get(1000, &r);
	engine.ns = 0;
	assert_int_equal(r.peers_len, 10 * ENGINE_REPORT_PEERS);
	assert_int_equal(r.warnings_len, 2);
	assert_true(strstr(r.warnings[1].text, "Only 640 peers are listed") != NULL);
	status_report_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_is_linear),
		cmocka_unit_test(test_is_limited),
		cmocka_unit_test(test_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
