/* SPDX-License-Identifier: MIT */
/* Tests of DPLPMTUD on a simulated path with a fake clock: paths that shrink and grow, loss, delay,
 * forged hints, silent peers, and idleness. */
#include "path/pmtud.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEP (1 * NS_PER_MS)
#define SEC  NS_PER_S

/* A path with an echo at its end; everything the tests turn. */
struct path {
	struct pmtud p;
	struct mono now;
	unsigned mtu;
	uint64_t rtt;
	unsigned loss; /* of probes or their answers, in a thousand */
	bool silent;
	unsigned traffic; /* size that is sent all the time, or 0 */
	unsigned wanted;  /* datagrams in a train of that traffic */
	unsigned carried; /* the longest train that passes; 0: any */
	uint64_t trains;  /* probes that were trains */
	struct {
		uint16_t token;
		struct mono due;
	} answers[64];
	size_t answers_n;
	uint64_t stalled; /* time in which `current` did not fit, with traffic */
	uint64_t stall;	  /* of which the present stretch */
	uint64_t longest;
	uint64_t unsure; /* the same of `sure`: packets cut to that are lost, too */
	uint64_t loss_lasts;
	uint64_t bytes; /* of probes */
};

static void path_init(struct path *s, unsigned route_mtu, unsigned mtu, uint64_t rtt)
{
	*s = (struct path){ .mtu = mtu, .rtt = rtt, .now = { SEC }, .traffic = 1500, .wanted = 1 };
	pmtud_init(&s->p, route_mtu, AF_INET, s->now);
}

static void carry(struct path *s, const struct pmtud_probe *probe)
{
	s->bytes += (uint64_t)probe->size * probe->count;
	s->trains += probe->count > 1;
	assert_in_range(probe->size, PMTUD_MARKER, s->p.max);
	assert_in_range(probe->count, 1, TRAINS_ANY);
	if (s->carried && probe->count > s->carried)
		return;
	if (s->silent || probe->size > s->mtu || (unsigned)rand() % 1000 < s->loss)
		return;
	assert_in_range(s->answers_n, 0, 63);
	s->answers[s->answers_n].token = probe->token;
	s->answers[s->answers_n++].due = mono_add(s->now, s->rtt);
}

static void deliver(struct path *s)
{
	for (size_t i = 0; i < s->answers_n;) {
		if (!mono_reached(s->answers[i].due, s->now)) {
			i++;
			continue;
		}
		pmtud_acked(&s->p, s->answers[i].token, s->now);
		memmove(&s->answers[i], &s->answers[i + 1],
			(--s->answers_n - i) * sizeof(s->answers[0]));
	}
}

/* Let `ns` pass, a millisecond at a time, as an event loop would. */
static void run(struct path *s, uint64_t ns)
{
	struct mono until = mono_add(s->now, ns);
	struct pmtud_probe probe;

	while (mono_before(s->now, until)) {
		deliver(s);
		if (s->traffic)
			pmtud_traffic(&s->p, s->traffic < s->p.current ? s->traffic : s->p.current,
				s->wanted, s->now);
		if (mono_reached(pmtud_deadline(&s->p), s->now))
			while (pmtud_next(&s->p, s->now, &probe))
				carry(s, &probe);
		s->stall = s->traffic && s->p.current > s->mtu ? s->stall + STEP : 0;
		s->longest = s->stall > s->longest ? s->stall : s->longest;
		s->unsure = s->traffic && s->p.sure > s->mtu ? s->unsure + STEP : 0;
		s->loss_lasts = s->unsure > s->loss_lasts ? s->unsure : s->loss_lasts;
		assert_in_range(s->p.current, s->p.min, s->p.max);
		assert_in_range(s->p.sure, s->p.min, s->p.current);
		s->now = mono_add(s->now, STEP);
	}
}

/* The MTU has been found, and is at most being confirmed. */
static void expect(const struct path *s, unsigned mtu)
{
	assert_int_equal(s->p.current, mtu);
	assert_true(s->p.state == PMTUD_COMPLETE || s->p.state == PMTUD_CONFIRM);
}

/* A path that carries the route's MTU is confirmed with one answer, and nothing is searched. */
static void test_route_is_right(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	assert_int_equal(s.p.current, 1500);
	run(&s, 50 * NS_PER_MS);
	expect(&s, 1500);
	assert_int_equal(s.p.probes, 2);
	run(&s, 60 * SEC);
	expect(&s, 1500);
	assert_int_equal(s.p.black_holes, 0);
	/* two probes each half second, no more */
	assert_in_range(s.p.probes, 2 * 110, 2 * 121);
}

/* There is no session for a while: the first probes leave when there is one, once. */
static void test_waits_for_a_session(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	s.now = mono_add(s.now, 30 * SEC);
	run(&s, 50 * NS_PER_MS);
	expect(&s, 1500);
	assert_int_equal(s.p.probes, 2);
}

/* Every MTU of a path is found to the byte, from wherever the route starts, near and far. */
static void test_finds_every_mtu(void **state)
{
	static const uint64_t rtts[] = { 0, 2 * NS_PER_MS, 80 * NS_PER_MS, 600 * NS_PER_MS };

	for (unsigned mtu = PMTUD_MIN_IPV4; mtu <= 1500; mtu += mtu < 1270 ? 37 : 1) {
		struct path s;

		path_init(&s, mtu % 2 ? 1500 : 9000, mtu, rtts[mtu % 4]);
		run(&s, 40 * SEC);
		expect(&s, mtu);
	}
}

/* Run until the MTU has been found. Return: how long that took. */
static uint64_t time_to_find(struct path *s, unsigned mtu)
{
	struct mono begun = s->now;

	while (s->p.state != PMTUD_COMPLETE || s->p.current != mtu) {
		run(s, STEP);
		assert_true(mono_between(begun, s->now) < 60 * SEC);
	}
	return mono_between(begun, s->now);
}

/* A path that never carried the route's MTU: one round trip until the size in use fits, nothing is
 * sent whole before that, and the MTU is known in a few seconds. */
static void test_narrow_from_the_start(void **state)
{
	static const unsigned mtus[] = { 1499, 1492, 1460, 1433, 1400, 1280, 1201 };
	static const unsigned routes[] = { 1500, 9001 };
	static const uint64_t rtts[] = { 0, 20 * NS_PER_MS, 150 * NS_PER_MS };

	for (unsigned i = 0; i < ARRAY_LEN(mtus) * ARRAY_LEN(routes) * ARRAY_LEN(rtts); i++) {
		unsigned mtu = mtus[i % ARRAY_LEN(mtus)];
		unsigned route = routes[i / ARRAY_LEN(mtus) % ARRAY_LEN(routes)];
		uint64_t rtt = rtts[i / ARRAY_LEN(mtus) / ARRAY_LEN(routes)];
		struct path s;

		path_init(&s, route, mtu, rtt);
		assert_int_equal(s.p.current, route); /* an assumption, until there is a session */
		assert_in_range(s.p.sure, s.p.min, mtu);
		while (s.p.current > mtu) {
			run(&s, STEP);
			assert_in_range(s.p.sure, s.p.min, mtu);
		}
		assert_in_range(s.longest, 0, rtt + 2 * NS_PER_MS);
		assert_in_range(time_to_find(&s, mtu), 0, 4 * SEC);
		assert_int_equal(s.p.black_holes, 0);
	}
}

/* The answer to the large probe comes behind the marker's, by a detour: less is used until the next
 * round, which begins at once, is answered. */
static void test_overtaken_at_the_start(void **state)
{
	struct pmtud_probe large, marker, again, other;
	struct mono now = { SEC };
	struct pmtud p = { 0 };

	pmtud_init(&p, 1500, AF_INET, now);
	assert_true(pmtud_next(&p, now, &large));
	assert_true(pmtud_next(&p, now, &marker));
	now = mono_add(now, 20 * NS_PER_MS);
	pmtud_acked(&p, marker.token, now);
	assert_int_equal(p.current, PMTUD_BASE_IPV4);
	assert_true(pmtud_next(&p, now, &again));
	assert_int_equal(again.size, 1500);
	while (pmtud_next(&p, now, &other))
		assert_in_range(other.size, PMTUD_MARKER, 1492);
	now = mono_add(now, 20 * NS_PER_MS);
	pmtud_acked(&p, large.token, now); /* too late: of another round */
	assert_int_equal(p.current, PMTUD_BASE_IPV4);
	pmtud_acked(&p, again.token, now);
	assert_int_equal(p.current, 1500);
	assert_false(pmtud_next(&p, now, &other));
	assert_int_equal(p.state, PMTUD_COMPLETE);
	assert_int_equal(p.sure, 1500);
}

struct shrink_case {
	const char *name;
	uint64_t rtt;
	unsigned loss;
	bool hint;
	uint64_t stall; /* at most */
	uint64_t loss_lasts;
};

static const struct shrink_case shrink_cases[] = {
	{ "local", 0, 0, false, 900 * NS_PER_MS, 610 * NS_PER_MS },
	{ "near", 10 * NS_PER_MS, 0, false, 900 * NS_PER_MS, 610 * NS_PER_MS },
	{ "far", 200 * NS_PER_MS, 0, false, 1600 * NS_PER_MS, 800 * NS_PER_MS },
	{ "satellite", 600 * NS_PER_MS, 0, false, 3000 * NS_PER_MS, 1800 * NS_PER_MS },
	{ "lossy", 30 * NS_PER_MS, 20, false, 3000 * NS_PER_MS, 3000 * NS_PER_MS },
	{ "with ICMP", 10 * NS_PER_MS, 0, true, 500 * NS_PER_MS, 250 * NS_PER_MS },
};

/* The path shrinks under traffic, mostly without ICMP: packets fit again soon, and the MTU is
 * found. Then it grows, and is used again. */
static void test_shrinks_and_grows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(shrink_cases); i++) {
		const struct shrink_case *c = &shrink_cases[i];
		struct path s;

		print_message("%s\n", c->name);
		srand(3);
		path_init(&s, 1500, 1500, c->rtt);
		s.loss = c->loss;
		for (unsigned offset = 0; offset < 10; offset++) {
			run(&s, 5 * SEC + offset * 77 * NS_PER_MS);
			s.mtu = 1400;
			if (c->hint)
				pmtud_hint(&s.p, 1400, false, s.now);
			run(&s, 20 * SEC);
			expect(&s, 1400);
			s.mtu = 1280;
			if (c->hint)
				pmtud_hint(&s.p, 1280, false, s.now);
			run(&s, 20 * SEC);
			expect(&s, 1280);
			assert_in_range(s.longest, c->hint ? 1 : NS_PER_MS, c->stall);
			assert_in_range(s.loss_lasts, 0, c->loss_lasts);
			s.mtu = 1500;
			run(&s, PMTUD_RAISE_TIMER_NS);
			expect(&s, 1500);
		}
		print_message("longest stall %u ms, loss %u ms\n",
			(unsigned)(s.longest / NS_PER_MS), (unsigned)(s.loss_lasts / NS_PER_MS));
		if (!c->loss)
			assert_int_equal(s.p.black_holes, 20);
	}
}

/* The raise timer finds what is larger, also if it is less than the route's MTU. */
static void test_grows_in_part(void **state)
{
	struct path s;

	path_init(&s, 1500, 1280, 5 * NS_PER_MS);
	run(&s, 10 * SEC);
	expect(&s, 1280);
	s.mtu = 1433;
	run(&s, PMTUD_RAISE_TIMER_NS - 20 * SEC);
	assert_int_equal(s.p.current, 1280);
	run(&s, 30 * SEC);
	expect(&s, 1433);
	assert_int_equal(s.p.black_holes, 0); /* it has never carried more */
}

/* Hours of loss on a path that is as wide as it was: mistakes are few and last a moment. */
static void test_loss(void **state)
{
	uint64_t low = 0;
	struct path s;

	srand(5);
	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	s.loss = 50;
	for (unsigned i = 0; i < 2 * 3600 * 10; i++) {
		run(&s, 100 * NS_PER_MS);
		low += s.p.current < 1500;
	}
	print_message("%u of 14400 confirmations mistaken, %u tenths of a second too small\n",
		(unsigned)s.p.black_holes, (unsigned)low);
	assert_in_range(s.p.black_holes, 0, 40);
	assert_in_range(low, 0, 200);
	s.loss = 0;
	run(&s, PMTUD_RAISE_TIMER_NS + 10 * SEC);
	expect(&s, 1500);
}

/* Loss so heavy that it is hardly a path: it stays in use as wide as it is, but for moments. When
 * it ends, the width is what it was. */
static void test_heavy_loss(void **state)
{
	static const unsigned losses[] = { 300, 500, 750 };

	for (unsigned i = 0; i < ARRAY_LEN(losses); i++) {
		uint64_t low = 0;
		struct path s;

		srand(11 + i);
		path_init(&s, 1500, 1500, 20 * NS_PER_MS);
		s.loss = losses[i];
		for (unsigned t = 0; t < 3600; t++) {
			run(&s, SEC);
			low += s.p.current < 1500;
		}
		print_message("%u of 1000 lost: %u of 3600 seconds too small, %u black holes\n",
			losses[i], (unsigned)low, (unsigned)s.p.black_holes);
		assert_in_range(low, 0, 60);
		assert_in_range(s.p.black_holes, 0, 10);
		s.loss = 0;
		run(&s, PMTUD_RAISE_TIMER_NS + 20 * SEC);
		expect(&s, 1500);
	}
}

/* A path that is narrow and loses half is found to be narrow all the same. */
static void test_narrow_and_lossy(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct path s;

		srand(seed);
		path_init(&s, 1500, 1400, 20 * NS_PER_MS);
		s.loss = 500;
		run(&s, 60 * SEC);
		assert_in_range(s.p.current, PMTUD_MIN_IPV4, 1400);
		s.loss = 0;
		run(&s, PMTUD_RAISE_TIMER_NS + 20 * SEC);
		expect(&s, 1400);
	}
}

/* ICMP starts a search at once, in any state, with or without traffic. */
static void test_hint_begins_a_search(void **state)
{
	static const unsigned mtus[] = { 1492, 1460, 1433, 1400, 1280 };

	for (unsigned i = 0; i < 2 * ARRAY_LEN(mtus); i++) {
		bool silent = i % 2;
		unsigned mtu = mtus[i / 2];
		struct path s;

		path_init(&s, 1500, 1500, 20 * NS_PER_MS);
		s.traffic = 0;
		s.silent = silent;
		run(&s, 10 * SEC);
		assert_int_equal(s.p.state, silent ? PMTUD_SILENT : PMTUD_COMPLETE);
		assert_int_equal(pmtud_deadline(&s.p).ns, 0);
		s.silent = false;
		s.mtu = mtu;
		pmtud_hint(&s.p, mtu, false, s.now);
		assert_true(mono_reached(pmtud_deadline(&s.p), s.now));
		assert_in_range(time_to_find(&s, mtu), 0, SEC);
	}
}

/* A peer that answers nothing: only an authentic message lowers what is used, for as long as the
 * kernel believes one. */
static void test_hints_and_silence(void **state)
{
	struct path s;

	path_init(&s, 1500, 1400, 20 * NS_PER_MS);
	s.silent = true;
	run(&s, 10 * SEC);
	pmtud_hint(&s.p, 1300, false, s.now);
	run(&s, 10 * SEC);
	assert_int_equal(s.p.current, 1500);
	while (s.p.state != PMTUD_SILENT)
		run(&s, STEP);
	pmtud_hint(&s.p, 1400, true, s.now);
	assert_int_equal(s.p.current, 1400);
	run(&s, PMTUD_RAISE_TIMER_NS - SEC);
	assert_int_equal(s.p.current, 1400);
	run(&s, 2 * SEC);
	assert_int_equal(s.p.current, 1500);
	while (s.p.state != PMTUD_CONFIRM)
		run(&s, STEP);
	pmtud_hint(&s.p, 1400, true, s.now); /* while it is asked once more */
	assert_in_range(s.p.sure, s.p.min, 1400);
	run(&s, 10 * SEC);
	assert_int_equal(s.p.current, 1400);
	s.silent = false;
	run(&s, PMTUD_RAISE_TIMER_NS + 20 * SEC);
	expect(&s, 1400);
	assert_int_equal(s.p.black_holes, 0);
}

/* An authentic message of a path that answers: cut at once, confirmed or refuted by probes. */
static void test_authentic_hint(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	run(&s, SEC);
	pmtud_hint(&s.p, 1300, true, s.now);
	assert_int_equal(s.p.current, 1500);
	assert_int_equal(s.p.sure, 1300);
	run(&s, SEC);
	expect(&s, 1500);
	assert_int_equal(s.p.sure, 1500);
	s.mtu = 1300;
	pmtud_hint(&s.p, 1300, true, s.now);
	assert_in_range(time_to_find(&s, 1300), 0, SEC);
	assert_int_equal(s.p.sure, 1300);
}

/* A path that loses trains and not single datagrams: they are cut down to what passes, and tried
 * again later. */
static void test_trains(void **state)
{
	static const unsigned limits[] = { 1, 2, 3, 7, 20, 32 };

	for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
		unsigned fits = 1;
		struct path s;

		path_init(&s, 1500, 1500, 20 * NS_PER_MS);
		s.wanted = 40;
		run(&s, 20 * SEC);
		assert_int_equal(s.p.trains.max, TRAINS_ANY);
		s.carried = limits[i];
		run(&s, 6 * SEC);
		while (2 * fits <= limits[i])
			fits *= 2;
		assert_int_equal(s.p.trains.max, fits);
		expect(&s, 1500);
		assert_int_equal(s.p.black_holes, 0);
		run(&s, 2 * PMTUD_RAISE_TIMER_NS);
		assert_int_equal(s.p.trains.max, fits);
		s.carried = 0;
		run(&s, PMTUD_RAISE_TIMER_NS + 10 * SEC);
		assert_int_equal(s.p.trains.max, TRAINS_ANY);
	}
}

/* The cost of looking: no train of probes without trains, and one in four seconds with them. */
static void test_trains_are_rarely_probed(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	s.wanted = 1;
	run(&s, 60 * SEC);
	assert_int_equal(s.trains, 0);
	s.wanted = 10;
	s.bytes = 0;
	run(&s, 60 * SEC);
	assert_in_range(s.trains, 12, 16);
	assert_in_range(s.bytes, 0, 16 * 10 * 1500 + 130 * (1500 + 160));
}

/* A path that loses packets does not lose trains. */
static void test_trains_and_loss(void **state)
{
	uint64_t cut = 0;
	struct path s;

	srand(17);
	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	s.wanted = 40;
	s.loss = 100;
	for (unsigned t = 0; t < 3600; t++) {
		run(&s, SEC);
		cut += s.p.trains.max < TRAINS_ANY;
	}
	assert_int_equal(cut, 0);
	s.loss = 500;
	for (unsigned t = 0; t < 3600; t++) {
		run(&s, SEC);
		cut += s.p.trains.max < TRAINS_ANY;
	}
	print_message("half lost: trains cut for %u of 3600 seconds\n", (unsigned)cut);
	assert_in_range(cut, 0, 360);
}

/* Trains are checked while the path shrinks: the one is not taken for the other. */
static void test_trains_and_a_black_hole(void **state)
{
	for (unsigned offset = 0; offset < 50; offset++) {
		struct path s;

		path_init(&s, 1500, 1500, 20 * NS_PER_MS);
		s.wanted = 40;
		run(&s, 3 * SEC + offset * 37 * NS_PER_MS);
		s.mtu = 1400;
		run(&s, 5 * SEC);
		expect(&s, 1400);
		assert_int_equal(s.p.trains.max, TRAINS_ANY);
		assert_int_equal(s.p.black_holes, 1);
	}
}

/* Forged hints, in floods, move nothing but a few probes. */
static void test_forged_hints(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	run(&s, SEC);
	s.bytes = 0;
	for (unsigned i = 0; i < 10000; i++) {
		pmtud_hint(&s.p, i % 2000, false, s.now);
		run(&s, NS_PER_MS);
		assert_int_equal(s.p.current, 1500);
	}
	assert_in_range(s.bytes, 0, 10 * 10 * (1700 + 1500)); /* ten rounds a second at most */
	assert_int_equal(s.p.black_holes, 0);
}

/* A peer that answers nothing: the route's MTU stays, and it is asked ever more rarely. */
static void test_silent_peer(void **state)
{
	struct path s;

	path_init(&s, 1492, 1492, 20 * NS_PER_MS);
	s.silent = true;
	run(&s, 600 * SEC);
	assert_int_equal(s.p.current, 1492);
	assert_int_equal(s.p.black_holes, 0);
	assert_in_range(s.p.probes, 20, 2 * (3 + 5 + 600 / 17));
	s.silent = false;
	run(&s, 20 * SEC);
	expect(&s, 1492);
}

/* A path that breaks and comes back narrower is found narrower; one that breaks in the middle of a
 * search is searched on. */
static void test_outage(void **state)
{
	struct path s;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	run(&s, 5 * SEC);
	s.silent = true;
	run(&s, 10 * SEC);
	assert_int_equal(s.p.current, 1500);
	assert_int_equal(s.p.state, PMTUD_SILENT);
	s.silent = false;
	s.mtu = 1320;
	run(&s, 20 * SEC);
	expect(&s, 1320);
	s.mtu = 1310;
	while (s.p.state != PMTUD_SEARCH)
		run(&s, STEP);
	s.silent = true;
	run(&s, 30 * SEC);
	assert_in_range(s.p.current, PMTUD_BASE_IPV4, 1310); /* what was still answered counts */
	s.silent = false;
	run(&s, 30 * SEC);
	expect(&s, 1310);
}

/* Without traffic nothing is sent and there are no wake-ups, whatever the path does. */
static void test_idle(void **state)
{
	struct path s;
	uint64_t probes;

	path_init(&s, 1500, 1500, 20 * NS_PER_MS);
	s.traffic = 0;
	run(&s, SEC);
	expect(&s, 1500);
	probes = s.p.probes;
	s.mtu = 1300;
	run(&s, 3600 * SEC);
	assert_int_equal(s.p.probes, probes);
	assert_int_equal(pmtud_deadline(&s.p).ns, 0);
	s.traffic = 900; /* small packets do not need to know */
	run(&s, 60 * SEC);
	assert_int_equal(s.p.probes, probes);
	s.traffic = 1500;
	run(&s, 10 * SEC);
	expect(&s, 1300);
	assert_in_range(s.longest, 0, 70 * SEC);
}

static void test_route_changes(void **state)
{
	struct path s;

	path_init(&s, 1500, 9000, 20 * NS_PER_MS);
	run(&s, SEC);
	pmtud_route(&s.p, 1400, s.now);
	assert_int_equal(s.p.current, 1400);
	run(&s, SEC);
	expect(&s, 1400);
	pmtud_route(&s.p, 9000, s.now); /* no need to wait for the raise timer */
	assert_int_equal(s.p.current, 1400);
	run(&s, SEC);
	expect(&s, 9000);
	s.mtu = 1500;
	run(&s, 10 * SEC);
	expect(&s, 1500);
	while (s.p.state != PMTUD_CONFIRM)
		run(&s, STEP);
	pmtud_route(&s.p, 1450, s.now); /* in the middle of things */
	run(&s, SEC);
	expect(&s, 1450);
	pmtud_route(&s.p, 300, s.now); /* nothing sensible: not below the least */
	assert_int_equal(s.p.current, PMTUD_MIN_IPV4);
	assert_int_equal(s.p.black_holes, 1);
}

/* IPv6 starts and ends at its least MTU. */
static void test_ipv6(void **state)
{
	struct path s;

	path_init(&s, 1500, 1280, 20 * NS_PER_MS);
	pmtud_init(&s.p, 1500, AF_INET6, s.now);
	run(&s, 20 * SEC);
	expect(&s, 1280);
	s.mtu = 1000; /* broken beyond repair */
	run(&s, 20 * SEC);
	assert_int_equal(s.p.current, 1280);
}

/* Answers with tokens of no probe, of past rounds, or twice, change nothing. */
static void test_strange_answers(void **state)
{
	struct pmtud_probe probe, marker;
	struct mono now = { SEC };
	struct pmtud p = { 0 }, before;

	pmtud_init(&p, 1500, AF_INET, now);
	before = p;
	pmtud_acked(&p, 0, now); /* not handed out yet */
	pmtud_acked(&p, 999, now);
	assert_memory_equal(&p, &before, sizeof(p));
	assert_true(pmtud_next(&p, now, &probe));
	assert_int_equal(probe.size, 1500);
	assert_true(pmtud_next(&p, now, &marker));
	assert_int_equal(marker.size, PMTUD_MARKER);
	assert_false(pmtud_next(&p, now, &probe));
	pmtud_init(&p, 1500, AF_INET, now); /* the endpoint has moved: answers in transit are
					       void */
	while (pmtud_next(&p, now, &probe))
		;
	before = p;
	pmtud_acked(&p, 0, now);
	pmtud_acked(&p, marker.token, now);
	assert_memory_equal(&p, &before, sizeof(p));
	pmtud_acked(&p, probe.token, now);
	pmtud_acked(&p, probe.token, now);
	assert_int_equal(p.answers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_is_right),
		cmocka_unit_test(test_waits_for_a_session),
		cmocka_unit_test(test_finds_every_mtu),
		cmocka_unit_test(test_narrow_from_the_start),
		cmocka_unit_test(test_overtaken_at_the_start),
		cmocka_unit_test(test_shrinks_and_grows),
		cmocka_unit_test(test_grows_in_part),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_heavy_loss),
		cmocka_unit_test(test_narrow_and_lossy),
		cmocka_unit_test(test_hint_begins_a_search),
		cmocka_unit_test(test_hints_and_silence),
		cmocka_unit_test(test_authentic_hint),
		cmocka_unit_test(test_trains),
		cmocka_unit_test(test_trains_are_rarely_probed),
		cmocka_unit_test(test_trains_and_loss),
		cmocka_unit_test(test_trains_and_a_black_hole),
		cmocka_unit_test(test_forged_hints),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_route_changes),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_strange_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
