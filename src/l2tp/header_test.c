/* SPDX-License-Identifier: MIT */
/* Tests of push: the stock kernel's bytes, every combination of headers, checksums and counters. */
#include "l2tp/header.h"

#include "base/bytes.h"
#include "l2tp/receive.h"
#include "pkt/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <errno.h>

#include <cmocka.h>

/* The tunnel and the session of the reference network, as vpn01 sees them. */
static struct l2tp_tunnel tunnel_v4(void)
{
	struct l2tp_tunnel t = { .encap = L2TP_ENCAP_UDP, .local_port = 1701, .remote_port = 1701 };

	assert_int_equal(ip_addr_parse("10.0.1.11", &t.local), 0);
	assert_int_equal(ip_addr_parse("10.0.1.21", &t.remote), 0);
	return t;
}

static struct l2tp_tunnel tunnel_v6(void)
{
	struct l2tp_tunnel t = { .encap = L2TP_ENCAP_UDP, .local_port = 1701, .remote_port = 1702 };

	assert_int_equal(ip_addr_parse("fd00::11", &t.local), 0);
	assert_int_equal(ip_addr_parse("fd00::21", &t.remote), 0);
	return t;
}

static struct l2tp_session session_of(struct l2tp_tunnel *t)
{
	return (struct l2tp_session){
		.tunnel = t,
		.id = 3941,
		.peer_id = 3942,
		.cookie = { 1, 2, 3, 4, 5, 6, 7, 8 },
		.frame_max = 2000,
	};
}

static void fill_frame(uint8_t *frame, size_t len)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* An ICMP echo of the segment, as a 6.1 kernel with l2tp_eth sends it; the IPv4 checksum follows
 * from the rest. */
static void test_stock_kernel(void **state)
{
	static const uint8_t golden[40] = {
		0x45, 0x00, 0x00, 0x8a, 0x09, 0x8d, 0x00, 0x00, 0x40, 0x11, 0x5a, 0xb7, /* IPv4 */
		0x0a, 0x00, 0x01, 0x0b, 0x0a, 0x00, 0x01, 0x15, /* addresses */
		0x06, 0xa5, 0x06, 0xa5, 0x00, 0x76, 0x00, 0x00, /* UDP */
		0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x66, 0x00, 0x00, 0x00, 0x00, /* L2TPv3 */
	};
	struct l2tp_tunnel t = tunnel_v4();
	struct l2tp_session s = session_of(&t);
	uint8_t packet[40 + 98];

	assert_int_equal(l2tp_session_init(&s), 0);
	assert_int_equal(l2tp_overhead(&s), sizeof(golden));
	s.tx.ip_id = 0x098d;
	fill_frame(packet + 40, 98);
	l2tp_push(&s, packet, 98, false);
	assert_memory_equal(packet, golden, sizeof(golden));
	assert_int_equal(s.tx.ip_id, 0x098e);
}

struct push_case {
	const char *name;
	bool v6;
	enum l2tp_encap encap;
	uint8_t cookie_len;
	enum l2tp_sublayer sublayer;
	bool sequence;
	size_t overhead;
	const char *tail; /* hex of what follows the UDP header, or the IP header without UDP */
};

static const struct push_case push_cases[] = {
	{ "udp4", false, L2TP_ENCAP_UDP, 0, L2TP_SUBLAYER_DEFAULT, false, 40,
		"00030000"
		"00000f66"
		"00000000" },
	{ "udp4 cookie 4", false, L2TP_ENCAP_UDP, 4, L2TP_SUBLAYER_DEFAULT, false, 44,
		"00030000"
		"00000f66"
		"01020304"
		"00000000" },
	{ "udp4 cookie 8", false, L2TP_ENCAP_UDP, 8, L2TP_SUBLAYER_DEFAULT, false, 48,
		"00030000"
		"00000f66"
		"0102030405060708"
		"00000000" },
	{ "udp4 sublayer none", false, L2TP_ENCAP_UDP, 0, L2TP_SUBLAYER_NONE, false, 36,
		"00030000"
		"00000f66" },
	{ "udp4 sequence", false, L2TP_ENCAP_UDP, 0, L2TP_SUBLAYER_DEFAULT, true, 40,
		"00030000"
		"00000f66"
		"40fffffe" },
	{ "ip4", false, L2TP_ENCAP_IP, 0, L2TP_SUBLAYER_DEFAULT, false, 28,
		"00000f66"
		"00000000" },
	{ "ip4 cookie 8 none", false, L2TP_ENCAP_IP, 8, L2TP_SUBLAYER_NONE, false, 32,
		"00000f66"
		"0102030405060708" },
	{ "udp6", true, L2TP_ENCAP_UDP, 0, L2TP_SUBLAYER_DEFAULT, false, 60,
		"00030000"
		"00000f66"
		"00000000" },
	{ "udp6 everything", true, L2TP_ENCAP_UDP, 8, L2TP_SUBLAYER_DEFAULT, true,
		L2TP_OVERHEAD_MAX,
		"00030000"
		"00000f66"
		"0102030405060708"
		"40fffffe" },
	{ "ip6", true, L2TP_ENCAP_IP, 4, L2TP_SUBLAYER_DEFAULT, false, 52,
		"00000f66"
		"01020304"
		"00000000" },
};

static struct l2tp_session session_of_case(const struct push_case *c, struct l2tp_tunnel *t)
{
	struct l2tp_session s;

	*t = c->v6 ? tunnel_v6() : tunnel_v4();
	t->encap = c->encap;
	s = session_of(t);
	s.cookie_len = c->cookie_len;
	s.sublayer = c->sublayer;
	s.send_sequence = c->sequence;
	s.tx.ns = 0xfffffe;
	assert_int_equal(l2tp_session_init(&s), 0);
	return s;
}

/* The naive version of what follows the IP header. */
static size_t expected_tail(const struct push_case *c, uint8_t ret[32])
{
	size_t n = strlen(c->tail) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(c->tail + 2 * i, "%2x", &v), 1);
		ret[i] = (uint8_t)v;
	}
	return n;
}

static void check_ip(const struct push_case *c, const uint8_t *p, size_t len)
{
	uint8_t proto = c->encap == L2TP_ENCAP_UDP ? 17 : 115;

	if (c->v6) {
		assert_int_equal(p[0], 0x60);
		assert_int_equal(load_be16(p + 4), len - 40);
		assert_int_equal(p[6], proto);
		assert_int_equal(p[7], 64);
		return;
	}
	assert_int_equal(p[0], 0x45);
	assert_int_equal(p[1], 0);
	assert_int_equal(load_be16(p + 2), len);
	assert_int_equal(load_be16(p + 6), 0); /* DF clear, no fragment */
	assert_int_equal(p[8], 64);
	assert_int_equal(p[9], proto);
	assert_true(checksum_ok(checksum_add(0, p, 20)));
}

static void test_combinations(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(push_cases); i++) {
		const struct push_case *c = &push_cases[i];
		size_t ip_len = c->v6 ? 40 : 20, udp = c->encap == L2TP_ENCAP_UDP ? 8 : 0, n;
		struct l2tp_tunnel t;
		struct l2tp_session s = session_of_case(c, &t);
		uint8_t packet[2000], tail[32], frame[200];

		print_message("%s\n", c->name);
		assert_int_equal(l2tp_overhead(&s), c->overhead);
		fill_frame(frame, sizeof(frame));
		memset(packet, 0xee, sizeof(packet));
		memcpy(packet + c->overhead, frame, sizeof(frame));
		l2tp_push(&s, packet, sizeof(frame), false);
		check_ip(c, packet, c->overhead + sizeof(frame));
		n = expected_tail(c, tail);
		assert_int_equal(ip_len + udp + n, c->overhead);
		assert_memory_equal(packet + ip_len + udp, tail, n);
		assert_memory_equal(packet + c->overhead, frame, sizeof(frame));
		if (udp)
			assert_int_equal(load_be16(packet + ip_len + 4), 8 + n + sizeof(frame));
		assert_int_equal(s.tx.ns, c->sequence ? 0xffffff : 0xfffffe);
	}
}

/* Checksums are there when asked for, forced, or over IPv6, right for every length, never 0. */
static void test_checksum(void **state)
{
	static uint8_t packet[4096];

	for (size_t i = 0; i < 8; i++) {
		bool v6 = i & 1, on = i & 2, force = i & 4;
		struct l2tp_tunnel t = v6 ? tunnel_v6() : tunnel_v4();
		struct l2tp_session s = session_of(&t);
		size_t ip_len = v6 ? 40 : 20;

		t.udp_checksum = on;
		assert_int_equal(l2tp_session_init(&s), 0);
		for (size_t len = 14; len < 300; len++) {
			size_t udp_len = s.overhead + len - ip_len;
			uint32_t sum = v6 ? checksum_pseudo6(t.local.bytes, t.remote.bytes, 17,
						    (uint32_t)udp_len)
					  : checksum_pseudo4(t.local.bytes, t.remote.bytes, 17,
						    (uint32_t)udp_len);

			fill_frame(packet + s.overhead, len);
			l2tp_push(&s, packet, len, force);
			if (!v6 && !on && !force) {
				assert_int_equal(load_be16(packet + ip_len + 6), 0);
				continue;
			}
			assert_int_not_equal(load_be16(packet + ip_len + 6), 0);
			assert_true(checksum_ok(checksum_add(sum, packet + ip_len, udp_len)));
		}
	}
}

/* The incremental IPv4 header checksum is right for every id and at both ends of the lengths. */
static void test_header_checksum(void **state)
{
	static uint8_t packet[65535];
	static const size_t lens[] = { 14, 98, 1514, 9018, 65535 - 40 };
	struct l2tp_tunnel t = tunnel_v4();
	struct l2tp_session s = session_of(&t);

	assert_int_equal(l2tp_session_init(&s), 0);
	for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
		for (unsigned id = 0; id < 65536; id++) {
			assert_int_equal(s.tx.ip_id, id);
			l2tp_push(&s, packet, lens[l], false);
			assert_int_equal(load_be16(packet + 4), id);
			assert_true(checksum_ok(checksum_add(0, packet, 20)));
		}
	}
}

static void test_sequence_wraps(void **state)
{
	struct l2tp_tunnel t = tunnel_v4();
	struct l2tp_session s = session_of(&t);
	uint8_t packet[100];

	s.send_sequence = true;
	assert_int_equal(l2tp_session_init(&s), 0);
	l2tp_push(&s, packet, 60, false);
	assert_int_equal(load_be32(packet + 36), 0x40000000);
	l2tp_push(&s, packet, 60, false);
	assert_int_equal(load_be32(packet + 36), 0x40000001);
	s.tx.ns = 0xffffff;
	l2tp_push(&s, packet, 60, false);
	assert_int_equal(load_be32(packet + 36), 0x40ffffff);
	l2tp_push(&s, packet, 60, false);
	assert_int_equal(load_be32(packet + 36), 0x40000000);
}

/* What one end pushes, the other end takes for the same frame. */
static void test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(push_cases); i++) {
		const struct push_case *c = &push_cases[i];
		struct l2tp_tunnel ta, tb;
		struct l2tp_session a = session_of_case(c, &ta), b;
		struct l2tp_table table;
		struct l2tp_received got;
		uint8_t packet[2000], frame[1514];

		tb = ta;
		tb.local = ta.remote;
		tb.remote = ta.local;
		tb.local_port = ta.remote_port;
		tb.remote_port = ta.local_port;
		b = a;
		b.tunnel = &tb;
		b.id = a.peer_id;
		b.peer_id = a.id;
		memcpy(b.peer_cookie, a.cookie, 8);
		b.peer_cookie_len = a.cookie_len;
		b.expect_sequence = c->sequence;
		assert_int_equal(l2tp_session_init(&b), 0);
		l2tp_table_init(&table);
		assert_int_equal(l2tp_table_add_tunnel(&table, &tb), 0);
		assert_int_equal(l2tp_table_add_session(&table, &b), 0);
		fill_frame(frame, sizeof(frame));
		memcpy(packet + a.overhead, frame, sizeof(frame));
		l2tp_push(&a, packet, sizeof(frame), true);
		assert_int_equal(l2tp_classify(&table, packet, a.overhead + sizeof(frame), &got),
			L2TP_FRAME);
		assert_ptr_equal(got.session, &b);
		assert_ptr_equal(got.tunnel, &tb);
		assert_int_equal(got.offset, a.overhead);
		assert_int_equal(got.len, sizeof(frame));
		assert_memory_equal(packet + got.offset, frame, sizeof(frame));
	}
}

static void test_configuration(void **state)
{
	struct l2tp_tunnel t = tunnel_v4(), mixed = tunnel_v4(), no_port = tunnel_v4();
	struct l2tp_session good = session_of(&t), s;

	mixed.remote = tunnel_v6().remote;
	no_port.remote_port = 0;
	assert_int_equal(l2tp_session_init(&good), 0);
	s = good, s.id = 0;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.peer_id = 0;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.cookie_len = 5;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.peer_cookie_len = 12;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.sublayer = L2TP_SUBLAYER_NONE, s.send_sequence = true;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.sublayer = L2TP_SUBLAYER_NONE, s.expect_sequence = true;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.tunnel = &mixed;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	s = good, s.tunnel = &no_port;
	assert_int_equal(l2tp_session_init(&s), -EINVAL);
	no_port.encap = L2TP_ENCAP_IP;
	assert_int_equal(l2tp_session_init(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stock_kernel),
		cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_header_checksum),
		cmocka_unit_test(test_sequence_wraps),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
