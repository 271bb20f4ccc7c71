/* SPDX-License-Identifier: MIT */
/* Tests of reading inner packets' headers, and of the ECN rules. */
#include "pkt/inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_parse(void **state)
{
	static const struct {
		const char *name;
		uint8_t first;	 /* version and header length */
		uint16_t total;	 /* IPv4 total length or IPv6 payload length */
		size_t len;	 /* of the plaintext, padding included */
		size_t expected; /* 0: malformed */
	} cases[] = {
		{ "nothing", 0x45, 20, 0, 0 },
		{ "one byte", 0x45, 20, 1, 0 },
		{ "IPv4 header cut", 0x45, 20, 19, 0 },
		{ "IPv4 header alone", 0x45, 20, 20, 20 },
		{ "IPv4 with padding", 0x45, 21, 32, 21 },
		{ "IPv4 total above the bytes present", 0x45, 33, 32, 0 },
		{ "IPv4 total below header", 0x45, 19, 32, 0 },
		{ "IPv4 header length below 5", 0x44, 20, 32, 0 },
		{ "IPv4 options", 0x46, 24, 32, 24 },
		{ "IPv4 options beyond total", 0x4f, 59, 64, 0 },
		{ "IPv4 longest header", 0x4f, 60, 64, 60 },
		{ "IPv6 header cut", 0x60, 0, 39, 0 },
		{ "IPv6 header alone", 0x60, 0, 40, 40 },
		{ "IPv6 with padding", 0x6f, 1, 48, 41 },
		{ "IPv6 length above the bytes present", 0x60, 9, 48, 0 },
		{ "version 0", 0x05, 20, 32, 0 },
		{ "version 5", 0x55, 20, 32, 0 },
		{ "version 15", 0xff, 20, 64, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* A buffer of exactly the packet's size, so that a sanitizer detects reads past
		 * the end. */
		uint8_t *packet = calloc(1, cases[i].len ? cases[i].len : 1);
		struct inner_packet inner;
		bool v6 = cases[i].first >> 4 == 6;
		uint8_t header[8] = { cases[i].first };
		enum drop drop;

		assert_non_null(packet);
		store_be16(header + (v6 ? 4 : 2), cases[i].total);
		memcpy(packet, header, size_min(sizeof(header), cases[i].len));
		drop = inner_parse(packet, cases[i].len, &inner);
		if (drop != (cases[i].expected ? DROP_NONE : DROP_INNER_MALFORMED))
			fail_msg("%s: %s", cases[i].name, drop_name(drop));
		if (!drop) {
			assert_int_equal(inner.len, cases[i].expected);
			assert_int_equal(inner.family, v6 ? AF_INET6 : AF_INET);
			assert_ptr_equal(inner.src, packet + (v6 ? 8 : 12));
			assert_ptr_equal(inner.dst, packet + (v6 ? 24 : 16));
		}
		free(packet);
	}
}

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
		struct inner_packet inner;
		int ecn = expected[tos % 4][outer % 4];
		enum drop drop;

		store_be16(packet + 2, 40);
		store_be16(
			packet, (uint16_t)((v6 ? 0x6000 : 0x4000) | (v6 ? tos << 4 : 0x500 | tos)));
		if (v6)
			store_be16(packet + 4, 0);
		else
			store_be16(packet + 10, ip4_checksum(packet));
		assert_int_equal(inner_parse(packet, sizeof(packet), &inner), DROP_NONE);
		assert_int_equal(inner.tos, tos);
		drop = inner_ecn_in(packet, &inner, outer);
		assert_int_equal(drop, ecn < 0 ? DROP_INNER_ECN : DROP_NONE);
		assert_int_equal(inner_parse(packet, sizeof(packet), &inner), DROP_NONE);
		if (!drop)
			assert_int_equal(inner.tos, (tos & 0xfc) | ecn);
		if (!v6)
			assert_int_equal(ip4_checksum(packet), 0);
	}
	assert_int_equal(inner_ecn_out(0xfe), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_ecn_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
