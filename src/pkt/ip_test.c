/* SPDX-License-Identifier: MIT */
/* Tests of parsing IP headers. */
#include "pkt/ip.h"

#include <errno.h>
#include <netinet/in.h>
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
		struct ip_header ip;
		bool v6 = cases[i].first >> 4 == 6;
		uint8_t header[8] = { cases[i].first };
		int err;

		assert_non_null(packet);
		store_be16(header + (v6 ? 4 : 2), cases[i].total);
		memcpy(packet, header, size_min(sizeof(header), cases[i].len));
		err = ip_header_parse(packet, cases[i].len, &ip);
		if (!err != (cases[i].expected > 0))
			fail_msg("%s: %d", cases[i].name, err);
		if (!err) {
			assert_int_equal(ip.len, cases[i].expected);
			assert_int_equal(ip.family, v6 ? AF_INET6 : AF_INET);
			assert_ptr_equal(ip.src, packet + (v6 ? 8 : 12));
			assert_ptr_equal(ip.dst, packet + (v6 ? 24 : 16));
		}
		free(packet);
	}
}

static void test_fields(void **state)
{
	static const uint8_t v4[24] = { 0x46, 0xb9, 0, 24, 0x12, 0x34, 0x20, 2, 64, 17 };
	uint8_t v6[48] = { 0x6b, 0x90, 0, 0, 0, 8, 44, 64 };
	struct ip_header ip;

	assert_int_equal(ip_header_parse(v4, sizeof(v4), &ip), 0);
	assert_int_equal(ip.tos, 0xb9);
	assert_int_equal(ip.proto, 17);
	assert_true(ip.fragment && ip.more);
	assert_int_equal(ip.fragment_at, 16);
	assert_int_equal(ip.id, 0x1234);
	assert_int_equal(ip.header_len, 24);
	assert_int_equal(ip.payload_len, 0);
	v6[40] = 17;
	store_be16(v6 + 42, 24 | 1);
	store_be32(v6 + 44, 0x12345678);
	assert_int_equal(ip_header_parse(v6, sizeof(v6), &ip), 0);
	assert_int_equal(ip.tos, 0xb9);
	assert_int_equal(ip.proto, 17);
	assert_true(ip.fragment && ip.more);
	assert_int_equal(ip.fragment_at, 24);
	assert_int_equal(ip.id, 0x12345678);
	assert_int_equal(ip.header_len, 48);
	assert_int_equal(ip.len, 48);
	v6[5] = 7; /* the fragment header is cut */
	assert_int_equal(ip_header_parse(v6, sizeof(v6), &ip), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
