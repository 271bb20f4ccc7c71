/* SPDX-License-Identifier: MIT */
/* Tests of the heads and bodies of messages between monitor and engine: each number out of its
 * range is refused, in both directions. */
#include "backend/engine_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define HEAD sizeof(struct engine_head)

/* Decode a packet with that head and a body of `part` bytes. */
static int decode(enum engine_sender from, const struct engine_head *h, size_t part, size_t fds,
	const struct engine_head *before, size_t have)
{
	static uint8_t packet[ENGINE_PACKET_MAX + 1];
	struct engine_head got;

	memcpy(packet, h, HEAD);
	return engine_head_decode(from, packet, HEAD + part, fds, before, have, &got);
}

/** A first packet: its head, the bytes that follow it, and its descriptors. */
struct head_case {
	const char *name;
	enum engine_sender from;
	struct engine_head head;
	size_t part;
	size_t fds;
	bool valid;
};

static void check_heads(const struct head_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err =
			decode(cases[i].from, &cases[i].head, cases[i].part, cases[i].fds, NULL, 0);

		if (err != (cases[i].valid ? 0 : -EBADMSG))
			fail_msg("%s: %d", cases[i].name, err);
	}
}

/* Between a monitor and a guardian. */
static void test_heads_of_guardians(void **state)
{
	static const struct head_case cases[] = {
		{ "begin", 0, { ENGINE_BEGIN, .len = 9, .fds = 2 }, 9, 2, true },
		{ "begin by an engine", 1, { ENGINE_BEGIN, .len = 9, .fds = 2 }, 9, 2, false },
		{ "begin with more than 80 MiB", 0, { ENGINE_BEGIN, .len = (80 << 20) + 1 }, 9, 0,
			false },
		{ "begun", 1, { ENGINE_BEGUN, .value = 4194304, .len = 4 }, 4, 0, true },
		{ "begun by a monitor", 0, { ENGINE_BEGUN, .value = 7, .len = 4 }, 4, 0, false },
		{ "begun with a descriptor", 1, { ENGINE_BEGUN, .len = 4, .fds = 1 }, 4, 1, false },
		{ "begun with a negative pid", 1, { ENGINE_BEGUN, .value = 1U << 31, .len = 4 }, 4,
			0, false },
		{ "begun with two users", 1, { ENGINE_BEGUN, .value = 7, .len = 8 }, 8, 0, false },
		{ "not begun", 1, { ENGINE_BEGUN, .code = -18, .len = 4 }, 4, 0, true },
		{ "ended", 1, { ENGINE_ENDED, .value = 139 }, 0, 0, true },
		{ "ended with an impossible status", 1, { ENGINE_ENDED, .value = 1U << 16 }, 0, 0,
			false },
	};

	check_heads(cases, ARRAY_LEN(cases));
}

static void test_heads(void **state)
{
	static const struct head_case cases[] = {
		{ "wait", 0, { ENGINE_AWAIT, .time = 7 }, 0, 0, true },
		{ "wait from the engine", 1, { ENGINE_AWAIT, .time = 7 }, 0, 0, false },
		{ "start", 0, { ENGINE_START, .value = UINT32_MAX }, 0, 0, true },
		{ "start with a time", 0, { ENGINE_START, .time = 1 }, 0, 0, false },
		{ "start with a port", 0, { ENGINE_START, .port = 1 }, 0, 0, false },
		{ "start with a body", 0, { ENGINE_START, .len = 1 }, 1, 0, false },
		{ "sweep", 0, { ENGINE_SETTLE }, 0, 0, true },
		{ "revert", 0, { ENGINE_SETTLE, .code = -1 }, 0, 0, true },
		{ "another half", 0, { ENGINE_SETTLE, .code = -2 }, 0, 0, false },
		{ "apply", 0, { ENGINE_APPLY, .len = 9, .fds = 2 }, 9, 2, true },
		{ "fewer descriptors", 0, { ENGINE_APPLY, .len = 9, .fds = 2 }, 9, 1, false },
		{ "more descriptors", 0, { ENGINE_APPLY, .len = 9, .fds = 2 }, 9, 3, false },
		{ "longer than its length", 0, { ENGINE_APPLY, .len = 9 }, 10, 0, false },
		{ "first part", 0, { ENGINE_APPLY, .len = 9 }, 8, 0, true },
		{ "no part", 0, { ENGINE_APPLY, .len = 9 }, 0, 0, false },
		{ "a part without its first", 0, { ENGINE_APPLY, .len = 9, .offset = 8 }, 1, 0,
			false },
		{ "type 0", 0, { 0 }, 0, 0, false },
		{ "unknown type", 1, { ENGINE_MESSAGE_TYPES }, 0, 0, false },
		{ "huge type", 1, { UINT32_MAX }, 0, 0, false },
		{ "result", 1, { ENGINE_RESULT, .code = -4095, .len = 8 }, 8, 0, true },
		{ "result with a positive code", 1, { ENGINE_RESULT, .code = 1 }, 0, 0, false },
		{ "result with an impossible code", 1, { ENGINE_RESULT, .code = -4096 }, 0, 0,
			false },
		{ "result with a descriptor", 1, { ENGINE_RESULT, .fds = 1 }, 0, 1, false },
		{ "result with a stray descriptor", 1, { ENGINE_RESULT }, 0, 1, false },
		{ "endless text", 1, { ENGINE_TEXT, .len = 1U << 31 }, 4, 0, false },
		{ "events", 1, { ENGINE_EVENTS, .value = 7, .len = 4 }, 4, 0, true },
		{ "unknown event", 1, { ENGINE_EVENTS, .value = 8, .len = 4 }, 4, 0, false },
		{ "open a port", 1, { ENGINE_PORT, .port = 65535 }, 0, 0, true },
		{ "mark a port", 1, { ENGINE_PORT, .code = -2, .value = 1 }, 0, 0, true },
		{ "unknown action", 1, { ENGINE_PORT, .code = -3 }, 0, 0, false },
		{ "impossible port", 1, { ENGINE_PORT, .port = 65536 }, 0, 0, false },
		{ "port from the monitor", 0, { ENGINE_PORT }, 0, 0, false },
		{ "capture", 0, { ENGINE_CAPTURE, .value = 65535, .fds = 1 }, 0, 1, true },
		{ "capture of too much", 0, { ENGINE_CAPTURE, .value = 65536, .fds = 1 }, 0, 1,
			false },
		{ "capture for two", 0, { ENGINE_CAPTURE, .value = 1, .fds = 2 }, 0, 2, false },
		{ "capture from the engine", 1, { ENGINE_CAPTURE, .value = 1 }, 0, 0, false },
		{ "sockets", 0, { ENGINE_PORT_RESULT, .port = 1, .fds = 2 }, 0, 2, true },
		{ "three sockets", 0, { ENGINE_PORT_RESULT, .port = 1, .fds = 3 }, 0, 3, false },
		{ "sockets from the engine", 1, { ENGINE_PORT_RESULT }, 0, 0, false },
		{ "lend", 0, { ENGINE_LEND }, 0, 0, true },
		{ "lend from the engine", 1, { ENGINE_LEND }, 0, 0, false },
		{ "lend with a descriptor", 0, { ENGINE_LEND, .fds = 1 }, 0, 1, false },
		{ "lent", 1, { ENGINE_LENT, .fds = 3 }, 0, 3, true },
		{ "lent from the monitor", 0, { ENGINE_LENT, .fds = 3 }, 0, 3, false },
		{ "lent with a body", 1, { ENGINE_LENT, .len = 3, .fds = 3 }, 3, 3, true },
		{ "lent with a long body", 1, { ENGINE_LENT, .len = 65537 }, 1, 0, false },
		{ "lent of too many", 1, { ENGINE_LENT, .fds = 65537 }, 0, 1, false },
		{ "outlive", 0, { ENGINE_OUTLIVE, .fds = 1 }, 0, 1, true },
		{ "farewell", 0, { ENGINE_OUTLIVE }, 0, 0, true },
		{ "outlive with two", 0, { ENGINE_OUTLIVE, .fds = 2 }, 0, 2, false },
		{ "outlive from the engine", 1, { ENGINE_OUTLIVE, .fds = 1 }, 0, 1, false },
		{ "log", 1, { ENGINE_LOG, .value = 3, .len = 5 }, 5, 0, true },
		{ "unknown level", 1, { ENGINE_LOG, .value = 8, .len = 5 }, 5, 0, false },
		{ "long line", 1, { ENGINE_LOG, .value = 3, .len = 1025 }, 1025, 0, false },
	};

	check_heads(cases, ARRAY_LEN(cases));
}

/* A message of several packets: each continues the one before. */
static void test_parts(void **state)
{
	const struct engine_head first = { ENGINE_APPLY, .seq = 3, .len = 100, .fds = 2 };
	struct engine_head second = first;

	second.offset = 60;
	assert_int_equal(decode(0, &first, 60, 1, NULL, 0), 0);
	assert_int_equal(decode(0, &second, 40, 1, &first, 1), 0);
	assert_int_equal(decode(0, &second, 40, 0, &first, 1), -EBADMSG); /* one is missing */
	assert_int_equal(decode(0, &second, 41, 1, &first, 1), -EBADMSG);
	assert_int_equal(decode(0, &first, 60, 0, &first, 1), -EBADMSG); /* it starts again */
	second.seq = 4;
	assert_int_equal(decode(0, &second, 40, 1, &first, 1), -EBADMSG);
	second.seq = 3;
	second.len = 101;
	assert_int_equal(decode(0, &second, 40, 1, &first, 1), -EBADMSG);
}

static void test_lengths(void **state)
{
	const struct engine_head h = { ENGINE_APPLY, .len = 1U << 20 };
	uint8_t packet[HEAD] = { 0 };
	struct engine_head got;

	assert_int_equal(engine_head_decode(0, packet, HEAD - 1, 0, NULL, 0, &got), -EBADMSG);
	assert_int_equal(decode(0, &h, ENGINE_PACKET_MAX - HEAD, 0, NULL, 0), 0);
	assert_int_equal(decode(0, &h, ENGINE_PACKET_MAX - HEAD + 1, 0, NULL, 0), -EBADMSG);
}

/** A result with two sessions. */
struct fixture {
	uint32_t sent[2];
	uint32_t received[2];
	struct engine_mtus mtus;
	struct engine_mtus back;
	struct error error;
	uint8_t *body;
	size_t len;
};

static void encode(struct fixture *f, uint32_t wg, uint32_t first, uint32_t second)
{
	*f = (struct fixture){ .sent = { first, second },
		.error = { -EIO, "Cannot do it.", "Try\x1b[2J again." } };
	f->mtus = (struct engine_mtus){ wg, f->sent, 2 };
	f->back = (struct engine_mtus){ 1, f->received, 2 };
	f->len = engine_result_len(&f->mtus, &f->error);
	f->body = malloc(f->len);
	assert_non_null(f->body);
	engine_result_encode(&f->mtus, &f->error, f->body);
}

static void test_result(void **state)
{
	struct fixture f;
	struct error e;

	encode(&f, 1420, 1500, 0);
	assert_int_equal(engine_result_decode(f.body, f.len, &f.back, &e), 0);
	assert_int_equal(f.back.wg, 1420);
	assert_int_equal(f.received[0], 1500);
	assert_int_equal(f.received[1], 0);
	assert_string_equal(e.problem, "Cannot do it.");
	assert_string_equal(e.hint, "Try?[2J again.");
	for (size_t len = 0; len < f.len; len++) {
		struct engine_mtus untouched = { 1, f.received, 2 };

		assert_int_equal(engine_result_decode(f.body, len, &untouched, &e), -EBADMSG);
		assert_int_equal(untouched.wg, 1);
	}
	f.back.n = 3; /* another number of sessions */
	assert_int_equal(engine_result_decode(f.body, f.len, &f.back, &e), -EBADMSG);
	free(f.body);
}

static void test_impossible_mtus(void **state)
{
	static const uint32_t cases[][3] = { { 67, 1500, 1500 }, { 0, 1500, 1500 },
		{ 1420, 65536, 1500 }, { 1420, 1500, 1 }, { UINT32_MAX, 1500, 1500 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct error e;

		encode(&f, cases[i][0], cases[i][1], cases[i][2]);
		assert_int_equal(engine_result_decode(f.body, f.len, &f.back, &e), -EBADMSG);
		assert_int_equal(f.back.wg, 1);
		free(f.body);
	}
}

/* Without MTUs, as after a failure, those of before stay. */
static void test_without_mtus(void **state)
{
	const struct error sent = { -EIO, "a", "b" };
	struct engine_mtus mtus = { 1400, NULL, 0 };
	struct error e;
	uint8_t body[64];

	engine_result_encode(NULL, &sent, body);
	assert_int_equal(engine_result_decode(body, engine_result_len(NULL, &sent), &mtus, &e), 0);
	assert_int_equal(mtus.wg, 1400);
	mtus.wg = 1300;
	engine_result_encode(&mtus, NULL, body); /* a site without sessions */
	mtus.wg = 1;
	assert_int_equal(
		engine_result_decode(body, engine_result_len(&mtus, NULL), &mtus, NULL), 0);
	assert_int_equal(mtus.wg, 1300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_heads_of_guardians),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_impossible_mtus),
		cmocka_unit_test(test_without_mtus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
