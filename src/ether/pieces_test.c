/* SPDX-License-Identifier: MIT */
/* Tests of fragmenting a member's packet: the reassembled fragments equal the packet. */
#include "ether/pieces.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"

static uint8_t frame[65536], joined[65536], piece[65536];

/* Reassemble the fragments of `t`, last one first, and compare. */
static void check_pieces(const struct testpkt *t, unsigned max_packet)
{
	size_t len = testpkt_build(t, frame), l3 = 14 + 4 * (size_t)t->vlan_tags;
	size_t ihl = 20 + t->ip_options, l4 = l3 + ihl, payload = len - t->padding - l4, sum = 0;
	unsigned base = t->frag & 0x1fff;
	struct ether_pieces p;

	assert_int_equal(ether_pieces_plan(frame, len, max_packet, &p), 0);
	assert_true(p.count >= 2);
	for (unsigned i = p.count; i-- > 0;) {
		size_t n = ether_piece_len(&p, i);
		const uint8_t *ip = piece + l3;
		unsigned frag, at;

		memset(piece, 0xee, n + 1);
		ether_piece_write(&p, i, piece);
		assert_int_equal(piece[n], 0xee);
		assert_true(n - l3 <= max_packet - 4 * t->vlan_tags);
		assert_memory_equal(piece, frame, l3);
		assert_int_equal(test_load16(ip + 2), n - l3);
		assert_int_equal(test_sum(0, ip, ihl), 0xffff);
		assert_memory_equal(ip + 4, frame + l3 + 4, 2); /* id */
		assert_memory_equal(ip + 8, frame + l3 + 8, 2); /* TTL, protocol */
		assert_memory_equal(ip + 12, frame + l3 + 12, 8);
		assert_int_equal(ip[1], frame[l3 + 1]);
		frag = test_load16(ip + 6);
		assert_int_equal(!!(frag & 0x2000), i < p.count - 1 || t->frag & 0x2000);
		assert_int_equal(frag & 0xc000, t->frag & 0xc000);
		at = (frag & 0x1fff) - base;
		assert_true(at * 8 + (n - l4) <= payload);
		memcpy(joined + at * 8, piece + l4, n - l4);
		sum += n - l4;
	}
	assert_int_equal(sum, payload);
	assert_memory_equal(joined, frame + l4, payload);
}

static void test_joined(void **state)
{
	uint64_t r = 1;

	for (unsigned i = 0; i < 300; i++) {
		unsigned b = test_random(&r);
		struct testpkt t = {
			.ethernet = true,
			.udp = b & 1,
			.ip_options = b & 2 ? 8 : 0,
			.vlan_tags = (b >> 4) % 3,
			.tos = (uint8_t)b,
			.ttl = 9,
			.id = (uint16_t)test_random(&r),
			.frag = b & 4 ? (uint16_t)(0xa000 | (b >> 8 & 0x3ff)) : 0,
			.padding = b & 8 ? 3 : 0,
			.payload = 1500 + test_random(&r) % 8000,
		};

		check_pieces(&t, 600 + test_random(&r) % 900);
	}
}

static void test_exact_size(void **state)
{
	struct testpkt t = { .ethernet = true, .udp = true, .payload = 1386 - 28 };
	struct ether_pieces p;

	assert_int_equal(ether_pieces_plan(frame, testpkt_build(&t, frame), 1386, &p), -EINVAL);
	t.payload++;
	check_pieces(&t, 1386);
	t.vlan_tags = 1;
	t.payload -= 5;
	assert_int_equal(ether_pieces_plan(frame, testpkt_build(&t, frame), 1386, &p), -EINVAL);
	t.payload++;
	check_pieces(&t, 1386);
}

static void test_options(void **state)
{
	static const struct {
		uint8_t options[8], later[8];
	} table[] = {
		{ { 7, 7, 4, 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1, 1, 1, 1 } }, /* record route */
		{ { 0x94, 4, 0, 0, 68, 4, 5, 0 }, { 0x94, 4, 0, 0, 1, 1, 1, 1 } },
		{ { 1, 0x83, 7, 4, 1, 2, 3, 4 }, { 1, 0x83, 7, 4, 1, 2, 3, 4 } },
		{ { 0x94, 9, 0, 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1, 1, 1, 1 } }, /* too long */
		{ { 0x94, 1, 0, 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1, 1, 1, 1 } }, /* too short */
		{ { 1, 1, 1, 1, 1, 1, 1, 0x94 }, { 1, 1, 1, 1, 1, 1, 1, 1 } }, /* truncated */
		{ { 0x94, 4, 0, 0, 0, 9, 9, 9 }, { 0x94, 4, 0, 0, 1, 1, 1, 1 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct testpkt t = { .ethernet = true, .ip_options = 8, .payload = 2000 };
		size_t len = testpkt_build(&t, frame);
		struct ether_pieces p;

		memcpy(frame + 34, table[i].options, 8);
		test_be16(frame + 24, 0);
		test_be16(frame + 24, ~test_sum(0, frame + 14, 28) & 0xffff);
		assert_int_equal(ether_pieces_plan(frame, len, 1386, &p), 0);
		ether_piece_write(&p, 0, piece);
		assert_memory_equal(piece + 34, table[i].options, 8);
		ether_piece_write(&p, 1, piece);
		assert_memory_equal(piece + 34, table[i].later, 8);
		assert_int_equal(test_sum(0, piece + 14, 28), 0xffff);
	}
}

static void test_refused(void **state)
{
	struct testpkt t = { .ethernet = true, .payload = 1460 };
	struct ether_pieces p = { .count = 77 };
	size_t len = testpkt_build(&t, frame);

	assert_int_equal(ether_pieces_plan(frame, len, 27, &p), -EMSGSIZE);
	assert_int_equal(ether_pieces_plan(frame, len, 0, &p), -EMSGSIZE);
	assert_int_equal(ether_pieces_plan(frame, len, 28, &(struct ether_pieces){ 0 }), 0);
	assert_int_equal(ether_pieces_plan(frame, len - 1, 1386, &p), -EBADMSG);
	assert_int_equal(ether_pieces_plan(frame, 20, 1386, &p), -EBADMSG);
	frame[24] ^= 1;
	assert_int_equal(ether_pieces_plan(frame, len, 1386, &p), -EBADMSG);
	t.df = true;
	assert_int_equal(ether_pieces_plan(frame, testpkt_build(&t, frame), 1386, &p), -EINVAL);
	t.v6 = true;
	assert_int_equal(ether_pieces_plan(frame, testpkt_build(&t, frame), 1386, &p), -EINVAL);
	t = (struct testpkt){ .ethernet = true, .payload = 1460, .frag = 0x1fff };
	assert_int_equal(ether_pieces_plan(frame, testpkt_build(&t, frame), 1386, &p), -EBADMSG);
	frame[13] = 6; /* ARP */
	assert_int_equal(ether_pieces_plan(frame, len, 1386, &p), -EINVAL);
	assert_int_equal(p.count, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_exact_size),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
