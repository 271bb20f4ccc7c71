/* SPDX-License-Identifier: MIT */
/* Tests of too-big replies: their bytes, and which packets get no reply. */
#include "ether/toobig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"

static uint8_t frame[2000], reply[ETHER_TOO_BIG_MAX];

static void check_reply4(const uint8_t *ip, const uint8_t *packet, size_t packet_len, size_t len)
{
	size_t quoted = packet_len < 548 ? packet_len : 548;

	assert_int_equal(len, 28 + quoted);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(test_load16(ip + 2), len);
	assert_int_equal(test_sum(0, ip, 20), 0xffff);
	assert_int_equal(ip[9], 1);
	assert_memory_equal(ip + 12, packet + 16, 4); /* from its destination … */
	assert_memory_equal(ip + 16, packet + 12, 4); /* … to its source */
	assert_int_equal(ip[20], 3);
	assert_int_equal(ip[21], 4);
	assert_int_equal(test_load16(ip + 24), 0);
	assert_int_equal(test_sum(0, ip + 20, len - 20), 0xffff);
	assert_memory_equal(ip + 28, packet, quoted);
}

static void check_reply6(const uint8_t *ip, const uint8_t *packet, size_t packet_len, size_t len)
{
	size_t quoted = packet_len < 1232 ? packet_len : 1232;

	assert_int_equal(len, 48 + quoted);
	assert_int_equal(ip[0] >> 4, 6);
	assert_int_equal(test_load16(ip + 4), len - 40);
	assert_int_equal(ip[6], 58);
	assert_memory_equal(ip + 8, packet + 24, 16);
	assert_memory_equal(ip + 24, packet + 8, 16);
	assert_int_equal(ip[40], 2);
	assert_int_equal(ip[41], 0);
	assert_int_equal(test_load16(ip + 44), 0);
	assert_int_equal(test_sum(test_pseudo(ip, 58, len - 40), ip + 40, len - 40), 0xffff);
	assert_memory_equal(ip + 48, packet, quoted);
}

static void test_replies(void **state)
{
	for (unsigned bits = 0; bits < 24; bits++) {
		struct testpkt t = { .ethernet = true,
			.df = true,
			.v6 = bits & 1,
			.udp = bits & 2,
			.ip_options = bits & 4 ? 8 : 0,
			.vlan_tags = bits / 8,
			.payload = 1460 };
		unsigned l3 = 14 + 4 * t.vlan_tags, mtu = 1386 - 4 * t.vlan_tags;
		size_t len = testpkt_build(&t, frame);
		size_t got = ether_too_big_reply(frame, len, 1386, reply);

		assert_true(got > l3);
		assert_memory_equal(reply, frame + 6, 6);
		assert_memory_equal(reply + 6, frame, 6);
		assert_memory_equal(reply + 12, frame + 12, l3 - 12);
		if (t.v6) {
			check_reply6(reply + l3, frame + l3, len - l3, got - l3);
			assert_int_equal(test_load16(reply + l3 + 46), mtu);
		} else {
			check_reply4(reply + l3, frame + l3, len - l3, got - l3);
			assert_int_equal(test_load16(reply + l3 + 26), mtu);
		}
	}
}

/* Every packet that does not fit gets a reply, and no other. */
static void test_exact_size(void **state)
{
	for (unsigned tags = 0; tags < 3; tags++) {
		struct testpkt t = { .ethernet = true, .df = true, .vlan_tags = tags };
		unsigned room = 1386 - 4 * tags;

		t.payload = room - 40;
		assert_int_equal(
			ether_too_big_reply(frame, testpkt_build(&t, frame), 1386, reply), 0);
		t.payload++;
		assert_true(ether_too_big_reply(frame, testpkt_build(&t, frame), 1386, reply) > 0);
	}
	/* a small packet under a small budget is quoted in full */
	{
		struct testpkt t = { .ethernet = true, .df = true, .payload = 10 };

		assert_int_equal(
			ether_too_big_reply(frame, testpkt_build(&t, frame), 49, reply), 92);
		assert_int_equal(
			ether_too_big_reply(frame, testpkt_build(&t, frame), 0, reply), 92);
	}
}

#define PUT(a, v)                                                                                  \
	{                                                                                          \
		.at = (a), .value = (v)                                                            \
	}

/* Changes to an ordinary oversized frame, and whether it still gets a reply. */
static const struct {
	const char *name;
	bool v6;
	struct {
		unsigned at;
		uint8_t value;
	} put[4];
	bool replied;
} cases[] = {
	{ "v4", false, { PUT(0, 2) }, true },
	{ "to a multicast MAC", false, { PUT(0, 1) }, false },
	{ "from a multicast MAC", false, { PUT(6, 1) }, false },
	{ "arp", false, { PUT(13, 6) }, false },
	{ "without DF", false, { PUT(20, 0) }, false },
	{ "later fragment", false, { PUT(21, 1) }, false },
	{ "first fragment", false, { PUT(20, 0x60) }, true },
	{ "to multicast", false, { PUT(30, 224) }, false },
	{ "to broadcast", false, { PUT(30, 255), PUT(31, 255), PUT(32, 255), PUT(33, 255) },
		false },
	{ "to 0.0.0.0", false, { PUT(30, 0) }, false },
	{ "to loopback", false, { PUT(30, 127) }, false },
	{ "from 0.0.0.0", false, { PUT(26, 0), PUT(28, 0) }, false },
	{ "from multicast", false, { PUT(26, 239) }, false },
	{ "from loopback", false, { PUT(26, 127) }, false },
	{ "icmp echo", false, { PUT(23, 1), PUT(34, 8) }, true },
	{ "icmp unreachable", false, { PUT(23, 1), PUT(34, 3) }, false },
	{ "icmp quench", false, { PUT(23, 1), PUT(34, 4) }, false },
	{ "icmp redirect", false, { PUT(23, 1), PUT(34, 5) }, false },
	{ "icmp time exceeded", false, { PUT(23, 1), PUT(34, 11) }, false },
	{ "icmp parameter problem", false, { PUT(23, 1), PUT(34, 12) }, false },
	{ "longer than the frame", false, { PUT(16, 0x7f) }, false },
	{ "v6", true, { PUT(0, 2) }, true },
	{ "v6 to a multicast MAC", true, { PUT(0, 0x33) }, false },
	{ "v6 to multicast", true, { PUT(38, 0xff) }, false },
	{ "v6 to unspecified", true, { PUT(38, 0), PUT(53, 0) }, false },
	{ "v6 to loopback", true, { PUT(38, 0), PUT(53, 1) }, false },
	{ "v6 from unspecified", true, { PUT(22, 0), PUT(37, 0) }, false },
	{ "v6 from multicast", true, { PUT(22, 0xff) }, false },
	{ "v6 echo", true, { PUT(20, 58), PUT(54, 128) }, true },
	{ "v6 error", true, { PUT(20, 58), PUT(54, 1) }, false },
	{ "v6 unknown error", true, { PUT(20, 58), PUT(54, 127) }, false },
	{ "v6 redirect", true, { PUT(20, 58), PUT(54, 137) }, false },
	{ "v6 neighbour solicitation", true, { PUT(20, 58), PUT(54, 135) }, true },
	{ "v6 longer than the frame", true, { PUT(18, 0x7f) }, false },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testpkt t = {
			.ethernet = true, .df = true, .v6 = cases[i].v6, .payload = 1460
		};
		size_t len = testpkt_build(&t, frame);

		for (size_t k = 0; k < ARRAY_LEN(cases[i].put); k++)
			if (cases[i].put[k].at || k == 0)
				frame[cases[i].put[k].at] = cases[i].put[k].value;
		if (!t.v6) {
			test_be16(frame + 24, 0);
			test_be16(frame + 24, ~test_sum(0, frame + 14, 20) & 0xffff);
		}
		if ((ether_too_big_reply(frame, len, 1386, reply) != 0) != cases[i].replied)
			fail_msg("%s", cases[i].name);
	}
}

static void test_damaged(void **state)
{
	struct testpkt t = { .ethernet = true, .df = true, .payload = 1460 };
	size_t len = testpkt_build(&t, frame);

	for (size_t cut = 0; cut < len; cut += cut < 60 ? 1 : 100)
		assert_int_equal(ether_too_big_reply(frame, cut, 1386, reply), 0);
	frame[24] ^= 1; /* IPv4 header checksum */
	assert_int_equal(ether_too_big_reply(frame, len, 1386, reply), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_exact_size),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
