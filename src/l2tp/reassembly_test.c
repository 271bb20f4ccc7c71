/* SPDX-License-Identifier: MIT */
/* Tests of reassembly: order, loss, repetition, overlap, age, counter window, bounded memory, and a
 * naive reassembler beside it. */
#include "l2tp/reassembly.h"

#include "l2tp/fragment.h"
#include "l2tp/test_fragments.h"

#include <netinet/in.h>
#include <stdio.h>

/* One fragment of a case: bytes [at, at + n), salt 1 marks bytes that differ. */
struct step {
	uint16_t at;
	uint16_t n;
	bool last;
	uint8_t salt;
	enum reassembly_verdict verdict;
};

struct step_case {
	const char *name;
	struct step steps[8]; /* ends with n 0 */
	enum drop drop;	      /* the only reason counted */
	uint64_t dropped;
};

static const struct step_case step_cases[] = {
	{ "head, tail",
		{ { 0, 16, 0, 0, REASSEMBLY_HELD }, { 16, 5, 1, 0, REASSEMBLY_COMPLETE } } },
	{ "tail, head",
		{ { 16, 5, 1, 0, REASSEMBLY_HELD }, { 0, 16, 0, 0, REASSEMBLY_COMPLETE } } },
	{ "the middle last", { { 0, 8, 0, 0, REASSEMBLY_HELD }, { 16, 5, 1, 0, REASSEMBLY_HELD },
				     { 8, 8, 0, 0, REASSEMBLY_COMPLETE } } },
	{ "backwards",
		{ { 24, 8, 1, 0, REASSEMBLY_HELD }, { 16, 8, 0, 0, REASSEMBLY_HELD },
			{ 8, 8, 0, 0, REASSEMBLY_HELD }, { 0, 8, 0, 0, REASSEMBLY_COMPLETE } } },
	{ "every other one first",
		{ { 0, 8, 0, 0, REASSEMBLY_HELD }, { 16, 8, 0, 0, REASSEMBLY_HELD },
			{ 32, 8, 1, 0, REASSEMBLY_HELD }, { 24, 8, 0, 0, REASSEMBLY_HELD },
			{ 8, 8, 0, 0, REASSEMBLY_COMPLETE } } },
	{ "head twice", { { 0, 16, 0, 0, REASSEMBLY_HELD }, { 0, 16, 0, 0, REASSEMBLY_HELD },
				{ 16, 5, 1, 0, REASSEMBLY_COMPLETE } } },
	{ "tail twice", { { 16, 5, 1, 0, REASSEMBLY_HELD }, { 16, 5, 1, 0, REASSEMBLY_HELD },
				{ 0, 16, 0, 0, REASSEMBLY_COMPLETE } } },
	{ "part of what came, same bytes",
		{ { 0, 16, 0, 0, REASSEMBLY_HELD }, { 8, 8, 0, 0, REASSEMBLY_HELD },
			{ 16, 5, 1, 0, REASSEMBLY_COMPLETE } } },
	{ "the same place, other bytes",
		{ { 0, 16, 0, 0, REASSEMBLY_HELD }, { 0, 16, 0, 1, REASSEMBLY_DROPPED },
			{ 16, 5, 1, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 3 },
	{ "overlap at the end",
		{ { 0, 16, 0, 0, REASSEMBLY_HELD }, { 8, 13, 1, 0, REASSEMBLY_DROPPED },
			{ 16, 5, 1, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 3 },
	{ "overlap at the start",
		{ { 16, 16, 0, 0, REASSEMBLY_HELD }, { 0, 24, 0, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "overlap from both sides",
		{ { 16, 8, 0, 0, REASSEMBLY_HELD }, { 0, 40, 0, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "overlap over a gap",
		{ { 0, 8, 0, 0, REASSEMBLY_HELD }, { 16, 8, 0, 0, REASSEMBLY_HELD },
			{ 0, 24, 0, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 3 },
	{ "two ends", { { 16, 5, 1, 0, REASSEMBLY_HELD }, { 24, 5, 1, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "beyond the end",
		{ { 16, 8, 1, 0, REASSEMBLY_HELD }, { 24, 8, 0, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "end before what came",
		{ { 24, 8, 0, 0, REASSEMBLY_HELD }, { 8, 8, 1, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "the end, but more follow",
		{ { 16, 8, 1, 0, REASSEMBLY_HELD }, { 16, 8, 0, 0, REASSEMBLY_DROPPED } },
		DROP_FRAG_OVERLAP, 2 },
	{ "not a multiple of 8", { { 0, 15, 0, 0, REASSEMBLY_DROPPED } }, DROP_FRAG_MALFORMED, 1 },
	{ "longer than IP allows", { { 65528, 8, 1, 0, REASSEMBLY_DROPPED } }, DROP_FRAG_MALFORMED,
		1 },
	{ "longer than we take", { { REASSEMBLY_PAYLOAD_MAX, 8, 1, 0, REASSEMBLY_DROPPED } },
		DROP_L2TP_OVERSIZE, 1 },
};

static void test_steps(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(step_cases); i++) {
		const struct step_case *c = &step_cases[i];
		struct fixture *f = setup();

		print_message("%s\n", c->name);
		for (const struct step *s = c->steps; s->n; s++) {
			struct reassembled got;

			assert_int_equal(
				add4(f, 7, s->at, s->n, !s->last, s->salt, &got), s->verdict);
			if (s->verdict == REASSEMBLY_COMPLETE)
				check_packet4(&got, got.len - 20);
		}
		for (unsigned d = 0; d < DROP_COUNT; d++)
			assert_int_equal(f->drops.n[d], d == c->drop ? c->dropped : 0);
		teardown(f);
	}
}

static void test_empty_piece(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	assert_int_equal(add4(f, 7, 8, 0, true, 0, &got), REASSEMBLY_DROPPED);
	assert_int_equal(add4(f, 7, 8, 0, false, 0, &got), REASSEMBLY_DROPPED);
	assert_int_equal(f->drops.n[DROP_FRAG_MALFORMED], 2);
	teardown(f);
}

/* A first piece with options: the whole packet keeps them. */
static void test_options(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;
	uint8_t p[100];

	piece4(p, 7, 0, 60, true, 0); /* the payload's first 40 bytes become options */
	p[0] = 0x4f;
	memset(p + 20, 1, 40);
	store_be16(p + 2, 76);
	assert_int_equal(add(f, p, 76, &got), REASSEMBLY_HELD);
	assert_int_equal(add4(f, 7, 16, 4, false, 0, &got), REASSEMBLY_COMPLETE);
	assert_int_equal(got.len, 80);
	assert_int_equal(got.packet[0], 0x4f);
	assert_true(checksum_ok(checksum_add(0, got.packet, 60)));
	assert_memory_equal(got.packet + 20, p + 20, 56);
	teardown(f);
}

/* IPv6 packets of every interesting length, cut as we cut them, in both orders. */
static void test_ipv6(void **state)
{
	static uint8_t packet[9000], piece[1500];
	static const size_t lens[] = { 1421, 1500, 1574, 4000, 9000 };

	for (size_t i = 0; i < 2 * ARRAY_LEN(lens); i++) {
		struct fixture *f = setup();
		size_t len = lens[i / 2];
		struct fragment_plan plan;
		struct reassembled got;

		for (size_t k = 0; k < len; k++)
			packet[k] = (uint8_t)rand();
		packet[0] = 0x60;
		store_be16(packet + 4, (uint16_t)(len - 40));
		packet[6] = 17;
		assert_int_equal(fragment_plan(AF_INET6, len, 1420, 0xdeadbeef, &plan), 0);
		for (size_t j = 0; j < plan.count; j++) {
			size_t n = fragment_write(
				&plan, packet, i & 1 ? j : plan.count - 1 - j, piece);

			assert_int_equal(add(f, piece, n, &got),
				j + 1 < plan.count ? REASSEMBLY_HELD : REASSEMBLY_COMPLETE);
		}
		assert_int_equal(got.len, len);
		assert_memory_equal(got.packet, packet, len);
		teardown(f);
	}
}

/* Pieces of packets that differ in id, protocol, addresses or family are never joined. */
static void test_keys(void **state)
{
	static const uint8_t places[] = { 5, 9, 15, 19 }; /* id, protocol, addresses */

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct fixture *f = setup();
		struct reassembled got;
		uint8_t p[100];

		assert_int_equal(add4(f, 7, 0, 16, true, 0, &got), REASSEMBLY_HELD);
		piece4(p, 7, 16, 5, false, 0);
		p[places[i]] ^= 1;
		assert_int_equal(add(f, p, 25, &got), REASSEMBLY_HELD);
		assert_int_equal(f->r.held, 2);
		assert_int_equal(add4(f, 7, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
		teardown(f);
	}
}

static void test_timeout(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;
	struct mono begun = f->now;

	assert_int_equal(reassembly_expire(&f->r, f->now).ns, 0);
	add4(f, 7, 0, 16, true, 0, &got);
	f->now = mono_add(begun, NS_PER_MS);
	add4(f, 8, 0, 16, true, 0, &got);
	assert_int_equal(reassembly_expire(&f->r, f->now).ns, begun.ns + REASSEMBLY_TIMEOUT_NS);
	f->now = mono_add(begun, REASSEMBLY_TIMEOUT_NS);
	assert_int_equal(reassembly_expire(&f->r, f->now).ns, f->now.ns + NS_PER_MS);
	assert_int_equal(f->drops.n[DROP_FRAG_TIMEOUT], 1);
	assert_int_equal(add4(f, 7, 16, 5, false, 0, &got), REASSEMBLY_HELD);
	/* without a call to reassembly_expire() too, an old head takes no new tail */
	f->now = mono_add(begun, REASSEMBLY_TIMEOUT_NS + NS_PER_MS);
	assert_int_equal(add4(f, 8, 16, 5, false, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(f->drops.n[DROP_FRAG_TIMEOUT], 2);
	check_conservation(f);
	f->now = mono_add(f->now, 10 * NS_PER_S);
	assert_int_equal(reassembly_expire(&f->r, f->now).ns, 0);
	assert_int_equal(f->r.held, 0);
	check_conservation(f);
	teardown(f);
}

struct window_case {
	const char *name;
	struct fragment_origin head;
	struct fragment_origin tail;
	bool joined;
	uint64_t dropped; /* of head (if the tail is newer) or tail (if it is older) */
};

static const struct window_case window_cases[] = {
	{ "next to each other", { 1, 1000 }, { 1, 1001 }, true, 0 },
	{ "at the window's edge", { 1, 1000 }, { 1, 1000 + REASSEMBLY_WINDOW }, true, 0 },
	{ "behind the window", { 1, 1000 }, { 1, 1001 + REASSEMBLY_WINDOW }, false, 1 },
	{ "id wrapped", { 1, 5 }, { 1, 5 + 131072 }, false, 1 },
	{ "late, within", { 1, 9000 }, { 1, 9000 - REASSEMBLY_WINDOW }, true, 0 },
	{ "too late", { 1, 9000 }, { 1, 8999 - REASSEMBLY_WINDOW }, false, 1 },
	{ "over a rekey", { 1, 1000000 }, { 2, 0 }, true, 0 },
	{ "over a rekey, swapped", { 2, 0 }, { 1, 1000000 }, true, 0 },
	{ "long after a rekey", { 1, 1000000 }, { 2, REASSEMBLY_WINDOW }, false, 1 },
	{ "far counters", { 1, 0 }, { 1, UINT64_MAX }, false, 1 },
};

static void test_window(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(window_cases); i++) {
		const struct window_case *c = &window_cases[i];
		struct fixture *f = setup();
		struct reassembled got;

		print_message("%s\n", c->name);
		f->from = c->head;
		f->from.counter--;
		assert_int_equal(add4(f, 7, 0, 16, true, 0, &got), REASSEMBLY_HELD);
		f->from = c->tail;
		f->from.counter--;
		if (c->joined) {
			assert_int_equal(add4(f, 7, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
		} else {
			assert_int_not_equal(
				add4(f, 7, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
			assert_int_equal(f->r.held, 1);
		}
		assert_int_equal(f->drops.n[DROP_FRAG_WINDOW], c->dropped);
		teardown(f);
	}
}

/* A straggler with an id in use again harms nothing but itself. */
static void test_straggler(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	f->from.counter = 100000;
	assert_int_equal(add4(f, 7, 0, 16, true, 0, &got), REASSEMBLY_HELD);
	f->from.counter = 100000 - REASSEMBLY_WINDOW - 10;
	assert_int_equal(add4(f, 7, 16, 5, false, 9, &got), REASSEMBLY_DROPPED);
	f->from.counter = 100001;
	assert_int_equal(add4(f, 7, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	check_packet4(&got, 21);
	teardown(f);
}

/* More packets in the making than slots: the oldest make room. */
static void test_memory(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	for (uint16_t id = 0; id < SLOTS + 3; id++)
		assert_int_equal(add4(f, id, 0, 16, true, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], 3);
	assert_int_equal(f->r.held, SLOTS);
	for (uint16_t id = 3; id < SLOTS + 3; id++)
		assert_int_equal(add4(f, id, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	teardown(f);
}

/* More gaps than ranges: that packet goes, and no other. */
static void test_gaps(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	add4(f, 8, 0, 16, true, 0, &got);
	for (size_t i = 0; i < REASSEMBLY_RANGES; i++)
		assert_int_equal(add4(f, 7, i * 16, 8, true, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(add4(f, 7, REASSEMBLY_RANGES * 16, 8, true, 0, &got), REASSEMBLY_DROPPED);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], REASSEMBLY_RANGES + 1);
	assert_int_equal(add4(f, 8, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	teardown(f);
}

/* Completed packets stay untouched until they are released, however many follow. */
static void test_release(void **state)
{
	struct reassembled got[REASSEMBLY_DONE_MAX], other;
	struct fixture *f = setup_slots(REASSEMBLY_DONE_MAX + SLOTS);

	for (unsigned round = 0; round < 3; round++) {
		for (uint16_t i = 0; i < REASSEMBLY_DONE_MAX; i++) {
			for (uint16_t k = 0; k < SLOTS; k++)
				add4(f, (uint16_t)(1000 + i * SLOTS + k), 0, 16, true, 0, &other);
			assert_int_equal(add4(f, i, 0, 16, true, 0, &got[i]), REASSEMBLY_HELD);
			assert_int_equal(
				add4(f, i, 16, i + 1U, false, 0, &got[i]), REASSEMBLY_COMPLETE);
		}
		assert_false(reassembly_has_room(&f->r));
		assert_int_equal(add4(f, 99, 0, 16, true, 0, &other), REASSEMBLY_BUSY);
		for (uint16_t i = 0; i < REASSEMBLY_DONE_MAX; i++)
			check_packet4(&got[i], 17U + i);
		reassembly_release(&f->r);
		assert_int_equal(add4(f, 99, 0, 16, true, 0, &other), REASSEMBLY_HELD);
		assert_int_equal(add4(f, 99, 16, 1, false, 0, &other), REASSEMBLY_COMPLETE);
		reassembly_release(&f->r);
	}
	assert_int_equal(f->r.packets, 3 * (REASSEMBLY_DONE_MAX + 1));
	teardown(f);
}

/* All slots hold packets that are done, and no owner has one in the making: what comes is
 * dropped. */
static void test_all_done(void **state)
{
	struct reassembled got;
	struct fixture *f = setup();

	for (uint16_t i = 0; i < SLOTS; i++) {
		add4(f, i, 0, 16, true, 0, &got);
		assert_int_equal(add4(f, i, 16, 1, false, 0, &got), REASSEMBLY_COMPLETE);
	}
	assert_int_equal(add4(f, 99, 0, 16, true, 0, &got), REASSEMBLY_DROPPED);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], 1);
	reassembly_release(&f->r);
	assert_int_equal(add4(f, 99, 0, 16, true, 0, &got), REASSEMBLY_HELD);
	teardown(f);
}

/* ---- packets that span slots ---- */

/* Every length around the edges of slots, cut small, in every order of three. */
static void test_spanning(void **state)
{
	static const size_t lens[] = { REASSEMBLY_UNIT, REASSEMBLY_UNIT + 1, 2 * REASSEMBLY_UNIT,
		2 * REASSEMBLY_UNIT + 7, 4 * REASSEMBLY_UNIT + 5, REASSEMBLY_PAYLOAD_MAX };
	static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(lens) * ARRAY_LEN(orders); i++) {
		const uint8_t *order = orders[i % ARRAY_LEN(orders)];
		size_t len = lens[i / ARRAY_LEN(orders)], third = len / 3 & ~(size_t)7;
		struct fixture *f = setup();
		struct reassembled got;

		for (unsigned k = 0; k < 3; k++) {
			size_t at = order[k] * third;

			assert_int_equal(add4(f, 7, at, order[k] == 2 ? len - at : third,
						 order[k] != 2, 0, &got),
				k < 2 ? REASSEMBLY_HELD : REASSEMBLY_COMPLETE);
			if (k < 2) /* again, and of a slot's edge only */
				assert_int_equal(add4(f, 7, at + 8, third - 8, true, 0, &got),
					REASSEMBLY_HELD);
		}
		check_packet4(&got, len);
		assert_int_equal(f->owners[0].share.held, 0);
		teardown(f);
	}
}

/* A batch holds no more long packets than there is room for their copies. */
static void test_spanning_release(void **state)
{
	struct reassembled got[REASSEMBLY_SPANNING_MAX], other;
	struct fixture *f = setup();

	for (uint16_t i = 0; i < REASSEMBLY_SPANNING_MAX; i++) {
		assert_true(reassembly_has_room(&f->r));
		add4(f, i, 0, 4000, true, 0, &got[i]);
		assert_int_equal(
			add4(f, i, 4000, 1000U + i, false, 0, &got[i]), REASSEMBLY_COMPLETE);
	}
	assert_false(reassembly_has_room(&f->r));
	assert_int_equal(add4(f, 99, 0, 16, true, 0, &other), REASSEMBLY_BUSY);
	for (uint16_t i = 0; i < REASSEMBLY_SPANNING_MAX; i++)
		check_packet4(&got[i], 5000U + i);
	reassembly_release(&f->r);
	assert_int_equal(add4(f, 99, 0, 16, true, 0, &other), REASSEMBLY_HELD);
	teardown(f);
}

/* A packet that needs more slots than its owner can have displaces the owner's others, then fails,
 * and gives all back. */
static void test_spanning_memory(void **state)
{
	struct fixture *f = setup_slots(4);
	struct reassembled got;

	for (uint16_t id = 0; id < 3; id++)
		add4(f, id, 0, 16, true, 0, &got);
	assert_int_equal(add4(f, 7, 0, 4 * REASSEMBLY_UNIT, true, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], 3);
	assert_int_equal(add4(f, 7, 4 * REASSEMBLY_UNIT, 8, false, 0, &got), REASSEMBLY_DROPPED);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], 5);
	assert_int_equal(f->r.held, 0);
	assert_int_equal(f->owners[0].share.held, 1); /* what remembers that the rest is to go */
	assert_int_equal(add4(f, 8, 0, 16, true, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(add4(f, 8, 16, 3, false, 0, &got), REASSEMBLY_COMPLETE);
	teardown(f);
}

static enum reassembly_verdict add_foreign(
	struct fixture *f, size_t at, size_t n, bool more, struct reassembled *ret)
{
	static uint8_t p[3000];
	size_t len = piece4(p, 7, at, n, more, 0);
	struct ip_header ip;

	f->from.counter++;
	assert_int_equal(ip_header_parse(p, len, &ip), 0);
	return reassembly_add(&f->r, &f->owners[0], p, &ip, at == 0, f->from, f->now, ret);
}

/* A packet whose first fragment identifies it as one for the TUN passes fragment by fragment, of
 * any length; one whose other fragments arrived first is reassembled. */
static void test_foreign(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	for (size_t at = 0; at < 40000; at += 1416)
		assert_int_equal(
			add_foreign(f, at, 1416, at + 1416 < 40000, &got), REASSEMBLY_PASS);
	assert_int_equal(f->r.passed, 29);
	assert_true(list_is_empty(&f->r.busy)); /* all of it has passed: forgotten */
	assert_int_equal(add_foreign(f, 1416, 5, false, &got), REASSEMBLY_HELD);
	assert_int_equal(add_foreign(f, 0, 1416, true, &got), REASSEMBLY_COMPLETE);
	check_packet4(&got, 1421);
	check_conservation(f);
	teardown(f);
}

/* Shuffle within a bounded distance, repeat and lose some: every packet of which all pieces arrived
 * comes out once, whole, and no other. */
struct in_flight {
	uint16_t id;
	size_t at;
	size_t n;
	bool more;
	size_t due;
};

#define PACKETS 4000

static int compare_due(const void *a, const void *b)
{
	const struct in_flight *x = a, *y = b;

	return x->due < y->due ? -1 : x->due > y->due;
}

static size_t send_pieces(struct in_flight *out, uint16_t id, size_t payload, bool lose)
{
	size_t piece = 8 * (1 + (size_t)rand() % 180), n = 0;

	if (payload / piece > 14)
		piece = (payload / 14 + 7) & ~(size_t)7;
	for (size_t at = 0; at < payload; at += piece) {
		bool more = at + piece < payload;

		if (lose && !more)
			break;
		out[n++] = (struct in_flight){ id, at, more ? piece : payload - at, more, 0 };
		if (rand() % 10 == 0) {
			out[n] = out[n - 1];
			n++;
		}
	}
	return n;
}

static void test_random(void **state)
{
	static struct in_flight flight[PACKETS * 40];
	static size_t payloads[PACKETS];
	static unsigned done[PACKETS];
	struct fixture *f = setup_slots(64 * REASSEMBLY_UNITS);
	size_t n = 0;

	srand(7);
	for (uint16_t id = 0; id < PACKETS; id++) {
		bool lose = rand() % 20 == 0;

		payloads[id] = lose ? 0 : 1500 + (size_t)rand() % (REASSEMBLY_PAYLOAD_MAX - 1499);
		n += send_pieces(flight + n, id, lose ? 1500 : payloads[id], lose);
	}
	for (size_t i = 0; i < n; i++)
		flight[i].due = i + (size_t)rand() % 20;
	qsort(flight, n, sizeof(flight[0]), compare_due);
	for (size_t i = 0; i < n; i++) {
		const struct in_flight *p = &flight[i];
		struct reassembled got;

		/* a repetition that comes after its packet is complete begins a new one: as it
		 * must */
		if (add4(f, p->id, p->at, p->n, p->more, 0, &got) == REASSEMBLY_COMPLETE) {
			check_packet4(&got, payloads[p->id]);
			done[p->id]++;
		}
		f->now = mono_add(f->now, NS_PER_US);
		if (i % 16 == 0)
			reassembly_release(&f->r);
	}
	for (size_t id = 0; id < PACKETS; id++) {
		if (payloads[id])
			assert_in_range(done[id], 1, 2); /* twice if every piece was repeated */
		else
			assert_int_equal(done[id], 0);
	}
	assert_int_equal(f->drops.n[DROP_FRAG_OVERLAP], 0);
	teardown(f);
}

/* A naive reassembler for one packet: a byte map and the same rules, without optimisation. */
struct naive {
	bool have[256];
	uint8_t bytes[256];
	size_t end;
	bool poisoned;
};

static enum reassembly_verdict naive_add(
	struct naive *v, size_t at, const uint8_t *bytes, size_t n, bool more)
{
	size_t known = 0, same = 0, beyond = 0, have = 0;

	if (v->poisoned)
		return REASSEMBLY_DROPPED;
	for (size_t i = 0; i < n; i++) {
		known += v->have[at + i];
		same += v->have[at + i] && v->bytes[at + i] == bytes[i];
	}
	for (size_t i = at + n; i < 256; i++)
		beyond += v->have[i];
	if ((known && same < n) || (!more && (beyond || (v->end && v->end != at + n))) ||
		(more && v->end && at + n >= v->end)) {
		v->poisoned = true;
		return REASSEMBLY_DROPPED;
	}
	if (known)
		return REASSEMBLY_HELD;
	memset(v->have + at, true, n);
	memcpy(v->bytes + at, bytes, n);
	if (!more)
		v->end = at + n;
	for (size_t i = 0; i < v->end; i++)
		have += v->have[i];
	return v->end && have == v->end ? REASSEMBLY_COMPLETE : REASSEMBLY_HELD;
}

static void test_naive(void **state)
{
	unsigned complete = 0, poisoned = 0;
	struct fixture *f = setup();

	srand(11);
	for (unsigned round = 0; round < 30000; round++) {
		struct naive naive = { 0 };
		enum reassembly_verdict want = REASSEMBLY_HELD;
		uint8_t span = round % 2 ? 24 : 4; /* in units of 8: wide rarely completes */
		bool hostile = round % 4 < 2;

		for (unsigned i = 0; i < 24 && want != REASSEMBLY_COMPLETE; i++) {
			struct reassembled got;
			size_t at = 8 * ((size_t)rand() % span);
			bool more = at != 8U * span - 8 && (!hostile || !at || rand() % 16);
			size_t n = hostile ? 8 * (1 + (size_t)rand() % 3) : 8;
			uint8_t p[100], salt = hostile && rand() % 30 == 0;
			size_t len = piece4(p, (uint16_t)round, at, n, more, salt);

			want = naive_add(&naive, at, p + 20, n, more);
			assert_int_equal(add(f, p, len, &got), want);
			if (want == REASSEMBLY_COMPLETE) {
				assert_int_equal(got.len, 20 + naive.end);
				assert_memory_equal(got.packet + 20, naive.bytes, naive.end);
			}
		}
		complete += want == REASSEMBLY_COMPLETE;
		poisoned += naive.poisoned;
		reassembly_release(&f->r);
	}
	assert_in_range(complete, 3000, 27000); /* the test has seen both */
	assert_in_range(poisoned, 3000, 27000);
	teardown(f);
}

/* Every truncation and every flipped bit of a head and a tail: no byte read or written astray. */
static void test_truncated_and_flipped(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;
	uint8_t p[100];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t len = 60;

		if (v6) {
			memset(p, 7, sizeof(p));
			memcpy(p, "\x60\0\0\0\0\x14\x2c\x40", 8);
			memcpy(p + 40, "\x11\0\0\1\1\2\3\4", 8);
			store_be16(p + 4, 20 - 4);
			len = 56;
		} else {
			piece4(p, 1, 0, 40, true, 0);
		}
		for (size_t cut = 0; cut <= len; cut++)
			add(f, p, cut, &got);
		for (size_t bit = 0; bit < len * 8; bit++) {
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (add(f, p, len, &got) == REASSEMBLY_COMPLETE)
				reassembly_release(&f->r);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	assert_in_range(f->drops.n[DROP_FRAG_MALFORMED], 5, 100); /* of whole IP packets */
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_empty_piece),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_straggler),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_all_done),
		cmocka_unit_test(test_spanning),
		cmocka_unit_test(test_spanning_release),
		cmocka_unit_test(test_spanning_memory),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_truncated_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
