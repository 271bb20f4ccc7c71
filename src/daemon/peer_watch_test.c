/* SPDX-License-Identifier: MIT */
/* Tests of what is reported about peers, on a clock of their own. */
#include "daemon/peer_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START 1000 /* seconds */

/** A peer, its watch, and what was reported since the last look. */
struct bench {
	struct peer_watch watch;
	struct backend_peer peer[2];
	size_t n;
	uint64_t now;	    /* seconds */
	uint64_t handshake; /* when the first peer's was, in seconds; 0: never */
	char got[256];
};

static void on_event(void *ctx, const struct peer_event *e)
{
	struct bench *b = ctx;
	size_t len = strlen(b->got);
	size_t room = sizeof(b->got) - len;
	char from[ENDPOINT_TEXT_LEN];
	char to[ENDPOINT_TEXT_LEN];

	switch (e->change) {
	case PEER_CAME_UP:
		snprintf(b->got + len, room, "up ");
		break;
	case PEER_WENT_DOWN:
		snprintf(b->got + len, room, "down after %llu ",
			(unsigned long long)(e->silent_ns / NS_PER_S));
		break;
	case PEER_MOVED:
		snprintf(b->got + len, room, "%s to %s (%u) ", endpoint_text(&e->before, from),
			endpoint_text(&e->peer->seen.endpoint, to), e->unreported);
		break;
	case PEER_MTU_CHANGED:
		snprintf(b->got + len, room, "mtu %u to %u ", e->mtu_before, e->peer->mtu);
		break;
	}
}

/* Look after `s` seconds, one look a second, in which the first peer has sent `rx` bytes and was
 * sent `tx` in each. Return: what was reported in all. */
static const char *pass(struct bench *b, unsigned s, uint64_t rx, uint64_t tx)
{
	*b->got = '\0';
	while (s--) {
		b->now++;
		b->peer[0].rx_bytes += rx;
		b->peer[0].tx_bytes += tx;
		b->peer[0].handshake_age_ms =
			b->handshake ? (b->now - b->handshake) * 1000 : BACKEND_PEER_NEVER;
		assert_int_equal(peer_watch_look(&b->watch, b->peer, b->n,
					 (struct mono){ b->now * NS_PER_S }, on_event, b),
			0);
	}
	return b->got;
}

static void set_up(struct bench *b)
{
	*b = (struct bench){ .n = 1, .now = START };
	memset(b->peer[0].public_key, 1, KEY_LEN);
	memset(b->peer[1].public_key, 2, KEY_LEN);
	b->peer[1].handshake_age_ms = BACKEND_PEER_NEVER;
}

static void complete_handshake(struct bench *b)
{
	b->handshake = b->now;
	b->peer[0].rx_bytes += 148;
	b->peer[0].tx_bytes += 92;
}

static void test_life(void **state)
{
	struct bench b;

	set_up(&b);
	assert_string_equal(pass(&b, 300, 0, 0), ""); /* it was asked for nothing */
	assert_string_equal(pass(&b, 20, 0, 148), "");
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1, 0, 0), "up ");
	assert_int_equal(b.watch.up, 1);
	assert_string_equal(pass(&b, 100, 10, 10), "");
	complete_handshake(&b);
	assert_string_equal(pass(&b, 100, 10, 10), "");
	/* it stops in the middle of a session */
	assert_string_equal(pass(&b, 180, 0, 10), "");
	assert_string_equal(pass(&b, 1, 0, 10), "down after 181 ");
	assert_int_equal(b.watch.up, 0);
	assert_string_equal(pass(&b, 1000, 0, 148), "");
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1, 0, 10), "up ");
	peer_watch_fini(&b.watch);
}

/* It has never answered, which is reported once. */
static void test_never(void **state)
{
	struct bench b;

	set_up(&b);
	assert_string_equal(pass(&b, 180, 0, 148), "");
	assert_string_equal(pass(&b, 1, 0, 148), "down after 180 ");
	assert_string_equal(pass(&b, 1000, 0, 148), "");
	peer_watch_fini(&b.watch);
}

/* Nothing is sent to it, so that it has nothing to answer. */
static void test_idle(void **state)
{
	struct bench b;

	set_up(&b);
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1000, 0, 0), "up ");
	assert_string_equal(pass(&b, 1, 0, 148), "");
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1000, 0, 0), "");
	peer_watch_fini(&b.watch);
}

/* Keepalives have no answer: the one after 180 seconds is a handshake, which has. */
static void test_keepalives(void **state)
{
	struct bench b;

	set_up(&b);
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1, 0, 0), "up ");
	for (int i = 0; i < 5; i++) {
		assert_string_equal(pass(&b, 183, 0, 32), "");
		complete_handshake(&b);
		assert_string_equal(pass(&b, 1, 0, 0), "");
	}
	peer_watch_fini(&b.watch);
}

/* Its initiations come, but our responses do not reach it. */
static void test_one_way(void **state)
{
	struct bench b;

	set_up(&b);
	complete_handshake(&b);
	assert_string_equal(pass(&b, 10, 10, 10), "up ");
	assert_string_equal(pass(&b, 400, 148, 92), "down after 181 ");
	assert_string_equal(pass(&b, 400, 148, 92), "");
	peer_watch_fini(&b.watch);
}

/* The engine is started again: its counters begin at 0, and sessions with new handshakes. */
static void test_restart(void **state)
{
	struct bench b;

	set_up(&b);
	complete_handshake(&b);
	assert_string_equal(pass(&b, 100, 1000, 1000), "up ");
	b.peer[0].rx_bytes = b.peer[0].tx_bytes = 0;
	b.handshake = 0;
	assert_string_equal(pass(&b, 5, 0, 148), "");
	complete_handshake(&b);
	assert_string_equal(pass(&b, 100, 10, 10), "");
	peer_watch_fini(&b.watch);
}

static void test_silence(void **state)
{
	struct bench b;

	set_up(&b);
	b.watch.silence = 5 * NS_PER_S;
	complete_handshake(&b);
	assert_string_equal(pass(&b, 100, 10, 10), "up ");
	assert_string_equal(pass(&b, 60, 0, 10), "down after 6 ");
	assert_string_equal(pass(&b, 1, 10, 10), "up "); /* the network was interrupted */
	peer_watch_fini(&b.watch);
}

static void set_endpoint(struct bench *b, const char *text)
{
	assert_int_equal(endpoint_parse(text, &b->peer[0].endpoint), 0);
}

static void test_moves(void **state)
{
	struct bench b;

	set_up(&b);
	set_endpoint(&b, "192.0.2.1:1");
	assert_string_equal(pass(&b, 1, 0, 0), "");
	set_endpoint(&b, "192.0.2.2:2");
	assert_string_equal(pass(&b, 2, 0, 0), "192.0.2.1:1 to 192.0.2.2:2 (0) ");
	b.peer[0].endpoint = (struct endpoint){ 0 };
	assert_string_equal(pass(&b, 1, 0, 0), "");
	set_endpoint(&b, "192.0.2.2:2");
	assert_string_equal(pass(&b, 1, 0, 0), "");
	for (unsigned i = 1; i <= PEER_WATCH_MOVES + 5; i++) {
		set_endpoint(&b, i & 1 ? "192.0.2.3:3" : "192.0.2.2:2");
		assert_int_equal(*pass(&b, 1, 0, 0) != '\0', i < PEER_WATCH_MOVES);
	}
	assert_string_equal(pass(&b, 100, 0, 0), "");
	set_endpoint(&b, "192.0.2.4:4");
	assert_string_equal(pass(&b, 1, 0, 0), "192.0.2.3:3 to 192.0.2.4:4 (6) ");
	peer_watch_fini(&b.watch);
}

static void test_mtus(void **state)
{
	struct bench b;

	set_up(&b);
	assert_string_equal(pass(&b, 1, 0, 0), "");
	b.peer[0].mtu = 1500;
	assert_string_equal(pass(&b, 1, 0, 0), "");
	b.peer[0].mtu = 0; /* it is being searched */
	assert_string_equal(pass(&b, 1, 0, 0), "");
	b.peer[0].mtu = 1500;
	assert_string_equal(pass(&b, 1, 0, 0), "");
	b.peer[0].mtu = 0;
	assert_string_equal(pass(&b, 1, 0, 0), "");
	b.peer[0].mtu = 1400;
	assert_string_equal(pass(&b, 5, 0, 0), "mtu 1500 to 1400 ");
	peer_watch_fini(&b.watch);
}

/* Peers are added and removed, and change their places. */
static void test_reload(void **state)
{
	struct backend_peer first;
	struct bench b;

	set_up(&b);
	complete_handshake(&b);
	assert_string_equal(pass(&b, 1, 0, 0), "up ");
	b.n = 2;
	b.peer[1].handshake_age_ms = 1000;
	assert_string_equal(pass(&b, 1, 0, 0), "up ");
	assert_int_equal(b.watch.up, 2);
	first = b.peer[0];
	b.peer[0] = b.peer[1];
	b.peer[1] = first;
	assert_string_equal(pass(&b, 5, 0, 0), "");
	assert_int_equal(b.watch.n, 2);
	b.n = 1;
	assert_string_equal(pass(&b, 5, 0, 0), "");
	assert_int_equal(b.watch.n, 1);
	assert_int_equal(b.watch.up, 1);
	b.n = 0;
	assert_string_equal(pass(&b, 1, 0, 0), "");
	assert_int_equal(b.watch.n, 0);
	peer_watch_fini(&b.watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_keepalives),
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_mtus),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
