/* SPDX-License-Identifier: MIT */
/* Tests of named endpoints with a fake clock: when a name is resolved, and which address is tried
 * next. */
#include "underlay/dns_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/** A name, its peer and the time; the peer's only key pair is keys.slots[0]. */
struct scene {
	struct dns_policy policy;
	struct wg_peer peer;
	struct mono now;
};

static struct endpoint host(uint8_t last)
{
	return (struct endpoint){ .addr = { .family = AF_INET, .bytes = { 192, 0, 2, last } },
		.port = 8172 };
}

static struct scene begin(void)
{
	struct scene s = { .now = { 1000 * NS_PER_S } };

	dns_policy_init(&s.policy, false, s.now);
	return s;
}

static void pass(struct scene *s, uint64_t seconds)
{
	s->now = mono_add(s->now, seconds * NS_PER_S);
}

/* Complete a handshake with the peer at `at`. */
static void connect_at(struct scene *s, struct endpoint at)
{
	s->peer.endpoint = at;
	s->peer.keys.slots[0].born = s->now;
	s->peer.keys.current = &s->peer.keys.slots[0];
}

/* Send one initiation as path/control.c does. Return: the last byte of its destination address. */
static int call(struct scene *s)
{
	struct endpoint to;

	if (dns_policy_turn(&s->policy, &s->peer, s->now, &to))
		s->peer.endpoint = to;
	dns_policy_sent(&s->policy, &s->peer, s->now);
	return s->peer.endpoint.addr.bytes[3];
}

/* Answer with the addresses that have these last bytes, up to a 0. Return: whether the peer
 * moved. */
static bool answer(struct scene *s, const char *lasts)
{
	struct endpoint v[DNS_POLICY_MAX + 2];
	struct endpoint to;
	size_t n = strlen(lasts);

	for (size_t i = 0; i < n; i++)
		v[i] = host((uint8_t)lasts[i]);
	if (!dns_policy_answer(&s->policy, v, n, &s->peer, s->now, &to))
		return false;
	s->peer.endpoint = to;
	return true;
}

static bool ask(struct scene *s)
{
	return dns_policy_ask(&s->policy, &s->peer, s->now);
}

/* Return: a scene whose name was resolved to the addresses with these last bytes. */
static struct scene begin_found(const char *lasts)
{
	struct scene s = begin();

	assert_true(ask(&s));
	assert_true(answer(&s, lasts));
	return s;
}

/* Expect the next initiations to go to the addresses with these last bytes, up to a 0. */
static void expect_calls(struct scene *s, const char *lasts)
{
	for (; *lasts; lasts++)
		assert_int_equal(call(s), *lasts);
}

/* Return: seconds until the next query; -1: none is due. */
static int due_in(const struct scene *s)
{
	return mono_is_set(s->policy.due) ? (int)(mono_between(s->now, s->policy.due) / NS_PER_S)
					  : -1;
}

/* The first query is due at once; failures are retried after 1, 2, 4, … 60 s, without end. */
static void test_retry(void **state)
{
	static const int waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct scene s = begin();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		assert_true(ask(&s));
		assert_false(ask(&s)); /* only one query at a time */
		assert_false(answer(&s, ""));
		assert_true(s.policy.failed);
		assert_int_equal(due_in(&s), waits[i]);
		assert_false(ask(&s));
		pass(&s, (uint64_t)waits[i]);
	}
	assert_true(ask(&s));
	assert_true(answer(&s, "\1\2"));
	assert_int_equal(s.peer.endpoint.addr.bytes[3], 1);
	assert_false(s.policy.failed);
	assert_int_equal(due_in(&s), -1);
}

/* After a change of links or routes the next query is due at once, but not a second after the last
 * one, and after changes that do not end at growing intervals. */
static void test_routes_changed(void **state)
{
	struct scene s = begin();

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_true(ask(&s));
		assert_false(answer(&s, ""));
		pass(&s, (uint64_t)due_in(&s));
	}
	assert_true(ask(&s));
	dns_policy_routes_changed(&s.policy, &s.peer, s.now); /* while the query is pending */
	assert_int_equal(due_in(&s), -1);
	assert_false(answer(&s, ""));
	assert_int_equal(due_in(&s), 1);
	pass(&s, 1);
	assert_true(ask(&s));
	assert_false(answer(&s, ""));
	dns_policy_routes_changed(&s.policy, &s.peer, s.now);
	assert_int_equal(due_in(&s), 2);
	pass(&s, 20);
	dns_policy_routes_changed(&s.policy, &s.peer, s.now);
	assert_int_equal(due_in(&s), 0);
	assert_true(ask(&s));
	assert_true(answer(&s, "\1"));
	dns_policy_routes_changed(&s.policy, &s.peer, s.now); /* alive: no query needed */
	assert_int_equal(due_in(&s), -1);
}

/* Changes each second without end: queries after 1, 2, 4, 8, 10, 10 … s, whether they fail or do
 * not help; after a quiet time, one at once. */
static void test_routes_change_on(void **state)
{
	static const char *const answers[] = { "", "\1" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(answers); k++) {
		struct scene s = begin();
		unsigned queries = 0;
		int last = 0;

		for (int second = 0; second < 600; second++) {
			if (ask(&s)) {
				queries++;
				assert_true(second - last <= 10);
				last = second;
				if (second % 2)
					dns_policy_routes_changed(&s.policy, &s.peer, s.now);
				(void)answer(&s, answers[k]);
			}
			s.policy.unanswered = 1; /* initiations go on */
			s.policy.sent = s.now;
			dns_policy_routes_changed(&s.policy, &s.peer, s.now);
			pass(&s, 1);
		}
		assert_in_range(queries, 55, 70);
		pass(&s, 60);
		for (int i = 0; i < 2; i++) { /* nothing changes */
			dns_policy_answer(&s.policy, NULL, 0, &s.peer, s.now, &s.peer.endpoint);
			pass(&s, 60);
		}
		dns_policy_routes_changed(&s.policy, &s.peer, s.now);
		assert_int_equal(due_in(&s), 0);
	}
}

/* Two initiations to each address in turn, cyclically. */
static void test_turns(void **state)
{
	static const int calls[] = { 1, 1, 2, 2, 3, 3, 1, 1, 2 };
	struct scene s = begin_found("\1\2\3");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		assert_int_equal(call(&s), calls[i]);
		pass(&s, 5);
	}
}

/* A single address is tried again and again; addresses beyond the limit are ignored. */
static void test_counts(void **state)
{
	struct scene s = begin_found("\1");

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_int_equal(call(&s), 1);
	s = begin_found("\1\2\3\4\5\6\7\10\11\12");
	assert_int_equal(s.policy.n, DNS_POLICY_MAX);
}

/* The address of the last session is tried first, roamed or not, and stays in the cycle. */
static void test_worked(void **state)
{
	struct scene s = begin_found("\1\2");

	(void)state;
	assert_int_equal(call(&s), 1);
	connect_at(&s, host(9)); /* the peer initiates from another address */
	for (int i = 0; i < 3; i++) {
		pass(&s, 120);
		assert_int_equal(call(&s), 9);
		s.peer.keys.slots[0].born = s.now;
	}
	pass(&s, 300);
	expect_calls(&s, "\11\11\1\1\2\2\11");
}

/* An answered initiation resets the count, and so does an endpoint moved by authenticated data. */
static void test_patience(void **state)
{
	struct scene s = begin_found("\1\2");

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(call(&s), 1);
		pass(&s, 1);
		connect_at(&s, host(1));
		pass(&s, 120);
	}
	expect_calls(&s, "\1\1");
	s.peer.endpoint = host(7); /* data came from there */
	expect_calls(&s, "\7\7\1");
}

/* A session older than 135 s and an unanswered initiation: the name is queried, then every 30 s. */
static void test_stale(void **state)
{
	struct scene s = begin_found("\1");

	(void)state;
	(void)call(&s);
	connect_at(&s, host(1));
	pass(&s, 120);
	for (int i = 0; i < 3; i++) { /* at 120, 125, 130 s: too young */
		(void)call(&s);
		assert_int_equal(due_in(&s), -1);
		pass(&s, 5);
	}
	(void)call(&s); /* at 135 s */
	assert_int_equal(due_in(&s), 0);
	assert_true(ask(&s));
	assert_true(answer(&s, "\2"));
	assert_int_equal(s.peer.endpoint.addr.bytes[3], 2);
	pass(&s, 5);
	(void)call(&s);
	pass(&s, 5);
	assert_int_equal(due_in(&s), -1); /* the first initiation to the new address */
	(void)call(&s);
	assert_int_equal(due_in(&s), 20);
	pass(&s, 20);
	assert_int_equal(call(&s), 1); /* the last session's address is tried, too */
	assert_true(ask(&s));
	assert_true(answer(&s, "\2"));
}

/* Without traffic there are no queries: neither after a long idle time, nor when a retry becomes
 * due. */
static void test_idle(void **state)
{
	struct scene s = begin_found("\1");

	(void)state;
	(void)call(&s);
	connect_at(&s, host(1));
	pass(&s, 3600);
	assert_int_equal(due_in(&s), -1);
	(void)call(&s); /* traffic again: first test whether the peer answers */
	assert_int_equal(due_in(&s), -1);
	pass(&s, 5);
	(void)call(&s);
	assert_true(ask(&s));
	assert_false(answer(&s, ""));
	assert_int_equal(due_in(&s), 1);
	pass(&s, 100); /* initiations have stopped meanwhile */
	assert_false(ask(&s));
	assert_int_equal(due_in(&s), -1);
}

/* An answer does not move a live session, but is stored for later; a new name moves it
 * nevertheless. */
static void test_alive(void **state)
{
	struct scene s = begin();

	(void)state;
	assert_true(ask(&s));
	connect_at(&s, host(9)); /* the peer initiated while the query was pending */
	assert_false(answer(&s, "\1\2"));
	assert_int_equal(s.peer.endpoint.addr.bytes[3], 9);
	assert_int_equal(s.policy.n, 2);
	dns_policy_init(&s.policy, true, s.now);
	assert_true(ask(&s));
	assert_true(answer(&s, "\3"));
	assert_int_equal(s.peer.endpoint.addr.bytes[3], 3);
	assert_false(s.policy.moves);
}

/* A stale peer keeps its present address if the answer contains it. */
static void test_same_answer(void **state)
{
	struct scene s = begin_found("\1\2");

	(void)state;
	expect_calls(&s, "\1\1\2");
	pass(&s, 30);
	assert_int_equal(call(&s), 2);
	assert_true(ask(&s));
	assert_false(answer(&s, "\1\2"));
	assert_int_equal(call(&s), 1);
}

/* Too many queries: this one is put off for a second. */
static void test_put_off(void **state)
{
	struct scene s = begin();

	(void)state;
	assert_true(ask(&s));
	dns_policy_put_off(&s.policy, s.now);
	assert_false(s.policy.failed);
	assert_int_equal(due_in(&s), 1);
	pass(&s, 1);
	assert_true(ask(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_routes_changed),
		cmocka_unit_test(test_routes_change_on),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_worked),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_same_answer),
		cmocka_unit_test(test_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
