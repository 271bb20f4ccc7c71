/* SPDX-License-Identifier: MIT */
/* Tests of the pace of searches, and of the addresses that they ask for. */
#include "check/probe_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/bytes.h"

static struct ip_prefix subnet(uint8_t last, uint8_t len)
{
	return (struct ip_prefix){ .addr = { .family = AF_INET, .bytes = { 10, 0, 2, last } },
		.len = len };
}

/** Which addresses a search of a subnet asks for. */
static const struct {
	uint8_t ours;
	uint8_t len;
	unsigned hosts; /* that are asked for as others are */
	unsigned own;
	uint32_t switches;
} searches[] = {
	{ 11, 24, 253, 1, 254 }, { 11, 22, 1021, 1, 0 }, { 11, 21, 0, 0, 0 }, /* too large */
	{ 11, 16, 0, 0, 0 }, { 11, 0, 0, 0, 0 }, { 9, 30, 1, 1, 2 },
	{ 10, 31, 1, 1, 0 },			  /* RFC 3021: both are hosts */
	{ 11, 31, 1, 1, 0 }, { 11, 32, 0, 0, 0 }, /* VRRP */
	{ 0, 24, 254, 1, 254 },			  /* the bridge has the subnet's own address */
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
		struct ip_prefix p = subnet(searches[i].ours, searches[i].len);
		unsigned found[PROBE_HOST + 1] = { 0 };
		enum probe_pace_target target;
		struct ip_addr who;
		uint32_t step = 0;

		while ((target = probe_pace_address(&p, step++, &who)) != PROBE_END) {
			found[target]++;
			assert_true(step < 2000);
			if (target == PROBE_OURS)
				assert_true(ip_addr_equal(&who, &p.addr));
			else
				assert_true(ip_prefix_contains(&p, &who));
		}
		assert_int_equal(found[PROBE_HOST], searches[i].hosts);
		assert_int_equal(found[PROBE_OURS], searches[i].own);
		assert_int_equal(probe_pace_hosts(&p), searches[i].switches);
		assert_int_equal(probe_pace_address(&p, UINT32_MAX, &who), PROBE_END);
	}
}

/** The clock and the frames of a search on many ports. */
struct run {
	unsigned ms;
	unsigned burst; /* most frames on all ports without a wait */
	unsigned since;
	unsigned rate; /* most frames on one port from a long wait on, in a second */
};

static void wait_ms(struct run *r, unsigned ms)
{
	r->ms += ms;
	if (ms)
		r->since = 0;
}

static struct run search(bool slow, unsigned ports, unsigned subnets, unsigned turns)
{
	struct probe_pace pace = { .slow = slow };
	struct run r = { 0 };

	for (unsigned turn = 0; turn < turns; turn++) {
		for (unsigned port = 0; port < ports; port++) {
			r.since += subnets;
			r.burst = r.since > r.burst ? r.since : r.burst;
			wait_ms(&r, probe_pace_note(&pace, subnets));
		}
		wait_ms(&r, probe_pace_end_turn(&pace));
	}
	r.rate = turns * subnets * 1000 / (r.ms ? r.ms : 1);
	return r;
}

/* A switch queues few frames: the burst does not grow with the ports and subnets. */
static void test_bursts(void **state)
{
	static const unsigned ports[] = { 1, 2, 16, 40, 128 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		for (unsigned subnets = 1; subnets <= 4; subnets++) {
			struct run fast = search(false, ports[i], subnets, 256);
			struct run slow = search(true, ports[i], subnets, 256);

			assert_in_range(fast.burst, 1, PROBE_BURST + subnets - 1);
			assert_in_range(slow.burst, 1, PROBE_BURST + subnets - 1);
			/* and no longer than that takes */
			assert_in_range(fast.ms, 1, 256 * subnets * ports[i] / PROBE_BURST + 1);
		}
}

/* A limit of broadcasts is usually that of a port, and of 300 a second or more. */
static void test_slow(void **state)
{
	(void)state;
	for (unsigned subnets = 1; subnets <= 4; subnets++) {
		assert_in_range(search(true, 2, subnets, 256).rate, 200, 303);
		assert_in_range(search(true, 40, subnets, 256).rate, 50, 303);
	}
	assert_true(search(false, 2, 1, 256).rate > 3000);
	assert_in_range(search(true, 1, 1, 1024).ms, 0, 3600); /* the largest subnet, in time */
}

/* A host that limits its replies to 50 a second is not taken for one that loses them. */
static void test_echoes(void **state)
{
	unsigned ms = 0;

	(void)state;
	for (unsigned round = 0; round < PROBE_ECHOS; round++)
		ms += probe_pace_echo_ms(round);
	assert_int_equal(ms, 200);
	for (unsigned round = PROBE_ECHOS; round < 80; round++)
		assert_in_range(1000 / probe_pace_echo_ms(round), 1, 49);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_bursts), cmocka_unit_test(test_slow),
		cmocka_unit_test(test_echoes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
