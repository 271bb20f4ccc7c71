/* SPDX-License-Identifier: MIT */
/* Tests of the shares that owners have of a reassembler: whatever a hostile or a lossy one sends,
 * an honest one loses nothing. */
#include "l2tp/test_fragments.h"

/* ---- several owners ---- */

#define FAIR_SLOTS                                                                                 \
	(512 + REASSEMBLY_DONE_MAX + 3 * 8) /* as the engine has them for three peers             
					     * \ */
#define RUN 32				    /* FRAGMENT_RUN_MAX */

enum {
	HONEST,
	LOSSY,
	HOSTILE
};

/* What a hostile owner sends between any two fragments of an honest one; `i` counts. */
struct hostility {
	const char *name;
	size_t at;
	size_t n;
	bool more;
	uint16_t ids;	/* how many it goes through */
	uint8_t protos; /* likewise */
	uint8_t salts;
};

static const struct hostility hostilities[] = {
	{ "heads", 0, 1416, true, UINT16_MAX, 1, 1 },
	{ "tails", 1416, 100, false, UINT16_MAX, 1, 1 },
	{ "tails of one byte", 8, 1, false, UINT16_MAX, 1, 1 },
	{ "middles", 8, 8, true, UINT16_MAX, 1, 1 },
	{ "far ends", REASSEMBLY_PAYLOAD_MAX - 8, 8, false, UINT16_MAX, 1, 1 },
	{ "long heads", 0, 9000, true, UINT16_MAX, 1, 1 },
	{ "protocols and the honest one's ids", 0, 16, true, RUN, 255, 1 },
	{ "overlaps", 0, 64, true, 600, 1, 2 },
	{ "the honest one's ids", 0, 1416, true, RUN, 1, 2 },
};

static void be_hostile(struct fixture *f, unsigned owner, const struct hostility *h, unsigned i)
{
	static uint8_t p[20 + 9000];
	struct reassembled got;
	size_t len = piece4(
		p, (uint16_t)(i % h->ids), h->at, h->n, h->more, (uint8_t)(i / h->ids % h->salts));

	p[9] = (uint8_t)(17 + i / h->ids % h->protos);
	checksum_store(p + 10, 0);
	checksum_store(p + 10, checksum_add(0, p, 20));
	assert_int_not_equal(add_of(f, owner, p, len, &got), REASSEMBLY_BUSY);
}

/* What an owner sends: packets in two fragments, RUN heads and then their tails. */
struct sender {
	unsigned owner;
	bool lossy; /* every 20th fragment does not arrive */
	unsigned sent;
	unsigned done; /* packets that arrived whole */
};

/* Send the next fragment. */
static void send_next(struct fixture *f, struct sender *s)
{
	unsigned n = s->sent++, i = n % (2 * RUN);
	uint16_t id = (uint16_t)(n / (2 * RUN) * RUN + i % RUN);
	bool tail = i >= RUN;
	struct reassembled got;

	if (s->lossy && rand() % 20 == 0)
		return;
	if (add4_of(f, s->owner, id, tail ? 1416 : 0, tail ? 158 : 1416, !tail, 0, &got) ==
		REASSEMBLY_COMPLETE) {
		check_packet4(&got, 1574);
		s->done++;
	}
	reassembly_release(&f->r);
}

#define PACKETS (40 * RUN) /* of the honest owner */

/* Between any two fragments of the honest owner `others` send; they may not cost it one packet. */
static void send_all(struct fixture *f, struct sender *honest, struct sender *lossy,
	unsigned lossy_rate, const struct hostility *h)
{
	unsigned hostile = 0;

	for (unsigned i = 0; i < 2 * PACKETS; i++) {
		for (unsigned k = 0; h && k < 12; k++)
			be_hostile(f, HOSTILE, h, hostile++);
		for (unsigned k = 0; k < lossy_rate; k++)
			send_next(f, lossy);
		send_next(f, honest);
		f->now = mono_add(f->now, 50 * NS_PER_US);
		reassembly_expire(&f->r, f->now);
	}
	assert_int_equal(honest->done, PACKETS);
	assert_int_equal(f->owners[HONEST].share.held, 0);
}

/* Whatever the others do, the honest owner loses nothing, and the lossy one little more than its
 * path loses. */
static void test_fair(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hostilities); i++) {
		struct fixture *f = setup_slots(FAIR_SLOTS);
		struct sender honest = { .owner = HONEST };
		struct sender lossy = { .owner = LOSSY, .lossy = true };

		print_message("%s\n", hostilities[i].name);
		srand(3);
		send_all(f, &honest, &lossy, 1, &hostilities[i]);
		assert_in_range(lossy.done, PACKETS * 87 / 100, PACKETS * 93 / 100);
		teardown(f);
	}
}

/* A path that loses 5 % costs its own peer that, and no other anything, at any rate. */
static void test_lossy(void **state)
{
	for (unsigned rate = 1; rate <= 16; rate *= 2) {
		struct fixture *f = setup_slots(FAIR_SLOTS);
		struct sender honest = { .owner = HONEST };
		struct sender lossy = { .owner = LOSSY, .lossy = true };

		srand(4);
		send_all(f, &honest, &lossy, rate, NULL);
		assert_in_range(lossy.done, rate * PACKETS * 88 / 100, rate * PACKETS * 93 / 100);
		teardown(f);
	}
}

/* All owners but one flood: that one is sure of its part, and they of theirs. */
static void test_guaranteed(void **state)
{
	struct fixture *f = setup_slots(OWNERS * 8);
	struct reassembled got;

	for (uint16_t id = 0; id < 8; id++)
		add4_of(f, HONEST, id, 0, 16, true, 0, &got);
	for (unsigned i = 0; i < 20000; i++)
		be_hostile(f, 1 + (unsigned)rand() % (OWNERS - 1), &hostilities[0], i);
	for (unsigned i = 1; i < OWNERS; i++)
		assert_in_range(f->owners[i].share.held, 7, 9);
	for (uint16_t id = 0; id < 8; id++)
		assert_int_equal(
			add4_of(f, HONEST, id, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	teardown(f);
}

/* Equal addresses and ids of different owners: addresses may pass from one peer to another. */
static void test_owners_never_join(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	assert_int_equal(add4_of(f, 0, 7, 0, 16, true, 0, &got), REASSEMBLY_HELD);
	assert_int_equal(add4_of(f, 1, 7, 16, 5, false, 9, &got), REASSEMBLY_HELD);
	assert_int_equal(add4_of(f, 1, 7, 0, 16, true, 9, &got), REASSEMBLY_COMPLETE);
	assert_int_equal(add4_of(f, 0, 7, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	check_packet4(&got, 21);
	teardown(f);
}

/* An owner goes with its packets; another's go on, and so does one that is done. */
static void test_owner_goes(void **state)
{
	struct fixture *f = setup();
	struct reassembled done, got;

	add4_of(f, 0, 1, 0, 16, true, 0, &done);
	add4_of(f, 0, 1, 16, 5, false, 0, &done);
	add4_of(f, 0, 2, 0, 16, true, 0, &got);
	add4_of(f, 0, 3, 0, 5000, true, 0, &got);
	add4_of(f, 1, 4, 0, 16, true, 0, &got);
	reassembly_owner_fini(&f->r, &f->owners[0]);
	memset(&f->owners[0], 0xa5, sizeof(f->owners[0]));
	reassembly_owner_init(&f->owners[0]);
	assert_int_equal(f->drops.n[DROP_FRAG_TIMEOUT], 2);
	assert_int_equal(f->r.held, 1);
	check_packet4(&done, 21);
	assert_int_equal(add4_of(f, 1, 4, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
	check_packet4(&done, 21);
	reassembly_release(&f->r);
	check_conservation(f);
	teardown(f);
}

/* More slots, with packets in the making: these are found again, and completed. */
static void test_grow(void **state)
{
	struct fixture *f = setup();
	struct reassembled got;

	for (uint16_t id = 0; id < SLOTS; id++)
		add4(f, id, 0, 16, true, 0, &got);
	f->more = malloc(reassembly_memory(SLOTS, 1000));
	reassembly_add_slots(&f->r, f->more, 1000);
	for (uint16_t id = SLOTS; id < SLOTS + 1000; id++)
		add4(f, id, 0, 16, true, 0, &got);
	assert_int_equal(f->drops.n[DROP_FRAG_MEMORY], 0);
	for (uint16_t id = 0; id < SLOTS + 1000; id++) {
		assert_int_equal(add4(f, id, 16, 5, false, 0, &got), REASSEMBLY_COMPLETE);
		reassembly_release(&f->r);
	}
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_lossy),
		cmocka_unit_test(test_guaranteed),
		cmocka_unit_test(test_owners_never_join),
		cmocka_unit_test(test_owner_goes),
		cmocka_unit_test(test_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
