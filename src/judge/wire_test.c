/* SPDX-License-Identifier: MIT */
/* Tests of probe encoding against the standards, and of decoding answers. */
#include "judge/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/checksum.h"

static const struct wire_mark mark = { 0x1234, { 1, 2, 3, 4, 5, 6, 7, 8 } };

static struct wire_ends make_ends(const char *src, const char *dst)
{
	struct wire_ends ends = { .src_mac = { 2, 0, 0, 0, 0, 1 },
		.dst_mac = { 2, 0, 0, 0, 0, 2 } };

	assert_int_equal(ip_addr_parse(src, &ends.src), 0);
	assert_int_equal(ip_addr_parse(dst, &ends.dst), 0);
	return ends;
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
	char is[512] = "";

	for (size_t i = 0; i < len && i < 255; i++)
		snprintf(is + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(is, expected);
}

static void test_arp(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.11", "10.0.2.21");
	uint8_t frame[WIRE_ARP_LEN];
	struct wire_read r;

	wire_arp_request(&ends, frame);
	assert_hex(frame, sizeof(frame),
		"ffffffffffff0200000000010806"
		"0001080006040001"
		"0200000000010a00020b"
		"0000000000000a000215");
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ARP_REQUEST);
	assert_true(ip_addr_equal(&r.target, &ends.dst));
	assert_memory_equal(r.src_mac, ends.src_mac, LINK_MAC_LEN);
	frame[21] = 2; /* as an answer */
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ARP_REPLY);
	assert_true(ip_addr_equal(&r.src, &ends.src));
	assert_memory_equal(r.src_mac, ends.src_mac, LINK_MAC_LEN);
	for (size_t len = 0; len < sizeof(frame); len++)
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
}

/* A loop probe is recognised as ours, and only ours is. */
static void test_loop_probe(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.11", "10.0.2.21");
	uint8_t frame[WIRE_LOOP_PROBE_LEN];
	struct wire_read r;

	wire_loop_probe(ends.src_mac, &mark, 513, frame);
	assert_hex(frame, 14, "ffffffffffff02000000000188b5");
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_LOOP_PROBE);
	assert_int_equal(r.seq, 513);
	for (size_t len = 0; len < 24; len++)
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
	frame[14] ^= 1; /* of another check */
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_OTHER);
}

/* A probe has the requested size, no sender address, and a destination that no bridge forwards. */
static void test_arp_probe(void **state)
{
	struct wire_ends ends = make_ends("10.0.1.11", "10.0.1.21");
	uint8_t frame[128];
	struct wire_read r;

	wire_link_local_group(ends.dst_mac);
	assert_int_equal(wire_arp_probe(&ends, &mark, 28, frame), 42);
	assert_hex(frame, 42,
		"0180c200000f0200000000010806"
		"0001080006040001"
		"02000000000100000000"
		"0000000000000a000115");
	assert_false(wire_has_nonce(frame, 42, &mark));
	assert_int_equal(wire_arp_probe(&ends, &mark, 100, frame), 114);
	assert_true(wire_has_nonce(frame, 114, &mark));
	frame[21] = 2; /* as an answer */
	assert_int_equal(wire_read_frame(frame, 114, &mark, &r), WIRE_ARP_REPLY);
	assert_memory_equal(r.dst_mac, ends.dst_mac, LINK_MAC_LEN);
	assert_memory_equal(r.src_mac, ends.src_mac, LINK_MAC_LEN);
}

/* Requests of every size have correct checksums, and replies to other programs are rejected. */
static void observed_echo(const char *src, const char *dst)
{
	struct wire_ends ends = make_ends(src, dst);
	bool v4 = ends.src.family == AF_INET;
	size_t header = v4 ? 20 : 40;
	uint8_t frame[14 + 1500];
	struct wire_read r;

	for (size_t size = wire_echo_min(ends.src.family) + 8; size <= 1500; size += 37) {
		size_t len = wire_echo_frame(&ends, &mark, 77, size, frame);
		uint8_t *ip = frame + 14;
		uint32_t sum =
			v4 ? 0 : checksum_pseudo6(ip + 8, ip + 24, 58, (uint32_t)(size - 40));

		assert_int_equal(len, 14 + size);
		assert_true(!v4 || checksum_ok(checksum_add(0, ip, 20)));
		assert_true(checksum_ok(checksum_add(sum, ip + header, size - header)));
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_ECHO_REQUEST);
		assert_int_equal(r.seq, 77);
		wire_make_reply(ends.src.family, frame);
		assert_true(checksum_ok(checksum_add(sum, ip + header, size - header)));
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_ECHO_REPLY);
		assert_int_equal(r.seq, 77);
		assert_false(r.in_pieces);
		assert_true(ip_addr_equal(&r.src, &ends.src));
		assert_int_equal(wire_read_packet(ip, size, &mark, &r), WIRE_ECHO_REPLY);
		assert_true(wire_has_nonce(frame, len, &mark));
		ip[header + 5] ^= 1; /* another program's */
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
	}
}

static void test_echo(void **state)
{
	observed_echo("10.0.2.11", "10.0.2.21");
	observed_echo("fe80::1", "fe80::2");
}

/* The first fragment of a reply counts, and is recognised as one. */
static void test_pieces(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.11", "10.0.2.21");
	uint8_t frame[14 + 200];
	struct wire_read r;
	size_t len = wire_echo_frame(&ends, &mark, 5, 200, frame);

	frame[14 + 20] = 0;
	frame[14 + 6] = 0x20; /* more fragments */
	assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_ECHO_REPLY);
	assert_true(r.in_pieces);
	assert_int_equal(r.first_len, 200);
	frame[14 + 6] = 0x00;
	frame[14 + 7] = 0x10; /* a later one */
	assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
	assert_true(r.fragment);
	assert_int_equal(r.first_len, 0);
}

static void test_neighbours(void **state)
{
	struct wire_ends ends = make_ends("fe80::1", "fe80::2");
	uint8_t frame[WIRE_ADVERT_LEN];
	struct wire_read r;
	struct ip_addr all;
	uint8_t mac[LINK_MAC_LEN];
	char text[IP_ADDR_TEXT_LEN];

	wire_advertise(&ends, frame);
	assert_hex(frame, 54,
		"02000000000202000000000186dd"
		"6000000000203aff"
		"fe800000000000000000000000000001"
		"fe800000000000000000000000000002");
	assert_hex(frame + 58, 28,
		"60000000"
		"fe800000000000000000000000000001"
		"0201020000000001");
	assert_true(checksum_ok(
		checksum_add(checksum_pseudo6(frame + 22, frame + 38, 58, 32), frame + 54, 32)));
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ADVERT);
	assert_true(ip_addr_equal(&r.target, &ends.src));
	wire_solicit(&ends, frame);
	assert_hex(frame, 54,
		"3333ff00000202000000000186dd"
		"6000000000203aff"
		"fe800000000000000000000000000001"
		"ff0200000000000000000001ff000002");
	assert_hex(frame + 58, 28,
		"00000000"
		"fe800000000000000000000000000002"
		"0101020000000001");
	assert_true(checksum_ok(
		checksum_add(checksum_pseudo6(frame + 22, frame + 38, 58, 32), frame + 54, 32)));
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_SOLICIT);
	assert_true(ip_addr_equal(&r.target, &ends.dst));
	all = ip_addr_link_local(ends.src_mac);
	assert_string_equal(ip_addr_text(&all, text), "fe80::ff:fe00:1");
	wire_all_nodes(&all, mac);
	assert_string_equal(ip_addr_text(&all, text), "ff02::1");
	assert_hex(mac, sizeof(mac), "333300000001");
}

/* 192.168.1.1 reports that port 8172 of 192.168.1.2 is unreachable, truncated anywhere. */
static void test_error(void **state)
{
	static const uint8_t packet[] = { 0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 192, 168, 1, 1,
		192, 168, 1, 9,								   /* */
		3, 3, 0, 0, 0, 0, 0, 0,							   /* */
		0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 1, 9, 192, 168, 1, 2, /* */
		0x1f, 0xec, 0x1f, 0xed, 0, 80, 0, 0 };
	char text[IP_ADDR_TEXT_LEN];
	struct wire_read r;

	assert_int_equal(wire_read_packet(packet, sizeof(packet), &mark, &r), WIRE_ERROR);
	assert_string_equal(ip_addr_text(&r.icmp.from, text), "192.168.1.1");
	assert_string_equal(ip_addr_text(&r.target, text), "192.168.1.2");
	assert_int_equal(r.icmp.type, 3);
	assert_int_equal(r.icmp.code, 3);
	assert_int_equal(r.proto, 17);
	assert_int_equal(r.source_port, 8172);
	assert_int_equal(r.destination_port, 8173);
	for (size_t len = 0; len < 48; len++)
		assert_int_equal(wire_read_packet(packet, len, &mark, &r), WIRE_OTHER);
	assert_int_equal(wire_read_packet(packet, 50, &mark, &r), WIRE_ERROR);
	assert_int_equal(r.destination_port, 0);
}

static void test_udp(void **state)
{
	static const uint8_t packet[] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 1, 21,
		10, 0, 1, 11, 0x06, 0xa6, 0x06, 0xa5, 0, 12, 0, 0, 0, 3, 0, 0 };
	struct wire_read r;

	assert_int_equal(wire_read_packet(packet, sizeof(packet), &mark, &r), WIRE_OTHER);
	assert_int_equal(r.proto, 17);
	assert_int_equal(r.source_port, 1702);
	assert_int_equal(r.destination_port, 1701);
	assert_int_equal(r.payload_len, 4);
	assert_int_equal(load_be32(r.payload), 0x00030000);
}

/* A SYN, and the answers of a closed and of an open port; those of others are not ours. */
static void test_syn(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.11", "10.0.2.22");
	uint8_t frame[54];
	uint8_t longest[WIRE_SYN_MAX];
	uint8_t *tcp = frame + 34;
	struct wire_read r;

	assert_int_equal(wire_syn_frame(&ends, &mark, 0xffff, 443, longest), sizeof(frame));
	memcpy(frame, longest, sizeof(frame));
	assert_hex(frame, sizeof(frame),
		"0200000000020200000000010800"
		"4500002800004000400622b00a00020b0a000216"
		"f23401bb0102ffff00000000500204009ed00000");
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ECHO_REQUEST);
	assert_int_equal(r.seq, 0xffff);
	for (size_t len = 14; len < sizeof(frame); len++)
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
	/* the answer acknowledges the number after it */
	store_be32(tcp + 8, load_be32(tcp + 4) + 1);
	store_be16(tcp, 443);
	store_be16(tcp + 2, 0xf234);
	for (unsigned flags = 0x12; flags <= 0x14; flags += 2) { /* SYN or RST, and ACK */
		tcp[13] = (uint8_t)flags;
		assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ECHO_REPLY);
		assert_int_equal(r.seq, 0xffff);
		assert_int_equal(r.source_port, 443);
	}
	tcp[2] ^= 1;
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_OTHER);
	tcp[2] ^= 1;
	tcp[8] ^= 1;
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_OTHER);
}

/* A datagram of ours, and one of another check. */
static void test_udp_probe(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.11", "10.0.2.22");
	uint8_t longest[WIRE_UDP_MAX];
	uint8_t frame[52];
	struct wire_read r;

	assert_int_equal(wire_udp_frame(&ends, &mark, 0xfffe, 53, longest), sizeof(frame));
	memcpy(frame, longest, sizeof(frame));
	assert_int_equal(frame[23], 17);
	assert_int_equal(load_be16(frame + 34), 0xf234);
	assert_int_equal(load_be16(frame + 36), 53);
	assert_int_equal(load_be16(frame + 38), sizeof(frame) - 34);
	assert_true(checksum_ok(
		checksum_add(checksum_pseudo4(frame + 26, frame + 30, 17, 18), frame + 34, 18)));
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_ECHO_REQUEST);
	assert_int_equal(r.seq, 0xfffe);
	for (size_t len = 14; len < sizeof(frame); len++)
		assert_int_equal(wire_read_frame(frame, len, &mark, &r), WIRE_OTHER);
	frame[42] ^= 1;
	assert_int_equal(wire_read_frame(frame, sizeof(frame), &mark, &r), WIRE_OTHER);
}

/* The error of a host about a datagram of ours; one about another port, or of a filter, is none. */
static void test_udp_error(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.12", "10.0.2.22");
	uint8_t udp[WIRE_UDP_MAX];
	uint8_t packet[28 + 38] = { 0x45, 0, 0, 66, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 2, 22, 10, 0, 2,
		12, 3, 3 };
	struct wire_read r;

	assert_int_equal(wire_udp_frame(&ends, &mark, 1, 53, udp), 14 + 38);
	memcpy(packet + 28, udp + 14, 38);
	assert_int_equal(wire_read_packet(packet, sizeof(packet), &mark, &r), WIRE_ERROR);
	assert_true(wire_is_udp_error(&r, &mark));
	assert_true(ip_addr_equal(&r.dst, &ends.src) && ip_addr_equal(&r.target, &ends.dst));
	packet[21] = 13;
	assert_int_equal(wire_read_packet(packet, sizeof(packet), &mark, &r), WIRE_ERROR);
	assert_false(wire_is_udp_error(&r, &mark));
	packet[21] = 3;
	packet[28 + 21] ^= 1;
	assert_int_equal(wire_read_packet(packet, sizeof(packet), &mark, &r), WIRE_ERROR);
	assert_false(wire_is_udp_error(&r, &mark));
}

/* SYNs and datagrams over IPv6: right checksums, and read back as ours. */
static void test_transports6(void **state)
{
	struct wire_ends ends = make_ends("fd00::12", "fd00::22");
	uint8_t syn[WIRE_SYN_MAX];
	uint8_t udp[WIRE_UDP_MAX];
	struct wire_read r;

	assert_int_equal(wire_syn_frame(&ends, &mark, 0xfffd, 443, syn), sizeof(syn));
	assert_hex(syn, 22, "02000000000202000000000186dd6000000000140640");
	assert_true(checksum_ok(
		checksum_add(checksum_pseudo6(syn + 22, syn + 38, 6, 20), syn + 54, 20)));
	assert_int_equal(wire_read_frame(syn, sizeof(syn), &mark, &r), WIRE_ECHO_REQUEST);
	assert_int_equal(r.seq, 0xfffd);
	assert_true(ip_addr_equal(&r.dst, &ends.dst));
	for (size_t len = 14; len < sizeof(syn); len++)
		assert_int_equal(wire_read_frame(syn, len, &mark, &r), WIRE_OTHER);
	assert_int_equal(wire_udp_frame(&ends, &mark, 0xfffc, 53, udp), sizeof(udp));
	assert_hex(udp, 22, "02000000000202000000000186dd6000000000121140");
	assert_true(checksum_ok(
		checksum_add(checksum_pseudo6(udp + 22, udp + 38, 17, 18), udp + 54, 18)));
	assert_int_equal(wire_read_frame(udp, sizeof(udp), &mark, &r), WIRE_ECHO_REQUEST);
	assert_int_equal(r.seq, 0xfffc);
	assert_int_equal(r.destination_port, 53);
}

/* The mark of voice, the tag of a VLAN and two fragments leave checksums right. */
static void test_special(void **state)
{
	struct wire_ends ends = make_ends("10.0.2.12", "10.0.2.22");
	uint8_t frame[102];
	uint8_t later[102];
	struct wire_read r;

	assert_int_equal(wire_echo_frame(&ends, &mark, 77, 84, frame), 98);
	wire_expedite(frame);
	assert_int_equal(frame[15], 46 << 2);
	assert_true(checksum_ok(checksum_add(0, frame + 14, 20)));
	assert_int_equal(wire_add_tag(frame, 98, 4013), 102);
	assert_hex(frame + 12, 8, "81000fad080045b8");
	assert_int_equal(wire_read_frame(frame, 102, &mark, &r), WIRE_ECHO_REQUEST);
	assert_int_equal(r.seq, 77);

	assert_int_equal(wire_echo_frame(&ends, &mark, 77, 84, frame), 98);
	assert_int_equal(wire_cut(frame, 98, 77, later), 66);
	assert_hex(frame + 14, 8, "45000034004d2000");
	assert_hex(later + 14, 8, "45000034004d0004");
	assert_true(checksum_ok(checksum_add(0, frame + 14, 20)));
	assert_true(checksum_ok(checksum_add(0, later + 14, 20)));
	assert_true(checksum_ok(checksum_add(checksum_add(0, frame + 34, 32), later + 34, 32)));
	assert_int_equal(wire_read_frame(frame, WIRE_PIECE_LEN, &mark, &r), WIRE_ECHO_REQUEST);
	assert_true(r.fragment && r.seq == 77);
	assert_int_equal(wire_read_frame(later, 66, &mark, &r), WIRE_LATER_PIECE);
	assert_int_equal(r.seq, 77);
	for (size_t len = 14; len < 42; len++)
		assert_int_equal(wire_read_frame(later, len, &mark, &r), WIRE_OTHER);
	later[34] ^= 1;
	assert_int_equal(wire_read_frame(later, 66, &mark, &r), WIRE_OTHER);

	ends = make_ends("fd00::12", "fd00::22");
	assert_int_equal(wire_echo_frame(&ends, &mark, 77, 84, frame), 98);
	wire_expedite(frame);
	assert_hex(frame + 14, 4, "6b800000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_loop_probe),
		cmocka_unit_test(test_arp_probe),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_syn),
		cmocka_unit_test(test_udp_probe),
		cmocka_unit_test(test_udp_error),
		cmocka_unit_test(test_transports6),
		cmocka_unit_test(test_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
