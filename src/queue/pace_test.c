/* SPDX-License-Identifier: MIT */
/* Tests of pacing: when frames begin and cease to wait, and how much may leave. */
#include "queue/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mono at_ms(uint64_t ms)
{
	return (struct mono){ NS_PER_S + ms * NS_PER_MS };
}

/* One datagram, of which the kernel counts `charge`. */
static void send_one(struct pace *p, uint64_t charge, uint64_t ms)
{
	pace_sent(p, 1400, charge, at_ms(ms));
}

/* The socket takes everything: no look for each send, and frames never wait. */
static void test_takes_all(void **state)
{
	struct pace p = { 0 };
	unsigned looks = 0;

	for (uint64_t ms = 0; ms < 300; ms++) {
		if (pace_must_look(&p)) {
			looks++;
			pace_look(&p, 0, at_ms(ms));
		}
		assert_true(pace_is_ready(&p, at_ms(ms)));
		send_one(&p, 0, ms);
	}
	assert_int_equal(p.state, PACE_FREE);
	assert_in_range(looks, 95, 101);
	assert_int_equal(pace_rate(&p), 0);
	assert_int_equal(pace_train_max(&p, 1400), 0);
}

/* A datagram now and then that is unsent at a look does not make frames wait. */
static void test_watch(void **state)
{
	struct pace p = { 0 };

	for (uint64_t ms = 0; ms < 1000; ms += 10) {
		for (unsigned i = 0; i < 3; i++)
			send_one(&p, 2304, ms);
		if (pace_must_look(&p))
			pace_look(&p, ms % 50 ? 0 : 2304, at_ms(ms));
		assert_int_not_equal(p.state, PACE_QUEUE);
	}
}

/* Give the link of `rate` what the pace allows, from one millisecond to another. Return: the bytes
 * that the link has sent; `ret_most`: the most that were unsent. */
static uint64_t run(struct pace *p, uint64_t *unsent, uint64_t rate, bool waiting, uint64_t from,
	uint64_t to, uint64_t *ret_most)
{
	uint64_t sent = 0;

	*ret_most = 0;
	for (uint64_t ms = from; ms < to; ms++) {
		uint64_t gone = rate / 1000 < *unsent ? rate / 1000 : *unsent;

		*unsent -= gone;
		sent += gone;
		pace_look(p, *unsent * 2, at_ms(ms));
		while (waiting && pace_is_ready(p, at_ms(ms)) && *unsent < 100000) {
			pace_take(p, 1428, at_ms(ms));
			send_one(p, 2800, ms);
			*unsent += 1400;
		}
		pace_end(p, waiting, at_ms(ms));
		*ret_most = *unsent > *ret_most ? *unsent : *ret_most;
	}
	return sent;
}

/* A slow link: frames wait, about 4 ms are given in advance, the link is never without; and when
 * nothing waits for a while, frames bypass the queue again. */
static void test_queue(void **state)
{
	struct pace p = { 0 };
	uint64_t unsent = 0, most, sent;

	send_one(&p, 0, 0);
	send_one(&p, 0, 0);
	send_one(&p, 0, 0);
	(void)run(&p, &unsent, 2500000, true, 0, 200, &most);
	assert_int_equal(p.state, PACE_QUEUE);
	sent = run(&p, &unsent, 2500000, true, 200, 1000, &most);
	assert_in_range(sent, 800 * 2450, 800 * 2500);
	assert_in_range(most, 8000, 13500);
	assert_in_range(pace_rate(&p), 2300000, 2700000);
	assert_int_equal(pace_train_max(&p, 1400), 1);
	assert_false(pace_is_ready(&p, at_ms(999)));
	assert_in_range(pace_due(&p, at_ms(999)).ns, at_ms(999).ns + 1, at_ms(1003).ns);
	/* the link becomes faster, and slower */
	(void)run(&p, &unsent, 25000000, true, 1000, 2000, &most);
	sent = run(&p, &unsent, 25000000, true, 2000, 3000, &most);
	assert_in_range(sent, 1000 * 23000, 1000 * 25000);
	assert_in_range(pace_train_max(&p, 1400), 12, 25);
	(void)run(&p, &unsent, 1250000, true, 3000, 4000, &most);
	sent = run(&p, &unsent, 1250000, true, 4000, 5000, &most);
	assert_in_range(sent, 1000 * 1220, 1000 * 1250);
	assert_in_range(most, 3000, 8000);

	(void)run(&p, &unsent, 1250000, false, 5000, 5060, &most);
	assert_int_equal(p.state, PACE_FREE);
}

/* The queue of the device is shorter than what would be given: less is given, and slowly more. */
static void test_refused(void **state)
{
	struct pace p = { 0 };
	uint64_t unsent = 0, most;

	pace_refused(&p, 150000, at_ms(0)); /* in the kernel's accounting */
	assert_int_equal(p.state, PACE_QUEUE);
	assert_int_equal(p.refused, 75000);
	p = (struct pace){ 0 };
	pace_refused(&p, 0, at_ms(0));
	assert_int_equal(p.state, PACE_QUEUE);
	(void)run(&p, &unsent, 12500000, true, 0, 2000, &most);
	assert_in_range(most, 30000, 80000);
	unsent = 30000;
	pace_look(&p, 60000, at_ms(2000));
	pace_refused(&p, 60000, at_ms(2000));
	(void)run(&p, &unsent, 12500000, true, 2001, 2010, &most);
	(void)run(&p, &unsent, 12500000, true, 2010, 2040, &most);
	assert_in_range(most, 15000, 29000);
	(void)run(&p, &unsent, 12500000, true, 2040, 4000, &most);
	assert_in_range(most, 30000, 80000);
}

/* A configured rate holds, whatever the socket takes. */
static void test_limit(void **state)
{
	struct pace p = { .limit.rate = 1000000 };
	uint64_t sent = 0, late;

	for (uint64_t ms = 0; ms < 1000; ms++)
		while (pace_is_ready(&p, at_ms(ms))) {
			pace_take(&p, 1000, at_ms(ms));
			sent += 1000;
		}
	assert_in_range(sent, 1000000, 1004000);
	assert_int_equal(pace_due(&p, at_ms(999)).ns, p.limit.free.ns);
	assert_int_equal(pace_rate(&p), 1000000);
	assert_int_equal(pace_train_max(&p, 400), 2);
	/* what was missed is made up for, up to 3 ms of it */
	for (late = 0; pace_is_ready(&p, at_ms(5000)); late += 1000)
		pace_take(&p, 1000, at_ms(5000));
	assert_in_range(late, 3000, 5000);
}

/* What the kernel stores for a next hop that it cannot resolve, in its accounting. */
#define STORED_MAX 212992

/* The most payload that a link may be given which seems to be stuck; see IGNORE_BYTES. */
#define STUCK_LIMIT 1500000

/* In each millisecond, a datagram for a peer whose next hop is not resolved, and ten for others,
 * which leave at once; `stored`: of the former. Return: for how many milliseconds some of the
 * others had to wait. */
static unsigned run_unresolved(struct pace *p, uint64_t *stored, uint64_t from, uint64_t to)
{
	unsigned waited = 0;

	for (uint64_t ms = from; ms < to; ms++) {
		unsigned left = 11;

		if (pace_must_look(p))
			pace_look(p, *stored, at_ms(ms));
		while (left && pace_is_ready(p, at_ms(ms))) {
			bool stays = left-- == 11 && *stored + 2304 <= STORED_MAX;

			pace_take(p, 1428, at_ms(ms));
			send_one(p, stays ? 2304 : 0, ms);
			*stored += stays ? 2304 : 0;
			if (pace_must_look(p))
				pace_look(p, *stored, at_ms(ms));
		}
		pace_end(p, left, at_ms(ms));
		waited += left > 0;
	}
	return waited;
}

/* Datagrams that stay unsent because the next hop of one peer is not resolved: the others wait for
 * a moment, and then not for a while, each time longer. */
static void test_unresolved(void **state)
{
	struct pace p = { 0 };
	uint64_t stored = 0;

	assert_in_range(run_unresolved(&p, &stored, 0, 3000), 200, 400);
	assert_in_range(stored, STORED_MAX - 2304, STORED_MAX);
	assert_in_range(run_unresolved(&p, &stored, 3000, 63000), 0, 2000);
	/* it is resolved; what is unsent counts again in the end */
	stored = 0;
	assert_int_equal(run_unresolved(&p, &stored, 150000, 150001), 0);
	assert_false(mono_before(at_ms(150000), p.ignore_until));
}

/* Give a link what the pace allows, which sends a whole datagram in each `each` ms, and nothing
 * until `from`. Return: the most that were unsent. */
static uint64_t run_whole(struct pace *p, unsigned each, uint64_t from, uint64_t to)
{
	uint64_t unsent = 0, most = 0;

	for (uint64_t ms = 0; ms < to; ms++) {
		if (ms >= from && ms % each == 0 && unsent)
			unsent -= 1400;
		if (pace_must_look(p))
			pace_look(p, unsent / 1400 * 2304, at_ms(ms));
		for (unsigned i = 0; i < 10 && pace_is_ready(p, at_ms(ms)); i++) {
			pace_take(p, 1428, at_ms(ms));
			send_one(p, 2304, ms);
			unsent += 1400;
		}
		pace_end(p, true, at_ms(ms));
		most = unsent > most ? unsent : most;
	}
	return most;
}

/* A slow link is not stuck; one that stops for longer gets a limited amount meanwhile. */
static void test_slow(void **state)
{
	struct pace slow = { 0 }, stopped = { 0 };

	(void)run_whole(&slow, 100, 0, 30000);
	assert_int_equal(slow.state, PACE_QUEUE);
	assert_int_equal(slow.ignore_ns, 0);
	assert_in_range(run_whole(&stopped, 1, 2000, 4000), 100000, STUCK_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_all),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_unresolved),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
