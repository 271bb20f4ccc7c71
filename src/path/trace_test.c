/* SPDX-License-Identifier: MIT */
/* The ring of events: bounded, off by default, and limited where any host causes events. */
#include "path/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct mono now = { NS_PER_S };

static struct wg_peer peer = { .remote.public_key = { 7 }, .endpoint = { .port = 9 } };

static void off_by_default(void **state)
{
	struct trace t = { 0 };

	(void)state;
	trace_note(&t, TRACE_SESSION, &peer, NULL, 0);
	trace_handshake(&t, now, WG_MSG_INITIATION, DROP_NONE, WG_MSG_RESPONSE, &peer, NULL);
	assert_int_equal(t.n, 0);
	assert_int_equal(t.lost, 0);
}

/* A full ring keeps the oldest events and counts the others. */
static void bounded(void **state)
{
	struct trace t = { .on = true };

	(void)state;
	for (uint32_t i = 0; i < TRACE_EVENTS + 5; i++)
		trace_note(&t, TRACE_MTU, &peer, NULL, i);
	assert_int_equal(t.n, TRACE_EVENTS);
	assert_int_equal(t.lost, 5);
	assert_int_equal(t.v[0].value, 0);
	assert_int_equal(t.v[TRACE_EVENTS - 1].value, TRACE_EVENTS - 1);
	assert_memory_equal(t.v[0].peer, peer.remote.public_key, WG_KEY_LEN);
	assert_int_equal(t.v[0].at.port, 9);
}

static void handshakes(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t reply;
		enum trace_kind first;
		enum trace_kind second;
		unsigned n;
	} cases[] = {
		{ WG_MSG_INITIATION, WG_MSG_RESPONSE, TRACE_INITIATION_RECEIVED,
			TRACE_RESPONSE_SENT, 2 },
		{ WG_MSG_RESPONSE, 0, TRACE_RESPONSE_RECEIVED, TRACE_SESSION, 2 },
		{ WG_MSG_COOKIE, 0, TRACE_COOKIE_RECEIVED, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct trace t = { .on = true };

		trace_handshake(
			&t, now, cases[i].type, DROP_NONE, cases[i].reply, &peer, &peer.endpoint);
		assert_int_equal(t.n, cases[i].n);
		assert_int_equal(t.v[0].kind, cases[i].first);
		assert_int_equal(t.v[1].kind, cases[i].second);
	}
}

/* What any host can cause is limited, so that it does not fill the log. */
static void refused(void **state)
{
	struct trace t = { .on = true };
	const struct endpoint from = { .port = 1234 };

	(void)state;
	for (unsigned i = 0; i < TRACE_EVENTS; i++)
		trace_handshake(&t, now, WG_MSG_INITIATION, DROP_WG_COOKIE_REQUIRED, WG_MSG_COOKIE,
			NULL, &from);
	assert_true(t.n > 0 && t.n <= 16);
	assert_int_equal(t.lost, 0);
	assert_int_equal(t.v[0].kind, TRACE_REFUSED);
	assert_int_equal(t.v[0].value, DROP_WG_COOKIE_REQUIRED);
	assert_false(t.v[0].has_peer);
	assert_int_equal(t.v[0].at.port, 1234);
	assert_int_equal(t.v[1].kind, TRACE_COOKIE_SENT);
	t.n = 0;
	trace_handshake(
		&t, mono_add(now, 10 * NS_PER_S), WG_MSG_INITIATION, DROP_WG_MAC1, 0, NULL, &from);
	assert_int_equal(t.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_by_default),
		cmocka_unit_test(bounded),
		cmocka_unit_test(handshakes),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
