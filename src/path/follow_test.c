/* SPDX-License-Identifier: MIT */
/* The paths' MTUs followed by two engines over a simulated underlay, with a clock of our own: paths
 * that shrink, grow, lose, lie and fall silent, and idleness. */
#include "path/follow.h"

#include "path/ctrl.h"
#include "path/test_pair.h"
#include "path/tx.h"

#define MS  NS_PER_MS
#define SEC NS_PER_S

static void start(struct side *s)
{
	follow_start(&s->e, &s->peer, 1500, &s->tunnel.local, &s->tunnel.remote);
}

/* Two sites that follow their paths, both of this MTU, before anything was sent. */
static struct pair *following(unsigned mtu)
{
	struct pair *p = pair_new_unmerged();

	p->ab.mtu = p->ba.mtu = mtu;
	p->a.answers = p->b.answers = true;
	start(&p->a);
	start(&p->b);
	return p;
}

static void send_one(struct pair *p, struct side *from, size_t len, unsigned seed)
{
	uint8_t frame[1514];

	pair_make_frame(frame, len, seed);
	pair_send(p, from, from == &p->a ? &p->b : &p->a, frame, len, &pair_plain);
	pair_settle(p);
}

/** What a stream came to. */
struct stream {
	uint64_t sent;
	uint64_t arrived;
	uint64_t longest_ns; /* without an arrival */
};

/* A frame of `len` bytes from a to b every 10 ms. */
static struct stream stream(struct pair *p, size_t len, uint64_t ns)
{
	struct stream s = { 0 };
	uint64_t before = p->b.frames;
	uint64_t silent = 0;

	for (uint64_t at = 0; at < ns; at += 10 * MS) {
		uint64_t frames = p->b.frames;

		send_one(p, &p->a, len, (unsigned)at);
		s.sent++;
		pair_run(p, 10 * MS);
		silent = p->b.frames == frames ? silent + 10 * MS : 0;
		s.longest_ns = silent > s.longest_ns ? silent : s.longest_ns;
	}
	s.arrived = p->b.frames - before;
	return s;
}

static void expect(const struct side *s, unsigned mtu)
{
	assert_int_equal(s->peer.pmtud.current, mtu);
	assert_int_equal(s->peer.mtu, mtu - 60);
}

/* What the path carries is found to the byte, and filled to the byte. */
static void test_found(void **state)
{
	for (unsigned mtu = 1200; mtu <= 1500; mtu += 7) {
		struct pair *p = following(mtu);
		size_t largest = mtu - 60 - 40;

		send_one(p, &p->a, 1400, 0);
		stream(p, 1400, 3 * SEC);
		expect(&p->a, mtu);
		assert_int_equal(p->a.peer.pmtud.state, PMTUD_COMPLETE);
		p->ab.longest = 0;
		p->ab.too_large = 0;
		p->a.session.port.stats.fragmented = 0;
		send_one(p, &p->a, largest, 1);
		assert_int_equal(p->b.delivered_len, largest);
		assert_int_equal(p->ab.longest, mtu);
		assert_int_equal(p->a.session.port.stats.fragmented, 0);
		send_one(p, &p->a, largest + 1, 1);
		assert_int_equal(p->b.delivered_len, largest + 1);
		assert_int_equal(p->a.session.port.stats.fragmented, 1);
		assert_int_equal(p->ab.too_large, 0);
		pair_free(p);
	}
}

struct shrink_case {
	const char *name;
	bool speaks;
	unsigned loss;
	uint64_t stall_ns; /* at most */
};

static const struct shrink_case shrink_cases[] = {
	{ "without a word", false, 0, 900 * MS },
	{ "and says so", true, 0, 400 * MS },
	{ "without a word, 5 % loss", false, 50, 3 * SEC },
	{ "and says so, 5 % loss", true, 50, 3 * SEC },
};

/* 1500, 1400, 1280 under way: a stall of less than three seconds each time, and not a frame more is
 * lost than was sent in it. Then the path grows, and is used again within the raise timer. */
static void test_shrinks_and_grows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(shrink_cases); i++) {
		const struct shrink_case *c = &shrink_cases[i];
		struct pair *p = following(1500);
		struct stream s;

		p->ab.loss = p->ba.loss = c->loss;
		p->ab.speaks = c->speaks;
		stream(p, 1400, 3 * SEC);
		expect(&p->a, 1500);
		for (unsigned mtu = 1400; mtu >= 1280; mtu -= 120) {
			p->ab.mtu = mtu;
			s = stream(p, 1400, 5 * SEC);
			assert_true(s.longest_ns <= c->stall_ns);
			if (!c->loss)
				assert_int_equal(s.sent - s.arrived, s.longest_ns / (10 * MS));
			stream(p, 1400, 10 * SEC); /* found, if not yet */
			expect(&p->a, mtu);
			s = stream(p, 1400, 10 * SEC);
			if (!c->loss)
				assert_int_equal(s.sent, s.arrived);
		}
		p->ab.mtu = 1500;
		p->ab.loss = p->ba.loss = 0;
		s = stream(p, 1400, 620 * SEC);
		assert_int_equal(s.sent, s.arrived);
		expect(&p->a, 1500);
		pair_free(p);
	}
}

/* Each direction has its own MTU; the small answers come back whatever the way back carries. */
static void test_directions_differ(void **state)
{
	struct pair *p = following(1500);

	p->ba.mtu = 1280;
	for (unsigned i = 0; i < 500; i++) {
		send_one(p, &p->a, 1400, i);
		send_one(p, &p->b, 1400, i);
		pair_run(p, 10 * MS);
	}
	expect(&p->a, 1500);
	expect(&p->b, 1280);
	assert_int_equal(p->a.session.port.stats.fragmented, 0);
	assert_true(p->b.session.port.stats.fragmented > 400);
	pair_free(p);
}

/* Whoever answers nothing leaves us with the route's MTU; we stop asking but now and then. */
static void test_silent_peer(void **state)
{
	struct pair *p = following(1500);
	struct stream s;
	uint64_t probes;

	p->b.answers = false;
	stream(p, 1400, 60 * SEC);
	expect(&p->a, 1500);
	assert_int_equal(p->a.peer.pmtud.answers, 0);
	assert_int_equal(p->a.peer.pmtud.black_holes, 0);
	probes = p->a.peer.pmtud.probes;
	s = stream(p, 1400, 60 * SEC);
	assert_int_equal(s.sent, s.arrived);
	assert_true(p->a.peer.pmtud.probes - probes <= 30);
	p->b.answers = true; /* its firewall lets us through now */
	stream(p, 1400, 20 * SEC);
	assert_int_equal(p->a.peer.pmtud.state, PMTUD_COMPLETE);
	pair_free(p);
}

/* Hints that nobody confirms: not one frame more is cut, and few probes are sent for many of
 * them. */
static void test_forged_hints(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes;

	stream(p, 1400, 3 * SEC);
	probes = p->a.peer.pmtud.probes;
	for (unsigned i = 0; i < 10000; i++) {
		follow_hint(&p->a.e, &p->b.self, 576 + i % 900);
		if (i % 10 == 0)
			send_one(p, &p->a, 1400, i);
		pair_run(p, MS);
		assert_int_equal(p->a.peer.mtu, 1440);
	}
	assert_int_equal(p->a.session.port.stats.fragmented, 0);
	assert_int_equal(p->a.peer.pmtud.black_holes, 0);
	assert_true(p->a.peer.pmtud.probes - probes <= 2 * 101);
	pair_free(p);
}

/* Hints of somebody who is no peer do nothing at all. */
static void test_hints_about_others(void **state)
{
	struct pair *p = following(1500);
	struct endpoint other = p->b.self;
	uint64_t probes;

	stream(p, 1400, 3 * SEC);
	pair_run(p, 10 * SEC);
	probes = p->a.peer.pmtud.probes;
	other.port++;
	follow_hint(&p->a.e, &other, 1280);
	pair_run(p, 10 * SEC);
	assert_int_equal(p->a.peer.pmtud.probes, probes);
	follow_hint(&p->a.e, &p->b.self, 1280);
	pair_run(p, SEC);
	assert_int_equal(p->a.peer.pmtud.probes, probes + 2);
	pair_free(p);
}

/* Traffic ends: both sides fall asleep, and neither keeps the other awake for an hour. */
static void test_idle(void **state)
{
	struct pair *p = following(1500);
	uint64_t carried;

	for (unsigned i = 0; i < 500; i++) {
		send_one(p, &p->a, 1400, i);
		send_one(p, &p->b, 1400, i);
		pair_run(p, 10 * MS);
	}
	pair_run(p, 60 * SEC); /* the last confirmation, and a keepalive for it */
	carried = pair_carried(p);
	pair_run(p, 3600 * SEC);
	assert_int_equal(pair_carried(p), carried);
	pair_free(p);
}

/* The same with a persistent keepalive on one side: that, and its handshakes, is all there is. */
static void test_idle_with_keepalive(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes, carried;

	for (unsigned i = 0; i < 500; i++) {
		send_one(p, &p->a, 1400, i);
		pair_run(p, 10 * MS);
	}
	wg_peer_set_keepalive(&p->a.e.wg, &p->a.peer.wg, 25);
	pair_run(p, 60 * SEC);
	probes = p->a.peer.pmtud.probes + p->b.peer.pmtud.probes;
	carried = pair_carried(p);
	pair_run(p, 3600 * SEC);
	assert_int_equal(p->a.peer.pmtud.probes + p->b.peer.pmtud.probes, probes);
	assert_in_range(pair_carried(p) - carried, 3600 / 25, 3600 / 25 + 3 * 3600 / 110);
	pair_free(p);
}

/* Small packets alone, as of somebody who types, are no reason to measure again and again. */
static void test_small_packets(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes;

	stream(p, 100, 3 * SEC);
	probes = p->a.peer.pmtud.probes;
	stream(p, 100, 60 * SEC);
	assert_int_equal(p->a.peer.pmtud.probes, probes);
	pair_free(p);
}

/* The peer's address has changed: everything is looked up and measured anew. */
static void test_restart(void **state)
{
	struct pair *p = following(1280);

	stream(p, 1400, 5 * SEC);
	expect(&p->a, 1280);
	p->ab.mtu = p->ba.mtu = 1420;
	start(&p->a);
	assert_true(p->a.e.mtu_changed);
	stream(p, 1400, 5 * SEC);
	expect(&p->a, 1420);
	assert_int_equal(p->a.e.followed.next->next, &p->a.e.followed); /* once */
	pair_free(p);
}

/* MTU as a number: no probe, and what comes in answer to earlier ones is for the TUN. */
static void test_stopped(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes;

	stream(p, 1400, 3 * SEC);
	probes = p->a.peer.pmtud.probes;
	follow_stop(&p->a.e, &p->a.peer, 1340);
	stream(p, 1400, 60 * SEC);
	follow_hint(&p->a.e, &p->b.self, 1280);
	stream(p, 1400, 5 * SEC);
	assert_int_equal(p->a.peer.mtu, 1340);
	assert_int_equal(p->a.peer.pmtud.probes, probes);
	assert_int_equal(p->a.session.port.stats.fragmented, 6500);
	pair_free(p);
}

/* The answers never get to the kernel, and pings that are not ours do. */
static void test_answers_are_ours(void **state)
{
	struct pair *p = following(1500);
	uint8_t ping[28] = { 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1 };

	follow_stop(&p->b.e, &p->b.peer, 1440); /* its requests would be for our kernel */
	stream(p, 1400, 3 * SEC);
	assert_true(p->a.peer.pmtud.answers > 2);
	assert_int_equal(p->a.packets, 0);
	memcpy(ping + 12, p->a.tunnel.local.bytes, 4);
	memcpy(ping + 16, p->a.tunnel.remote.bytes, 4);
	ping[20] = 8;
	pair_send_tun(p, &p->a, &p->b, ping, sizeof(ping), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->a.packets, 1);
	assert_int_equal(p->a.tun[20], 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_shrinks_and_grows),
		cmocka_unit_test(test_directions_differ),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_forged_hints),
		cmocka_unit_test(test_hints_about_others),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_idle_with_keepalive),
		cmocka_unit_test(test_small_packets),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_answers_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
