/* SPDX-License-Identifier: MIT */
/* Tests of what wg(8) shows of a site with many peers: the engine is asked for it in parts, between
 * which it processes packets, and an engine that an attacker controls can neither lengthen the
 * reply nor hold up the monitor. */
#include "backend/isolated_wg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/keytext.h"
#include "base/test_alloc.h"
#include "ctlproto/uapi_print.h"

#define ALLOCATIONS 1000000

/* The engine: so many peers, and what it was asked. */
static struct {
	uint32_t n_peers;
	bool repeats; /* it always has further peers */
	bool endless; /* it sends parts without peers */
	uint64_t ns;  /* that it takes for a part */
	unsigned parts;
	char text[ENGINE_REPORT_PEERS * 200 + 100]; /* of the last reply */
} engine;

/* What the server of the socket would call. */
static struct uapi_server_config served;

struct mono __wrap_clock_mono(void);
int __wrap_isolated_engine_show(
	struct isolated_site *u, const uint8_t *after, struct engine_message *reply);
int __wrap_wgsock_serve(struct wgsock *s, struct loop *loop, const struct uapi_server_config *calls,
	const char *ifname);

struct mono __wrap_clock_mono(void)
{
	return (struct mono){ 1 + engine.parts * engine.ns };
}

int __wrap_wgsock_serve(struct wgsock *s, struct loop *loop, const struct uapi_server_config *calls,
	const char *ifname)
{
	served = *calls;
	return 0;
}

/* The number of a peer is in its key. */
static size_t add_peer(char *at, uint32_t number)
{
	uint8_t key[KEY_LEN] = { 0 };
	char hex[KEY_HEX_LEN + 1];

	memcpy(key, &number, sizeof(number));
	key_to_hex(key, hex);
	return (size_t)sprintf(at, "public_key=%s\npreshared_key=%064d\n", hex, 0);
}

int __wrap_isolated_engine_show(
	struct isolated_site *u, const uint8_t *after, struct engine_message *reply)
{
	uint32_t first = 0;
	uint32_t n = 0;
	char *at = engine.text;

	engine.parts++;
	if (after) {
		memcpy(&first, after, sizeof(first));
		first++;
	} else {
		at += sprintf(at, "listen_port=1\n");
	}
	for (; n < ENGINE_REPORT_PEERS && (engine.repeats || first + n < engine.n_peers); n++)
		at += engine.endless ? 0 : add_peer(at, first + n);
	if (n < ENGINE_REPORT_PEERS)
		at += sprintf(at, "%s", UAPI_GET_END);
	*at = '\0';
	*reply = (struct engine_message){ .head = { .type = ENGINE_TEXT,
						  .len = (uint32_t)(at - engine.text) },
		.body = engine.text };
	return 0;
}

/* The site of the tests: it has so many peers, as far as their keys are concerned. */
static struct isolated_site *new_site(uint32_t n_peers, struct conf_site *conf)
{
	struct isolated_site *u = test_calloc(1, sizeof(*u));

	memset(conf, 0, sizeof(*conf));
	u->conf = conf;
	u->keys.now.n = n_peers;
	u->keys.now.peers = test_calloc(n_peers + 1, sizeof(*u->keys.now.peers));
	assert_int_equal(isolated_wg_serve(u, -1), 0);
	engine.n_peers = n_peers;
	engine.parts = 0;
	return u;
}

static void free_site(struct isolated_site *u)
{
	test_free(u->keys.now.peers);
	test_free(u);
}

/* All peers arrive once and in order, with what only the first part has, and one end. */
static void test_parts(void **state)
{
	static const uint32_t numbers[] = { 0, 1, ENGINE_REPORT_PEERS - 1, ENGINE_REPORT_PEERS,
		ENGINE_REPORT_PEERS + 1, 1000 };
	struct conf_site conf;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct isolated_site *u = new_site(numbers[i], &conf);
		char *expected = test_calloc(numbers[i] + 1, 200);
		char *at = expected + sprintf(expected, "listen_port=1\n");
		char *text;
		size_t len;

		for (uint32_t k = 0; k < numbers[i]; k++)
			at += add_peer(at, k);
		strcpy(at, UAPI_GET_END);
		assert_int_equal(served.get(served.ctx, &text, &len), 0);
		assert_int_equal(engine.parts, numbers[i] / ENGINE_REPORT_PEERS + 1);
		assert_string_equal(text, expected);
		assert_int_equal(len, strlen(expected));
		free(text);
		test_free(expected);
		free_site(u);
	}
}

/* An engine that makes up peers cannot exhaust the memory. */
static void test_is_limited(void **state)
{
	struct conf_site conf;
	struct isolated_site *u = new_site(1000, &conf);
	char *text = NULL;
	size_t len;

	engine.repeats = true;
	assert_int_equal(served.get(served.ctx, &text, &len), -EMSGSIZE);
	engine.repeats = false;
	assert_null(text);
	assert_in_range(engine.parts, 1000 / ENGINE_REPORT_PEERS, 20000 / ENGINE_REPORT_PEERS);
	free_site(u);
}

/* Nor can one that sends nothing to continue from, which is ended. */
static void test_without_peers(void **state)
{
	struct conf_site conf;
	struct isolated_site *u = new_site(1000, &conf);
	char *text = NULL;
	size_t len;

	engine.endless = true;
	assert_int_equal(served.get(served.ctx, &text, &len), -EBADMSG);
	engine.endless = false;
	assert_int_equal(engine.parts, 1);
	assert_true(u->failed);
	free_site(u);
}

/* One that gets no processor time holds up the monitor no longer than one request may take. */
static void test_is_slow(void **state)
{
	struct conf_site conf;
	struct isolated_site *u = new_site(1000, &conf);
	char *text = NULL;
	size_t len;

	engine.ns = ISOLATED_PATIENCE / 10;
	assert_int_equal(served.get(served.ctx, &text, &len), -ETIMEDOUT);
	engine.ns = 0;
	assert_int_equal(engine.parts, 10);
	assert_false(u->failed);
	free_site(u);
}

/* Without memory the request fails, and the engine is not blamed. */
static void test_out_of_memory(void **state)
{
	struct conf_site conf;
	struct isolated_site *u = new_site(100, &conf);
	char *text = NULL;
	unsigned failures = 0;
	size_t len;
	int err;

	do {
		alloc_fail_after(failures);
		err = served.get(served.ctx, &text, &len);
		if (!alloc_succeed())
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(text);
		failures++;
	} while (failures < ALLOCATIONS);
	assert_int_equal(err, 0);
	assert_true(failures > 1);
	assert_false(u->failed);
	free(text);
	free_site(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_is_limited),
		cmocka_unit_test(test_without_peers),
		cmocka_unit_test(test_is_slow),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
