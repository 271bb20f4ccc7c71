/* SPDX-License-Identifier: MIT */
/* Tests of the ECN rules. */
#include "pkt/ecn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static uint16_t ip4_checksum(const uint8_t *packet)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += load_be16(packet + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 6040 figure 4: the ECN field after decapsulation, by inner and outer ECN; -1: dropped. */
static void test_ecn_in(void **state)
{
	static const int expected[4][4] = {
		/* outer:  not   ECT1  ECT0  CE */
		{ 0, 0, 0, -1 }, /* inner not ECN-capable */
		{ 1, 1, 1, 3 },	 /* inner ECT(1) */
		{ 2, 1, 2, 3 },	 /* inner ECT(0) */
		{ 3, 3, 3, 3 },	 /* inner CE */
	};

	for (unsigned c = 0; c < 2 * 16 * 64; c++) {
		uint8_t packet[40] = { 0 }, tos = (uint8_t)((c / 32) << 2 | (c / 4 % 4));
		uint8_t outer = (uint8_t)(0x88 | c % 4);
		bool v6 = c / 16 % 2;
		struct ip_header inner;
		int ecn = expected[tos % 4][outer % 4];
		enum drop drop;

		store_be16(packet + 2, 40);
		store_be16(
			packet, (uint16_t)((v6 ? 0x6000 : 0x4000) | (v6 ? tos << 4 : 0x500 | tos)));
		if (v6)
			store_be16(packet + 4, 0);
		else
			store_be16(packet + 10, ip4_checksum(packet));
		assert_int_equal(ip_header_parse(packet, sizeof(packet), &inner), 0);
		assert_int_equal(inner.tos, tos);
		drop = ecn_in(packet, &inner, outer);
		assert_int_equal(drop, ecn < 0 ? DROP_INNER_ECN : DROP_NONE);
		assert_int_equal(ip_header_parse(packet, sizeof(packet), &inner), 0);
		if (!drop)
			assert_int_equal(inner.tos, (tos & 0xfc) | ecn);
		if (!v6)
			assert_int_equal(ip4_checksum(packet), 0);
	}
	assert_int_equal(ecn_out(0xfe), 2);
}

/* A mark is set on what is ECN-capable, with the checksum right, and on nothing else. */
static void test_ecn_mark(void **state)
{
	for (unsigned c = 0; c < 2 * 256; c++) {
		uint8_t packet[40] = { 0 }, before[40], tos = (uint8_t)(c / 2);
		bool v6 = c % 2, able = tos & 3;
		struct ip_header ip;

		store_be16(packet + 2, 40);
		store_be16(
			packet, (uint16_t)((v6 ? 0x6000 : 0x4000) | (v6 ? tos << 4 : 0x500 | tos)));
		if (v6)
			store_be16(packet + 2, 0x1234); /* the flow label stays */
		else
			store_be16(packet + 10, ip4_checksum(packet));
		memcpy(before, packet, sizeof(packet));
		assert_int_equal(ecn_mark(packet), able);
		if (v6)
			assert_int_equal(load_be16(packet + 2), 0x1234);
		else
			assert_int_equal(ip4_checksum(packet), 0);
		if (v6)
			store_be16(packet + 4, 0);
		assert_int_equal(ip_header_parse(packet, sizeof(packet), &ip), 0);
		assert_int_equal(ip.tos, able ? tos | 3 : tos);
		if (!able)
			assert_memory_equal(packet, before, sizeof(packet));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecn_in),
		cmocka_unit_test(test_ecn_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
