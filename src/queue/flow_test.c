/* SPDX-License-Identifier: MIT */
/* Tests of the flow hash: what makes a flow, and what does not. */
#include "queue/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pkt/testpkt.h"

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)test_random(ctx);
}

static struct hash_key key;

static int setup(void **state)
{
	static uint64_t seed = 1;
	const struct rng rng = { fill, &seed };

	hash_init(&key, &rng);
	return 0;
}

static uint32_t hash_of(const struct testpkt *t)
{
	uint8_t frame[300];

	return flow_hash(&key, frame, testpkt_build(t, frame), t->ethernet);
}

static const struct testpkt base = { .hosts = 3, .sport = 1000, .dport = 80, .payload = 50 };

/* Every form of packet: what differs within a flow, and what differs between flows. */
static void test_forms(void **state)
{
	for (unsigned bits = 0; bits < 48; bits++) {
		struct testpkt t = base, other;
		uint32_t hash;

		t.ethernet = bits & 1;
		t.v6 = bits & 2;
		t.udp = bits & 4;
		t.ip_options = bits & 8 ? 8 : 0;
		t.vlan_tags = t.ethernet ? bits / 16 : 0;
		hash = hash_of(&t);

		other = t;
		other.payload = 90;
		other.tos = 2;
		other.ttl = 9;
		other.id = 77;
		other.seq = 1234;
		assert_int_equal(hash_of(&other), hash);

		other = t;
		other.hosts++;
		assert_int_not_equal(hash_of(&other), hash);
		other = t;
		other.sport++;
		assert_int_not_equal(hash_of(&other), hash);
		other = t;
		other.dport++;
		assert_int_not_equal(hash_of(&other), hash);
		other = t;
		other.udp = !t.udp;
		assert_int_not_equal(hash_of(&other), hash);
		if (t.ethernet) {
			other = t;
			other.vlan_tags = (t.vlan_tags + 1) % 3;
			assert_int_not_equal(hash_of(&other), hash);
		}
	}
}

/* The id of a VLAN counts, its priority does not. */
static void test_vlan_priority(void **state)
{
	struct testpkt t = base;
	uint8_t frame[300];
	size_t len;
	uint32_t hash;

	t.ethernet = true;
	t.vlan_tags = 1;
	len = testpkt_build(&t, frame);
	hash = flow_hash(&key, frame, len, true);
	frame[14] ^= 0xe0;
	assert_int_equal(flow_hash(&key, frame, len, true), hash);
	frame[15] ^= 1;
	assert_int_not_equal(flow_hash(&key, frame, len, true), hash);
}

/* All fragments of a packet are one flow: the first one's ports do not count. */
static void test_fragments(void **state)
{
	struct testpkt first = base, next = base;

	first.udp = next.udp = true;
	first.frag = 0x2000;
	next.frag = 0x0010;
	next.sport = next.dport = 0xaaaa;
	assert_int_equal(hash_of(&first), hash_of(&next));
	first.hosts++;
	assert_int_not_equal(hash_of(&first), hash_of(&next));
}

/* What is not IP is distinguished by MAC addresses and EtherType; what is cut is parsed safely. */
static void test_others(void **state)
{
	uint8_t arp[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6 }, frame[300];
	struct testpkt t = base;
	uint32_t hash = flow_hash(&key, arp, sizeof(arp), true);
	size_t len;

	arp[50] = 9;
	assert_int_equal(flow_hash(&key, arp, sizeof(arp), true), hash);
	arp[5]++;
	assert_int_not_equal(flow_hash(&key, arp, sizeof(arp), true), hash);
	arp[5]--;
	arp[13]++;
	assert_int_not_equal(flow_hash(&key, arp, sizeof(arp), true), hash);

	for (unsigned bits = 0; bits < 12; bits++) {
		t.ethernet = bits & 1;
		t.v6 = bits & 2;
		t.vlan_tags = t.ethernet ? bits / 4 : 0;
		len = testpkt_build(&t, frame);
		for (size_t cut = 0; cut <= len; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1); /* a read beyond it is found */

			memcpy(exact, frame, cut);
			(void)flow_hash(&key, exact, cut, t.ethernet);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_vlan_priority),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
