/* SPDX-License-Identifier: MIT */
/* Tests of the timers: what each event starts and stops, and random events against the rules; and
 * of the protocol's numbers. */
#include "wg/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/messages.h"
#include "wg/ratelimit.h"

static void fill(void *ctx, uint8_t *out, size_t len)
{
	memset(out, *(uint8_t *)ctx, len);
}

static struct mono at(double s)
{
	return (struct mono){ (uint64_t)((1000 + s) * (double)NS_PER_S) };
}

enum event {
	WANTED,
	DATA_SENT,
	DATA_RECEIVED,
	SENT,
	RECEIVED,
	INITIATED,
	COMPLETE,
	DERIVED,
	NOTHING,
};

static void apply_event(struct wg_timers *t, enum event e, struct mono now, const struct rng *rng)
{
	switch (e) {
	case WANTED:
		return wg_timers_wanted(t, now);
	case DATA_SENT:
		return wg_timers_data_sent(t, now, rng);
	case DATA_RECEIVED:
		return wg_timers_data_received(t, now);
	case SENT:
		return wg_timers_sent(t, now);
	case RECEIVED:
		return wg_timers_received(t, now);
	case INITIATED:
		return wg_timers_initiated(t, now, rng);
	case COMPLETE:
		return wg_timers_handshake_complete(t);
	case DERIVED:
		return wg_timers_session_derived(t, now);
	case NOTHING:
		return;
	}
}

/* Events one second apart, from second 0; then the first deadline and its actions. */
static void test_table(void **state)
{
	static const struct {
		const char *name;
		enum event events[4];
		double due; /* 0: never */
		unsigned actions;
	} cases[] = {
		{ "idle", { NOTHING, NOTHING, NOTHING, NOTHING }, 0, 0 },
		{ "initiation unanswered", { INITIATED, NOTHING, NOTHING, NOTHING }, 5,
			WG_SEND_INITIATION | WG_SOURCE_STALE },
		{ "initiation answered", { INITIATED, COMPLETE, NOTHING, NOTHING }, 0, 0 },
		{ "initiation, wanted anew", { INITIATED, WANTED, WANTED, WANTED }, 5,
			WG_SEND_INITIATION | WG_SOURCE_STALE },
		{ "wanted but none can be made", { WANTED, NOTHING, NOTHING, NOTHING }, 90,
			WG_DROP_PENDING },
		{ "keys derived", { DERIVED, NOTHING, NOTHING, NOTHING }, 540, WG_KEYS_WIPED },
		{ "keys derived twice", { DERIVED, NOTHING, DERIVED, NOTHING }, 542,
			WG_KEYS_WIPED },
		{ "data received", { DATA_RECEIVED, NOTHING, NOTHING, NOTHING }, 10,
			WG_SEND_KEEPALIVE },
		{ "data received again", { DATA_RECEIVED, DATA_RECEIVED, NOTHING, NOTHING }, 10,
			WG_SEND_KEEPALIVE },
		{ "data received, something sent", { DATA_RECEIVED, SENT, NOTHING, NOTHING }, 0,
			0 },
		{ "data sent, silence", { DATA_SENT, NOTHING, NOTHING, NOTHING }, 15,
			WG_SEND_INITIATION | WG_SOURCE_STALE },
		{ "more data sent, silence", { DATA_SENT, DATA_SENT, DATA_SENT, NOTHING }, 15,
			WG_SEND_INITIATION | WG_SOURCE_STALE },
		{ "data sent, received", { DATA_SENT, RECEIVED, NOTHING, NOTHING }, 0, 0 },
		{ "data sent, received, sent", { DATA_SENT, RECEIVED, DATA_SENT, NOTHING }, 17,
			WG_SEND_INITIATION | WG_SOURCE_STALE },
	};
	uint8_t zero = 0;
	struct rng rng = { fill, &zero };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wg_timers t = { 0 };
		struct mono due = cases[i].due != 0 ? at(cases[i].due) : MONO_NEVER;

		for (size_t e = 0; e < 4; e++)
			apply_event(&t, cases[i].events[e], at((double)e), &rng);
		if (wg_timers_deadline(&t).ns != due.ns)
			fail_msg("%s: due at %f", cases[i].name,
				(double)wg_timers_deadline(&t).ns / (double)NS_PER_S - 1000);
		if (!cases[i].actions)
			continue;
		assert_int_equal(wg_timers_run(&t, (struct mono){ due.ns - 1 }, &rng), 0);
		if (wg_timers_run(&t, due, &rng) != cases[i].actions)
			fail_msg("%s: other actions", cases[i].name);
	}
}

/* Data that comes while a keepalive is pending earns a second one, 10 s after the first. */
static void test_another_keepalive(void **state)
{
	uint8_t zero = 0;
	struct rng rng = { fill, &zero };
	struct wg_timers t = { 0 };

	wg_timers_data_received(&t, at(0));
	wg_timers_data_received(&t, at(5));
	assert_int_equal(wg_timers_run(&t, at(10), &rng), WG_SEND_KEEPALIVE);
	assert_int_equal(wg_timers_deadline(&t).ns, at(20).ns);
	wg_timers_sent(&t, at(10)); /* the keepalive itself */
	assert_int_equal(wg_timers_deadline(&t).ns, 0);
}

static void test_jitter(void **state)
{
	uint8_t most = 0xff;
	struct rng rng = { fill, &most };
	struct wg_timers t = { 0 };

	wg_timers_data_sent(&t, at(0), &rng);
	assert_in_range(t.new_handshake.ns, at(15.332).ns, at(15.333).ns);
	wg_timers_initiated(&t, at(0), &rng);
	assert_in_range(t.retransmit.ns, at(5.332).ns, at(5.333).ns);
}

static void fill_and_count(void *ctx, uint8_t *out, size_t len)
{
	++*(unsigned *)ctx;
	memset(out, 0x55, len);
}

/* Random bytes are a system call, so data that goes both ways needs none; a silence does. */
static void test_jitter_is_drawn_once(void **state)
{
	unsigned draws = 0;
	struct rng rng = { fill_and_count, &draws };
	struct wg_timers t = { 0 };

	for (unsigned i = 0; i < 1000; i++) {
		wg_timers_data_sent(&t, at(i), &rng);
		wg_timers_received(&t, at(i));
	}
	assert_int_equal(draws, 1);
	wg_timers_data_sent(&t, at(1000), &rng);
	(void)wg_timers_run(&t, at(1016), &rng);
	wg_timers_data_sent(&t, at(1016), &rng);
	assert_int_equal(draws, 2);
}

/* A handshake times out 90 s after it was last wanted, regardless of the retries. */
static void test_give_up(void **state)
{
	uint8_t zero = 0;
	struct rng rng = { fill, &zero };
	struct wg_timers t = { 0 };
	unsigned sent = 1, actions;

	wg_timers_initiated(&t, at(0), &rng);
	wg_timers_wanted(&t, at(7));
	for (;;) {
		struct mono due = wg_timers_deadline(&t);

		actions = wg_timers_run(&t, due, &rng);
		if (!(actions & WG_SEND_INITIATION)) {
			assert_int_equal(due.ns, at(97).ns);
			break;
		}
		wg_timers_initiated(&t, due, &rng);
		sent++;
	}
	assert_int_equal(actions, WG_DROP_PENDING);
	assert_int_equal(sent, 1 + 19);
	assert_int_equal(wg_timers_deadline(&t).ns, at(97 + 540).ns);
	assert_int_equal(wg_timers_run(&t, at(97 + 540), &rng), WG_KEYS_WIPED);
	assert_int_equal(wg_timers_deadline(&t).ns, 0);
}

static void test_persistent(void **state)
{
	uint8_t zero = 0;
	struct rng rng = { fill, &zero };
	struct wg_timers t = { .persistent_ns = 25 * NS_PER_S, .persistent = at(25) };

	wg_timers_received(&t, at(20));
	assert_int_equal(wg_timers_deadline(&t).ns, at(45).ns);
	assert_int_equal(wg_timers_run(&t, at(45), &rng), WG_SEND_KEEPALIVE);
	/* The timer continues even if the keepalive could not be sent. */
	assert_int_equal(wg_timers_deadline(&t).ns, at(70).ns);
	wg_timers_stop(&t);
	assert_int_equal(wg_timers_deadline(&t).ns, 0);
	assert_int_equal(t.persistent_ns, 25 * NS_PER_S);
}

/* Random events: running at the deadline always does something, and deadlines lie ahead. */
static void test_random(void **state)
{
	uint8_t some = 0x55;
	struct rng rng = { fill, &some };
	struct wg_timers t = { 0 };
	uint64_t x = 3, now = at(0).ns;

	for (int i = 0; i < 200000; i++) {
		struct mono due = wg_timers_deadline(&t);

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		now += (x >> 20) % (3 * NS_PER_S);
		if (mono_reached(due, (struct mono){ now })) {
			now = due.ns;
			assert_int_not_equal(wg_timers_run(&t, due, &rng), 0);
		} else {
			assert_int_equal(wg_timers_run(&t, (struct mono){ now }, &rng), 0);
			apply_event(
				&t, (enum event)((x >> 55) % NOTHING), (struct mono){ now }, &rng);
		}
		due = wg_timers_deadline(&t);
		assert_true(!due.ns || due.ns > now);
	}
}

/* The protocol's numbers as given in the whitepaper (§5.4, §6.1) and in Linux; elsewhere only
 * their names are used. */
static void test_limits(void **state)
{
	static const struct {
		const char *name;
		uint64_t value, wanted;
	} limits[] = {
		{ "REKEY_AFTER_MESSAGES", WG_REKEY_AFTER_MESSAGES, 1152921504606846976 },
		{ "REJECT_AFTER_MESSAGES", WG_REJECT_AFTER_MESSAGES, 18446744073709543423ULL },
		{ "REKEY_AFTER_TIME", WG_REKEY_AFTER_TIME, 120000000000 },
		{ "REJECT_AFTER_TIME", WG_REJECT_AFTER_TIME, 180000000000 },
		{ "REKEY_ATTEMPT_TIME", WG_REKEY_ATTEMPT_TIME, 90000000000 },
		{ "REKEY_TIMEOUT", WG_REKEY_TIMEOUT, 5000000000 },
		{ "KEEPALIVE_TIMEOUT", WG_KEEPALIVE_TIMEOUT, 10000000000 },
		{ "lifetime of keys", WG_KEY_LIFE, 540000000000 },
		{ "lifetime of cookies", WG_COOKIE_LIFE, 120000000000 },
		{ "initiations per second", WG_INITIATIONS_PER_S, 50 },
		{ "the replay window", WG_REPLAY_BITS, 8192 },
		{ "pending packets", WG_PENDING_MAX, 128 },
		{ "padding", WG_PADDING, 16 },
		{ "cookie-verified handshakes per second", WG_RATELIMIT_PER_S, 20 },
		{ "and at once", WG_RATELIMIT_BURST, 5 },
		{ "initiation", WG_INITIATION_LEN, 148 },
		{ "response", WG_RESPONSE_LEN, 92 },
		{ "cookie reply", WG_COOKIE_REPLY_LEN, 64 },
		{ "keepalive", WG_DATA_OVERHEAD, 32 },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i].value != limits[i].wanted)
			fail_msg("%s: %llu", limits[i].name, (unsigned long long)limits[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_another_keepalive),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_jitter_is_drawn_once),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_persistent),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
