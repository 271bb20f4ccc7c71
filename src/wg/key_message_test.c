/* SPDX-License-Identifier: MIT */
/* Tests of the messages of the process that holds the keys: what each field may contain. */
#include "wg/key_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/* A request of each type that is allowed. */
static struct wg_key_request request_of(uint32_t type)
{
	struct wg_key_request m = { .seq = 7, .type = type };

	if (type == WG_KEY_MAKE_INITIATION || type == WG_KEY_TAKE_RESPONSE || type == WG_KEY_FORGET)
		memset(m.peer, 1, sizeof(m.peer));
	if (type == WG_KEY_MAKE_INITIATION || type == WG_KEY_MAKE_RESPONSE)
		m.local_index = 99;
	if (type == WG_KEY_MAKE_INITIATION)
		memset(m.timestamp, 2, sizeof(m.timestamp));
	if (type == WG_KEY_OPEN_INITIATION) {
		memset(m.message, 3, sizeof(m.message));
		store_le32(m.message, WG_MSG_INITIATION);
	} else if (type == WG_KEY_TAKE_RESPONSE) {
		memset(m.message, 3, WG_RESPONSE_LEN);
		store_le32(m.message, WG_MSG_RESPONSE);
	}
	return m;
}

/* The answer to it. */
static struct wg_key_answer answer_of(const struct wg_key_request *request)
{
	struct wg_key_answer m = { .seq = request->seq, .type = request->type };
	bool initiation = request->type == WG_KEY_MAKE_INITIATION;

	if (initiation || request->type == WG_KEY_MAKE_RESPONSE) {
		memset(m.message, 4, initiation ? WG_INITIATION_LEN : WG_RESPONSE_LEN);
		store_le32(m.message, initiation ? WG_MSG_INITIATION : WG_MSG_RESPONSE);
		store_le32(m.message + 4, request->local_index);
	}
	if (request->type == WG_KEY_OPEN_INITIATION) {
		memset(m.peer, 5, sizeof(m.peer));
		memset(m.timestamp, 6, sizeof(m.timestamp));
	}
	if (request->type == WG_KEY_MAKE_RESPONSE || request->type == WG_KEY_TAKE_RESPONSE) {
		memset(m.tx_key, 7, sizeof(m.tx_key));
		memset(m.rx_key, 8, sizeof(m.rx_key));
	}
	return m;
}

static int decode_request(const struct wg_key_request *m)
{
	struct wg_key_request got;
	int err = wg_key_request_decode(m, sizeof(*m), &got);

	if (!err)
		assert_memory_equal(&got, m, sizeof(got));
	return err;
}

static void test_requests(void **state)
{
	for (uint32_t type = 1; type < WG_KEY_REQUEST_TYPES; type++) {
		struct wg_key_request m = request_of(type);

		assert_int_equal(decode_request(&m), 0);
		assert_int_equal(
			wg_key_is_answered(type), type != WG_KEY_FORGET && type != WG_KEY_RESET);
	}
	assert_false(wg_key_is_answered(0));
	assert_false(wg_key_is_answered(WG_KEY_REQUEST_TYPES));
}

static void test_wrong_requests(void **state)
{
	struct wg_key_request m = request_of(WG_KEY_RESET);
	struct wg_key_request got;

	for (size_t len = 0; len < sizeof(m) + 2; len++)
		if (len != sizeof(m)) {
			uint8_t packet[sizeof(m) + 2] = { 0 };

			memcpy(packet, &m, sizeof(m));
			assert_int_equal(wg_key_request_decode(packet, len, &got), -EBADMSG);
		}
	m.type = 0;
	assert_int_equal(decode_request(&m), -EBADMSG);
	m.type = WG_KEY_REQUEST_TYPES;
	assert_int_equal(decode_request(&m), -EBADMSG);
	m.type = UINT32_MAX;
	assert_int_equal(decode_request(&m), -EBADMSG);
}

/* Each byte of a field that the type does not use must be zero. */
static void test_unused_fields(void **state)
{
	const size_t first = offsetof(struct wg_key_request, local_index);

	for (uint32_t type = 1; type < WG_KEY_REQUEST_TYPES; type++) {
		const struct wg_key_request whole = request_of(type);
		struct wg_key_request m = whole;
		uint8_t *bytes = (uint8_t *)&m;
		size_t refused = 0;

		for (size_t i = first; i < sizeof(m); i++) {
			bool used = bytes[i];

			bytes[i] ^= 0x10;
			if (decode_request(&m)) {
				refused++;
				if (used) /* the type of a message */
					assert_in_range(i, offsetof(struct wg_key_request, message),
						offsetof(struct wg_key_request, message) + 3);
			}
			m = whole;
		}
		/* a free field of each allowed type, in bytes */
		switch (type) {
		case WG_KEY_MAKE_INITIATION:
			assert_int_equal(refused, WG_HANDSHAKE_MAX);
			break;
		case WG_KEY_OPEN_INITIATION:
			assert_int_equal(refused, 4 + WG_KEY_LEN + WG_TIMESTAMP_LEN + 4);
			break;
		case WG_KEY_MAKE_RESPONSE:
			assert_int_equal(refused, WG_KEY_LEN + WG_TIMESTAMP_LEN + WG_HANDSHAKE_MAX);
			break;
		case WG_KEY_TAKE_RESPONSE:
			assert_int_equal(refused,
				4 + WG_TIMESTAMP_LEN + WG_HANDSHAKE_MAX - WG_RESPONSE_LEN + 4);
			break;
		case WG_KEY_FORGET:
			assert_int_equal(refused, 4 + WG_TIMESTAMP_LEN + WG_HANDSHAKE_MAX);
			break;
		default:
			assert_int_equal(refused, sizeof(m) - first);
		}
	}
}

static int decode_answer(const struct wg_key_answer *m, const struct wg_key_request *request)
{
	struct wg_key_answer got;
	int err = wg_key_answer_decode(m, sizeof(*m), request, &got);

	if (!err)
		assert_memory_equal(&got, m, sizeof(got));
	return err;
}

static void test_answers(void **state)
{
	for (uint32_t type = 1; type < WG_KEY_FORGET; type++) {
		const struct wg_key_request request = request_of(type);
		struct wg_key_answer m = answer_of(&request);
		struct wg_key_answer got;

		assert_int_equal(decode_answer(&m, &request), 0);
		assert_int_equal(wg_key_answer_decode(&m, sizeof(m) - 1, &request, &got), -EBADMSG);
		m.seq--;
		assert_int_equal(decode_answer(&m, &request), -EAGAIN);
		m.seq += 2;
		assert_int_equal(decode_answer(&m, &request), -EAGAIN);
		m.seq--;
		m.type++;
		assert_int_equal(decode_answer(&m, &request), -EBADMSG);
		m.type--;
		m.code = -EBADMSG; /* nothing else then */
		assert_int_equal(decode_answer(&m, &request), -EBADMSG);
		m = (struct wg_key_answer){ .seq = m.seq, .type = m.type, .code = -EBADMSG };
		assert_int_equal(decode_answer(&m, &request), 0);
		m.code = 1;
		assert_int_equal(decode_answer(&m, &request), -EBADMSG);
		m.code = -4096;
		assert_int_equal(decode_answer(&m, &request), -EBADMSG);
	}
}

static void test_wrong_answers(void **state)
{
	const struct wg_key_request request = request_of(WG_KEY_MAKE_RESPONSE);
	struct wg_key_answer m = answer_of(&request);

	store_le32(m.message + 4, 98); /* another index than ours */
	assert_int_equal(decode_answer(&m, &request), -EBADMSG);
	m = answer_of(&request);
	store_le32(m.message, WG_MSG_INITIATION);
	assert_int_equal(decode_answer(&m, &request), -EBADMSG);
	m = answer_of(&request);
	m.message[WG_RESPONSE_LEN] = 1;
	assert_int_equal(decode_answer(&m, &request), -EBADMSG);
	m = answer_of(&request);
	m.peer[31] = 1;
	assert_int_equal(decode_answer(&m, &request), -EBADMSG);
}

static void test_changes(void **state)
{
	struct wg_key_change m = { .type = WG_KEY_SET_PEER, .peer = { 1 }, .secret = { 2 } };
	struct wg_key_change got;

	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), 0);
	assert_memory_equal(&got, &m, sizeof(m));
	assert_int_equal(wg_key_change_decode(&m, sizeof(m) - 1, &got), -EBADMSG);
	m.type = WG_KEY_SET_IDENTITY;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), -EBADMSG);
	m.peer[0] = 0;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), 0);
	m.type = WG_KEY_REMOVE_PEER;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), -EBADMSG);
	m.secret[0] = 0;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), 0);
	m.type = WG_KEY_CHANGE_TYPES;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), -EBADMSG);
	m.type = 0;
	assert_int_equal(wg_key_change_decode(&m, sizeof(m), &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_unused_fields),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
