/* SPDX-License-Identifier: MIT */
/* Tests of MSS clamping: what is lowered, what is unchanged, and checksums against naive sums. */
#include "ether/mss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"

#define SYN 2

static bool checksum_right(const struct testpkt *t, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + 14 + 4 * (size_t)t->vlan_tags;
	const uint8_t *tcp = frame + testpkt_l4(t);
	size_t tcp_len = len - testpkt_l4(t) - t->padding;

	return test_sum(test_pseudo(ip, 6, tcp_len), tcp, tcp_len) == 0xffff;
}

/* Every kind of frame, with the MSS option at its usual offset and one byte later. */
static void test_forms(void **state)
{
	static const uint8_t even[12] = { 2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 0, 0 };
	static const uint8_t odd[12] = { 1, 2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 0, 0 };

	for (unsigned bits = 0; bits < 192; bits++) {
		bool is_odd = bits & 1;
		struct testpkt t = {
			.ethernet = true,
			.v6 = bits & 2,
			.flags = (uint8_t)(SYN | (bits & 4 ? 0xc0 : 0)),
			.ip_options = bits & 8 ? 8 : 0,
			.partial = bits & 16,
			.payload = bits & 32 ? 7 : 0,
			.padding = bits & 32 ? 5 : 0,
			.vlan_tags = bits / 64,
			.options = is_odd ? odd : even,
			.options_len = 12,
			.dport = (uint16_t)(bits * 771),
		};
		unsigned want = 1386 - 4 * t.vlan_tags - (t.v6 ? 60 : 40);
		unsigned at = testpkt_l4(&t) + 22 + is_odd, check = testpkt_l4(&t) + 16;
		uint8_t frame[300], before[300];
		size_t len = testpkt_build(&t, frame);

		memcpy(before, frame, len);
		assert_true(ether_clamp_mss(frame, len, 1386, 0, t.partial));
		assert_int_equal(test_load16(frame + at), want);
		if (t.partial)
			assert_memory_equal(before + check, frame + check, 2);
		else
			assert_true(checksum_right(&t, frame, len));
		memcpy(before + at, frame + at, 2); /* nothing else has changed */
		memcpy(before + check, frame + check, 2);
		assert_memory_equal(before, frame, len);
		assert_false(ether_clamp_mss(frame, len, 1386, 0, t.partial));
		assert_false(ether_clamp_mss(frame, len, 1500, 0, t.partial)); /* never increased */
		assert_memory_equal(before, frame, len);
	}
}

/* A wrong checksum stays wrong by the same difference. */
static void test_wrong_checksum(void **state)
{
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	struct testpkt t = { .ethernet = true, .flags = SYN, .options = mss, .options_len = 4 };
	uint8_t good[100], bad[100];
	size_t len = testpkt_build(&t, good);
	unsigned check = testpkt_l4(&t) + 16, error;

	memcpy(bad, good, len);
	test_be16(bad + check, (test_load16(bad + check) + 0x1111) % 0xffff);
	ether_clamp_mss(good, len, 1386, 0, false);
	ether_clamp_mss(bad, len, 1386, 0, false);
	error = (test_load16(bad + check) + 0xffff - test_load16(good + check)) % 0xffff;
	assert_int_equal(error, 0x1111);
}

static const struct {
	const char *name;
	struct testpkt t;
	uint8_t options[12];
	unsigned at;	 /* modify this byte … */
	int value;	 /* … to this value; −1: no change */
	unsigned packet; /* max_packet; 0: 1386 */
	bool lowered;
} cases[] = {
	{ "SYN", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 0, -1, 0, true },
	{ "no SYN", { .flags = 0 }, { 2, 4, 5, 0xb4 }, 0, -1, 0, false },
	{ "equal", { .flags = SYN }, { 2, 4, 5, 0x42 }, 0, -1, 0, false },
	{ "one more", { .flags = SYN }, { 2, 4, 5, 0x43 }, 0, -1, 0, true },
	{ "zero", { .flags = SYN }, { 2, 4, 0, 0 }, 0, -1, 0, false },
	{ "largest", { .flags = SYN }, { 2, 4, 0xff, 0xff }, 0, -1, 0, true },
	{ "no option", { .flags = SYN }, { 3, 3, 7, 1 }, 0, -1, 0, false },
	{ "after the end option", { .flags = SYN }, { 0, 0, 0, 0, 2, 4, 5, 0xb4 }, 0, -1, 0,
		false },
	{ "after a length of 0", { .flags = SYN }, { 3, 0, 1, 1, 2, 4, 5, 0xb4 }, 0, -1, 0, false },
	{ "after a length of 1", { .flags = SYN }, { 3, 1, 1, 1, 2, 4, 5, 0xb4 }, 0, -1, 0, false },
	{ "after one too long", { .flags = SYN }, { 3, 13, 1, 1, 2, 4, 5, 0xb4 }, 0, -1, 0, false },
	{ "MSS of 3 bytes", { .flags = SYN }, { 2, 3, 5, 2, 5, 0xb4, 9, 9, 9, 1, 1, 1 }, 0, -1, 0,
		false },
	{ "MSS of 6 bytes", { .flags = SYN }, { 2, 6, 5, 0xb4, 5, 0xb4 }, 0, -1, 0, false },
	{ "last option", { .flags = SYN }, { 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5, 0xb4 }, 0, -1, 0,
		true },
	{ "length truncated", { .flags = SYN }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 }, 0, -1, 0,
		false },
	{ "value truncated", { .flags = SYN }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 0xff }, 0, -1, 0,
		false },
	{ "udp", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 23, 17, 0, false },
	{ "later fragment", { .flags = SYN, .frag = 1 }, { 2, 4, 5, 0xb4 }, 0, -1, 0, false },
	{ "first fragment", { .flags = SYN, .frag = 0x2000 }, { 2, 4, 5, 0xb4 }, 0, -1, 0, true },
	{ "doff too large", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 46, 0x90, 0, false },
	{ "doff too small", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 46, 0x40, 0, false },
	{ "packet ends before the option", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 17, 50, 0, false },
	{ "arp", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 13, 6, 0, false },
	{ "small budget", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 0, -1, 68, true },
	{ "no budget", { .flags = SYN }, { 2, 4, 5, 0xb4 }, 0, -1, 67, false },
	{ "huge budget", { .flags = SYN }, { 2, 4, 0xff, 0xff }, 0, -1, 1u << 31, false },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testpkt t = cases[i].t;
		uint8_t frame[200], before[200];
		size_t len;
		bool lowered;

		t.ethernet = true;
		t.options = cases[i].options;
		t.options_len = 12;
		len = testpkt_build(&t, frame);
		if (cases[i].value >= 0)
			frame[cases[i].at] = (uint8_t)cases[i].value;
		memcpy(before, frame, len);
		lowered = ether_clamp_mss(
			frame, len, cases[i].packet ? cases[i].packet : 1386, 0, false);
		if (lowered != cases[i].lowered)
			fail_msg("%s", cases[i].name);
		if (!lowered)
			assert_memory_equal(before, frame, len);
	}
}

/* A frame truncated anywhere before the end of its TCP header is unchanged. */
static void test_truncated(void **state)
{
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	struct testpkt t = { .ethernet = true,
		.v6 = true,
		.ip_options = 16,
		.vlan_tags = 1,
		.flags = SYN,
		.options = mss,
		.options_len = 4 };
	uint8_t frame[200];
	size_t len = testpkt_build(&t, frame);

	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1); /* exact size, for the sanitizer */

		assert_non_null(copy);
		memcpy(copy, frame, cut);
		assert_int_equal(ether_clamp_mss(copy, cut, 1386, 0, false), cut == len);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
