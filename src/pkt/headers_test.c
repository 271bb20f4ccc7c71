/* SPDX-License-Identifier: MIT */
/* Tests of the header parser: tables of frames, every truncation, and inconsistent chains. */
#include "pkt/headers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/testpkt.h"

/* Parse a copy of exact size, so that a sanitizer detects reads past the end. */
static int parse(const uint8_t *frame, size_t len, bool ethernet, struct headers *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, frame, len);
	err = headers_parse(copy, len, ethernet, ret);
	free(copy);
	return err;
}

static void test_ordinary(void **state)
{
	for (unsigned bits = 0; bits < 96; bits++) {
		struct testpkt t = {
			.ethernet = bits & 1,
			.v6 = bits & 2,
			.udp = bits & 4,
			.df = bits & 8,
			.ip_options = bits & 16 ? 16 : 0,
			.vlan_tags = bits & 1 ? bits / 32 : 0,
			.payload = 30,
			.padding = 3,
		};
		uint8_t frame[200];
		size_t len = testpkt_build(&t, frame);
		struct headers h;

		assert_int_equal(parse(frame, len, t.ethernet, &h), 0);
		assert_int_equal(h.ethertype, t.v6 ? ETHERTYPE_6 : ETHERTYPE_4);
		assert_int_equal(h.vlan_tags, t.vlan_tags);
		assert_int_equal(h.version, t.v6 ? 6 : 4);
		assert_int_equal(h.proto, t.udp ? PROTO_UDP : PROTO_TCP);
		assert_int_equal(h.dont_fragment, t.v6 || t.df);
		assert_false(headers_is_fragment(&h));
		assert_int_equal(h.l3, t.ethernet ? 14 + 4 * t.vlan_tags : 0);
		assert_int_equal(h.l4, testpkt_l4(&t));
		assert_int_equal(h.end, len - 3);
		assert_int_equal(checksum_fold(headers_pseudo_sum(frame, &h, 777)),
			__builtin_bswap16((uint16_t)test_pseudo(frame + h.l3, h.proto, 777)));
		for (size_t cut = 0; cut < h.l4; cut++) {
			struct headers none = { .l4 = 4321 };

			assert_int_equal(parse(frame, cut, t.ethernet, &none), -EBADMSG);
			assert_int_equal(none.l4, 4321);
		}
		assert_int_equal(parse(frame, h.l4, t.ethernet, &h), 0);
	}
}

static void test_not_ip(void **state)
{
	uint8_t frame[64] = { 0 };
	struct headers h;

	test_be16(frame + 12, 0x0806);
	assert_int_equal(parse(frame, 14, true, &h), 0);
	assert_int_equal(h.version, 0);
	assert_int_equal(h.ethertype, 0x0806);
	for (size_t at = 12; at < 24; at += 4)
		test_be16(frame + at, 0x8100);
	assert_int_equal(parse(frame, 64, true, &h), 0); /* three tags */
	assert_int_equal(h.version, 0);
	assert_int_equal(h.vlan_tags, 2);
	assert_int_equal(h.ethertype, 0x8100);
	frame[0] = 0x50;
	assert_int_equal(parse(frame, 64, false, &h), 0);
	assert_int_equal(h.version, 0);
	assert_int_equal(headers_parse(frame, 65536, false, &h), -EBADMSG);
}

static const struct {
	const char *name;
	int err;
	unsigned at;
	uint8_t value;
} wrong4[] = {
	{ "fine", 0, 9, 6 },
	{ "version", -EBADMSG, 14, 0x55 },
	{ "ihl 4", -EBADMSG, 14, 0x44 },
	{ "ihl beyond the packet", -EBADMSG, 14, 0x4f },
	{ "total below ihl", -EBADMSG, 17, 19 },
	{ "total is ihl", 0, 17, 20 },
};

static void test_wrong4(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong4); i++) {
		struct testpkt t = { .ethernet = true, .udp = true };
		uint8_t frame[100];
		size_t len = testpkt_build(&t, frame);
		struct headers h;

		frame[wrong4[i].at] = wrong4[i].value;
		if (parse(frame, len, true, &h) != wrong4[i].err)
			fail_msg("%s", wrong4[i].name);
	}
}

static void test_fragments4(void **state)
{
	struct testpkt t = { .frag = 0x2000 | 185, .payload = 8 };
	uint8_t frame[100];
	struct headers h;
	size_t len = testpkt_build(&t, frame);

	assert_int_equal(parse(frame, len, false, &h), 0);
	assert_int_equal(h.frag_offset, 1480);
	assert_true(h.more_fragments);
	test_be16(frame + 6, 0x1fff);
	assert_int_equal(parse(frame, len, false, &h), 0);
	assert_int_equal(h.frag_offset, 65528);
	assert_false(h.more_fragments);
}

/* Build an IPv6 packet with `n` extension headers of 8 bytes each, then `bytes` more. */
static size_t chain(uint8_t *p, const uint8_t *kinds, unsigned n, uint8_t last, unsigned bytes)
{
	size_t len = 40 + 8 * (size_t)n + bytes;

	memset(p, 0, len);
	p[0] = 0x60;
	test_be16(p + 4, 8 * n + bytes);
	p[6] = n ? kinds[0] : last;
	for (unsigned i = 0; i < n; i++)
		p[40 + 8 * i] = i + 1 < n ? kinds[i + 1] : last;
	return len;
}

static void test_chains(void **state)
{
	static const uint8_t kinds[] = { 0, 43, 60, 135, 51, 44 };
	static uint8_t p[65536];
	struct headers h;
	size_t len = chain(p, kinds, 6, 6, 20);

	assert_int_equal(parse(p, len, false, &h), 0);
	assert_int_equal(h.l4, 40 + 48);
	assert_int_equal(h.proto, 6);
	assert_false(headers_is_fragment(&h)); /* an atomic fragment is whole */
	for (size_t cut = 40; cut < 88; cut++)
		assert_int_equal(parse(p, cut, false, &h), -EBADMSG);
	p[41] = 1; /* hop-by-hop of 16 bytes: covers the routing header */
	p[48 + 8] = 6;
	assert_int_equal(parse(p, len, false, &h), 0);
	assert_int_equal(h.proto, 6);
	p[41] = 255; /* beyond the frame */
	assert_int_equal(parse(p, len, false, &h), -EBADMSG);
	len = chain(p, kinds, 1, 6, 20);
	test_be16(p + 4, 7); /* beyond the packet */
	assert_int_equal(parse(p, len, false, &h), -EBADMSG);
	len = chain(p, kinds, 0, 50, 20); /* ESP ends parsing */
	assert_int_equal(parse(p, len, false, &h), 0);
	assert_int_equal(h.proto, 50);
	assert_int_equal(h.l4, 40);
}

static void test_fragments6(void **state)
{
	static const uint8_t fragment[] = { 44, 60 };
	uint8_t p[200];
	struct headers h;
	size_t len = chain(p, fragment, 2, 6, 20);

	p[43] = 1;
	assert_int_equal(parse(p, len, false, &h), 0);
	assert_true(h.more_fragments);
	assert_int_equal(h.frag_offset, 0);
	assert_int_equal(h.proto, 6);
	test_be16(p + 42, 1232 | 6); /* two reserved bits set, not the last flag */
	assert_int_equal(parse(p, len, false, &h), 0);
	assert_false(h.more_fragments);
	assert_int_equal(h.frag_offset, 1232);
	assert_int_equal(h.proto, 60); /* no header follows */
	assert_int_equal(h.l4, 48);
}

/* The longest possible chain is parsed, and quickly. */
static void test_longest_chain(void **state)
{
	static uint8_t p[65535], kinds[8186];
	struct headers h;
	size_t len;

	memset(kinds, 60, sizeof(kinds));
	len = chain(p, kinds, 8186, 6, 7);
	assert_int_equal(len, 65535);
	assert_int_equal(parse(p, len, false, &h), 0);
	assert_int_equal(h.l4, 65528);
	memset(kinds, 44, sizeof(kinds));
	len = chain(p, kinds, 8186, 44, 7);
	assert_int_equal(parse(p, len, false, &h), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_wrong4),
		cmocka_unit_test(test_fragments4),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_fragments6),
		cmocka_unit_test(test_longest_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
