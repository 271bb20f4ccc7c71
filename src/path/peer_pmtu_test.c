/* SPDX-License-Identifier: MIT */
/* Path MTU discovery of two engines over a simulated underlay with a simulated clock: paths that
 * shrink, grow, lose packets, report wrong MTUs or go silent, and idle tunnels. */
#include "path/peer_pmtu.h"

#include "path/control.h"
#include "path/test_pair.h"
#include "path/tx.h"

#define MS  NS_PER_MS
#define SEC NS_PER_S

static void start(struct side *s)
{
	peer_pmtu_start(&s->e, &s->peer, 1500, &s->tunnel.local, &s->tunnel.remote);
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

/* The path MTU is found to the byte, and used to the byte. */
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
		p->a.session.port.stats.tx.fragmented = 0;
		send_one(p, &p->a, largest, 1);
		assert_int_equal(p->b.delivered_len, largest);
		assert_int_equal(p->ab.longest, mtu);
		assert_int_equal(p->a.session.port.stats.tx.fragmented, 0);
		send_one(p, &p->a, largest + 1, 1);
		assert_int_equal(p->b.delivered_len, largest + 1);
		assert_int_equal(p->a.session.port.stats.tx.fragmented, 1);
		assert_int_equal(p->ab.too_large, 0);
		pair_free(p);
	}
}

/* A superframe's worth of frames at once: they leave in trains. */
static void send_many(struct pair *p, struct side *from, size_t len, unsigned n)
{
	uint8_t frame[1514];

	for (unsigned i = 0; i < n; i++) {
		pair_make_frame(frame, len, i);
		pair_send(p, from, from == &p->a ? &p->b : &p->a, frame, len, &pair_plain);
	}
	pair_settle(p);
}

/* Bursts of full frames each 20 ms both ways, for `ns`. Return: how many of a's were lost. */
static uint64_t bursts(struct pair *p, unsigned n, uint64_t ns)
{
	uint64_t before = p->b.frames;
	uint64_t sent = 0;

	for (uint64_t at = 0; at < ns; at += 20 * MS) {
		send_many(p, &p->a, 1514, n);
		send_many(p, &p->b, 1514, n);
		sent += n;
		pair_run(p, 20 * MS);
	}
	return sent - (p->b.frames - before);
}

/* A router that forwards trains as they are, and loses one whole if it does not fit: the probes are
 * not lost with it, nor it with them. Not even the frames that waited for the handshake are lost,
 * nor those before the first answer. */
static void test_router_that_forwards_trains(void **state)
{
	static const unsigned mtus[] = { 1492, 1460, 1433, 1400, 1280 };

	for (unsigned i = 0; i < 2 * ARRAY_LEN(mtus); i++) {
		unsigned mtu = mtus[i / 2];
		struct pair *p = following(mtu);

		p->ab.whole = p->ba.whole = true;
		p->ab.speaks = p->ba.speaks = i % 2;
		assert_int_equal(bursts(p, 20, 3 * SEC), 0);
		expect(&p->a, mtu);
		expect(&p->b, mtu);
		assert_int_equal(p->a.peer.train_max, TRAINS_ANY);
		pair_free(p);
	}
}

/* The same, and the path shrinks under the traffic. */
static void test_shrinks_behind_such_a_router(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct pair *p = following(1500);

		p->ab.whole = p->ba.whole = true;
		p->ab.speaks = p->ba.speaks = i;
		assert_int_equal(bursts(p, 20, 3 * SEC), 0);
		for (unsigned mtu = 1460; mtu >= 1400; mtu -= 60) {
			p->ab.mtu = p->ba.mtu = mtu;
			assert_in_range(bursts(p, 20, 5 * SEC), 1, SEC / (20 * MS) * 20);
			expect(&p->a, mtu);
			expect(&p->b, mtu);
			assert_int_equal(bursts(p, 20, SEC), 0);
		}
		pair_free(p);
	}
}

/* The first probes leave with the first session, before what waited for it, each by itself and with
 * a TTL that its neighbours do not have. */
static void test_probes_come_first(void **state)
{
	struct pair *p = following(1500);
	const struct train *t = p->a.e.control.out.heads.trains;
	uint8_t frame[1514];

	for (unsigned i = 0; i < 3; i++) {
		pair_make_frame(frame, 1514, i);
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	}
	pair_carry_side(p, &p->a, &p->b);
	pair_carry_side(p, &p->b, &p->a);
	assert_true(control_pump(&p->a.e));
	assert_true(p->a.e.control.out.heads.n > 2);
	assert_int_equal(t[0].count, 1);
	assert_int_equal(t[0].len, 1500 - 28);
	assert_int_equal(t[1].count, 1);
	assert_int_equal(t[1].len, PMTUD_MARKER - 28);
	assert_true(t[0].ttl && t[1].ttl && t[0].ttl != t[1].ttl);
	for (size_t i = 2; i < p->a.e.control.out.heads.n; i++)
		assert_int_equal(t[i].ttl, 0);
	pair_free(p);
}

/* What leaves between probes and before and behind them is in other trains. */
static void test_nothing_rides_with_a_probe(void **state)
{
	struct pair *p = following(1500);
	uint8_t frame[1514];
	unsigned probes = 0;

	bursts(p, 4, SEC);
	p->a.e.tx.joins = false; /* no trains of probes */
	for (unsigned i = 0; i < 500; i++) {
		pair_advance(p, 2 * MS);
		pair_make_frame(frame, 1400, i); /* as long as a probe when it is sealed */
		pair_send(p, &p->a, &p->b, frame, 1400, &pair_plain);
		assert_true(control_pump(&p->a.e));
		pair_send(p, &p->a, &p->b, frame, 20, &pair_plain); /* shorter than a marker */
		for (size_t k = 0; k < p->a.e.control.out.heads.n; k++) {
			const struct train *t = &p->a.e.control.out.heads.trains[k];

			probes += t->ttl != 0;
			assert_true(!t->ttl || t->count == 1);
		}
		pair_settle(p);
	}
	assert_in_range(probes, 4, 12);
	pair_free(p);
}

/* A path that loses trains of more than a certain number of datagrams: trains are shortened, and
 * the driver is informed once. Everything arrives again. */
static void test_path_that_loses_trains(void **state)
{
	static const unsigned longest[] = { 1, 5, 16 };

	for (unsigned i = 0; i < ARRAY_LEN(longest); i++) {
		struct pair *p = following(1500);
		unsigned reported = 0;

		assert_int_equal(bursts(p, 20, 6 * SEC), 0);
		assert_false(p->a.e.events & ENGINE_TRAINS_CHANGED);
		p->ab.train = longest[i];
		for (unsigned k = 0; k < 6; k++) {
			bursts(p, 20, SEC);
			reported += engine_take_events(&p->a.e) & ENGINE_TRAINS_CHANGED &&
				    p->a.peer.pmtud.state != PMTUD_TRAINS;
		}
		assert_int_equal(reported, 1);
		assert_in_range(p->a.peer.train_max, (longest[i] + 1) / 2, longest[i]);
		assert_int_equal(p->b.peer.train_max, TRAINS_ANY);
		expect(&p->a, 1500);
		assert_int_equal(bursts(p, 20, 6 * SEC), 0);
		p->ab.train = 0;
		for (unsigned k = 0; k < 70; k++) {
			bursts(p, 20, 200 * MS);
			pair_run(p, 10 * SEC);
		}
		assert_int_equal(p->a.peer.train_max, TRAINS_ANY);
		assert_true(p->a.e.events & ENGINE_TRAINS_CHANGED);
		pair_free(p);
	}
}

/* On a path without fault trains stay as long as they were. */
static void test_trains_stay_full(void **state)
{
	struct pair *p = following(1500);
	uint8_t frame[1400];

	assert_int_equal(bursts(p, 20, 10 * SEC), 0);
	for (unsigned i = 0; i < 40; i++) {
		pair_make_frame(frame, sizeof(frame), i);
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	}
	assert_int_equal(p->a.e.tx.out.heads.n, 1);
	assert_int_equal(p->a.e.tx.out.heads.trains[0].count, 40);
	p->a.e.tx.joins = false; /* a device that cannot segment: no train is probed either */
	pair_settle(p);
	assert_int_equal(bursts(p, 20, 6 * SEC), 0);
	assert_in_range(p->a.peer.pmtud.trains.longest, 0, 1);
	pair_free(p);
}

/* A peer that answers nothing, behind a narrow path: a router that quotes our datagram is believed,
 * one that does not, or that quotes another, is not. */
static void test_silent_peer_and_icmp(void **state)
{
	struct pair *p = following(1400);
	uint8_t quote[PEER_PMTU_QUOTE_LEN] = { 4 };

	p->b.answers = false;
	p->ab.speaks = true;
	stream(p, 1400, 10 * SEC);
	expect(&p->a, 1500);
	store_le32(quote + 4, p->a.peer.wg.keys.current->remote_index ^ 1);
	peer_pmtu_hint(&p->a.e, &p->b.self, 1300, quote, sizeof(quote));
	store_le32(quote + 4, p->a.peer.wg.keys.current->remote_index);
	store_le64(quote + 8, 1 << 20); /* we have not sent so many */
	peer_pmtu_hint(&p->a.e, &p->b.self, 1300, quote, sizeof(quote));
	stream(p, 1400, 10 * SEC);
	expect(&p->a, 1500);
	p->ab.quotes = true;
	stream(p, 1400, 20 * SEC);
	expect(&p->a, 1400);
	assert_int_equal(bursts(p, 1, 10 * SEC), 0);
	pair_free(p);
}

struct shrink_case {
	const char *name;
	bool speaks;
	unsigned loss;
	uint64_t stall_ns; /* at most */
};

static const struct shrink_case shrink_cases[] = {
	{ "no ICMP", false, 0, 900 * MS },
	{ "ICMP too big", true, 0, 400 * MS },
	{ "no ICMP, 5 % loss", false, 50, 3 * SEC },
	{ "ICMP too big, 5 % loss", true, 50, 3 * SEC },
};

/* The MTU changes to 1500, 1400, 1280 during traffic: a stall of less than three seconds each
 * time, and only the frames sent in it are lost. Then the path grows, and is used again within the
 * raise timer. */
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

/* Large frames both ways each 20 ms, and small ones if `small`, for `ns`. Return: how long a had
 * another MTU than `mtu`. */
static uint64_t talk(struct pair *p, bool small, unsigned mtu, uint64_t ns)
{
	uint64_t other = 0;

	for (uint64_t at = 0; at < ns; at += 20 * MS) {
		for (struct side *from = &p->a; from; from = from == &p->a ? &p->b : NULL) {
			send_one(p, from, 1400, (unsigned)at);
			if (small)
				send_one(p, from, 100, (unsigned)at);
		}
		pair_run(p, 20 * MS);
		other += p->a.peer.pmtud.current != mtu ? 20 * MS : 0;
	}
	return other;
}

/* After an outage, however long, the path is another one, and narrower: it is found at once. If
 * all packets are too large for it, with the next handshake. */
static void test_narrow_after_an_outage(void **state)
{
	static const unsigned outages[] = { 5, 9, 14, 25, 45, 100 };

	for (size_t i = 0; i < 2 * ARRAY_LEN(outages); i++) {
		bool small = i % 2;
		struct pair *p = following(1500);

		talk(p, small, 1500, 3 * SEC);
		expect(&p->a, 1500);
		p->ab.loss = p->ba.loss = 1000;
		talk(p, small, 1500, outages[i / 2] * SEC);
		p->ab.loss = p->ba.loss = 0;
		p->ab.mtu = p->ba.mtu = 1400;
		assert_in_range(talk(p, small, 1400, 20 * SEC), 0, small ? 2 * SEC : 8 * SEC);
		expect(&p->a, 1400);
		pair_free(p);
	}
}

/* Each direction has its own MTU; the answers are so small that they always pass in the other
 * direction. */
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
	/* the frame that waited for the handshake leaves before the path is known */
	assert_int_equal(p->a.session.port.stats.tx.fragmented, 1);
	assert_true(p->b.session.port.stats.tx.fragmented > 400);
	pair_free(p);
}

/* A peer that answers no probe: we use the route's MTU, and send probes only now and then. */
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

/* Hints that no probe confirms: not one frame more is cut, and few probes are sent for many of
 * them. */
static void test_forged_hints(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes, fragmented;

	stream(p, 1400, 3 * SEC);
	probes = p->a.peer.pmtud.probes;
	fragmented = p->a.session.port.stats.tx.fragmented;
	for (unsigned i = 0; i < 10000; i++) {
		peer_pmtu_hint(&p->a.e, &p->b.self, 576 + i % 900, NULL, 0);
		if (i % 10 == 0)
			send_one(p, &p->a, 1400, i);
		pair_run(p, MS);
		assert_int_equal(p->a.peer.mtu, 1440);
	}
	assert_int_equal(p->a.session.port.stats.tx.fragmented, fragmented);
	assert_int_equal(p->a.peer.pmtud.black_holes, 0);
	assert_true(p->a.peer.pmtud.probes - probes <= 3 * 101);
	pair_free(p);
}

/* Hints about an address that is no peer's endpoint have no effect. */
static void test_hints_about_others(void **state)
{
	struct pair *p = following(1500);
	struct endpoint other = p->b.self;
	uint64_t probes;

	stream(p, 1400, 3 * SEC);
	pair_run(p, 10 * SEC);
	probes = p->a.peer.pmtud.probes;
	other.port++;
	peer_pmtu_hint(&p->a.e, &other, 1280, NULL, 0);
	pair_run(p, 10 * SEC);
	assert_int_equal(p->a.peer.pmtud.probes, probes);
	peer_pmtu_hint(&p->a.e, &p->b.self, 1280, NULL, 0);
	pair_run(p, SEC);
	assert_int_equal(p->a.peer.pmtud.probes, probes + 3); /* one has the size that the hint
								 reports */
	pair_free(p);
}

/* Traffic ends: both sides become idle, and neither wakes the other for an hour. */
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

/* Small packets alone, as of an interactive shell, cause no repeated measurements. */
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
	assert_true(p->a.e.events & ENGINE_MTU_CHANGED);
	stream(p, 1400, 5 * SEC);
	expect(&p->a, 1420);
	assert_int_equal(p->a.e.control.followed.next->next, &p->a.e.control.followed); /* once */
	pair_free(p);
}

/* MTU as a number: no probe, and what comes in answer to earlier ones is for the TUN. */
static void test_stopped(void **state)
{
	struct pair *p = following(1500);
	uint64_t probes, fragmented;

	stream(p, 1400, 3 * SEC);
	probes = p->a.peer.pmtud.probes;
	fragmented = p->a.session.port.stats.tx.fragmented;
	peer_pmtu_stop(&p->a.e, &p->a.peer, 1340);
	stream(p, 1400, 60 * SEC);
	peer_pmtu_hint(&p->a.e, &p->b.self, 1280, NULL, 0);
	stream(p, 1400, 5 * SEC);
	assert_int_equal(p->a.peer.mtu, 1340);
	assert_int_equal(p->a.peer.pmtud.probes, probes);
	assert_int_equal(p->a.session.port.stats.tx.fragmented - fragmented, 6500);
	pair_free(p);
}

/* The answers never get to the kernel, and pings that are not ours do. */
static void test_answers_are_ours(void **state)
{
	struct pair *p = following(1500);
	uint8_t ping[28] = { 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1 };

	peer_pmtu_stop(&p->b.e, &p->b.peer, 1440); /* its requests would be for our kernel */
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
		cmocka_unit_test(test_router_that_forwards_trains),
		cmocka_unit_test(test_shrinks_behind_such_a_router),
		cmocka_unit_test(test_probes_come_first),
		cmocka_unit_test(test_nothing_rides_with_a_probe),
		cmocka_unit_test(test_path_that_loses_trains),
		cmocka_unit_test(test_trains_stay_full),
		cmocka_unit_test(test_silent_peer_and_icmp),
		cmocka_unit_test(test_shrinks_and_grows),
		cmocka_unit_test(test_narrow_after_an_outage),
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
