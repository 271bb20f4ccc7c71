/* SPDX-License-Identifier: MIT */
/* Tests of classification: the stock kernel's bytes and what can be wrong with them, sequence
 * numbers, hints at mismatched ends, and every truncation and bit flip. */
#include "l2tp/receive.h"

#include "base/bytes.h"
#include "l2tp/header.h"
#include "pkt/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define IP	 0 /* offsets in an IPv4 packet with UDP encapsulation and no cookie */
#define UDP	 20
#define L2TP	 28
#define ID	 32
#define SUBLAYER 36
#define FRAME	 40

/* A table with two tunnels (UDP and IP encapsulation, same addresses) and a session in each. */
struct fixture {
	struct l2tp_table table;
	struct l2tp_tunnel udp;
	struct l2tp_tunnel ip;
	struct l2tp_session plain; /* in udp, id 3942 */
	struct l2tp_session raw;   /* in ip, id 7 */
};

static void add_session(
	struct fixture *f, struct l2tp_session *s, struct l2tp_tunnel *t, uint32_t id)
{
	*s = (struct l2tp_session){ .tunnel = t, .id = id, .peer_id = 3941, .frame_max = 1404 };
	assert_int_equal(l2tp_session_init(s), 0);
	assert_int_equal(l2tp_table_add_session(&f->table, s), 0);
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	l2tp_table_init(&f->table);
	f->udp.local_port = 1701;
	f->udp.remote_port = 1701;
	assert_int_equal(ip_addr_parse("10.0.1.21", &f->udp.local), 0);
	assert_int_equal(ip_addr_parse("10.0.1.11", &f->udp.remote), 0);
	f->ip = f->udp;
	f->ip.encap = L2TP_ENCAP_IP;
	assert_int_equal(l2tp_table_add_tunnel(&f->table, &f->udp), 0);
	assert_int_equal(l2tp_table_add_tunnel(&f->table, &f->ip), 0);
	add_session(f, &f->plain, &f->udp, 3942);
	add_session(f, &f->raw, &f->ip, 7);
}

/* A stock kernel's packet to session 3942: headers as captured, then an ICMP echo in a frame. */
static const uint8_t golden[138] = {
	0x45,
	0x00,
	0x00,
	0x8a,
	0x09,
	0x8d,
	0x00,
	0x00,
	0x40,
	0x11,
	0x5a,
	0xb7, /* IPv4 */
	0x0a,
	0x00,
	0x01,
	0x0b,
	0x0a,
	0x00,
	0x01,
	0x15, /* addresses */
	0x06,
	0xa5,
	0x06,
	0xa5,
	0x00,
	0x76,
	0x00,
	0x00, /* UDP */
	0x00,
	0x03,
	0x00,
	0x00,
	0x00,
	0x00,
	0x0f,
	0x66,
	0x00,
	0x00,
	0x00,
	0x00, /* L2TPv3 */
	0x52,
	0x54,
	0x00,
	0x00,
	0x00,
	0x22,
	0x52,
	0x54,
	0x00,
	0x00,
	0x00,
	0x12, /* frame */
	0x08,
	0x00,
	0x45,
	0x00,
	0x00,
	0x54,
};

static void fix_ip_checksum(uint8_t *p)
{
	store_be16(p + 10, 0);
	checksum_store(p + 10, checksum_add(0, p, (size_t)(p[0] & 15) * 4));
}

/* Set the IPv4 and UDP lengths to those of a packet of `len` bytes. */
static void fix_lengths(uint8_t *p, size_t len)
{
	store_be16(p + 2, (uint16_t)len);
	store_be16(p + UDP + 4, (uint16_t)(len - UDP));
	fix_ip_checksum(p);
}

static void fix_udp_checksum(uint8_t *p, size_t len)
{
	uint32_t sum = checksum_pseudo4(p + 12, p + 16, 17, (uint32_t)(len - UDP));

	store_be16(p + UDP + 6, 0);
	checksum_store_udp(p + UDP + 6, checksum_add(sum, p + UDP, len - UDP));
}

/* One change of the golden packet: `n` bytes of `with` at `at`, cut or grown to `len`. */
struct change_case {
	const char *name;
	size_t len;
	size_t at;
	size_t n;
	uint8_t with[8];
	enum l2tp_verdict verdict;
	enum drop drop;
};

/* Lengths and IPv4 checksum are made good after the change, except where the case is about them. */
static const struct change_case change_cases[] = {
	{ "as it is", 138, 0, 0, { 0 }, L2TP_FRAME, DROP_NONE },
	{ "shortest frame", FRAME + 14, 0, 0, { 0 }, L2TP_FRAME, DROP_NONE },
	{ "runt", FRAME + 13, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_RUNT },
	{ "empty frame", FRAME, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_RUNT },
	{ "half a sublayer", SUBLAYER + 2, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_SHORT },
	{ "no session id", ID + 3, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_SHORT },
	{ "no flags", L2TP + 3, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_SHORT },
	{ "empty datagram", L2TP, 0, 0, { 0 }, L2TP_DROP, DROP_L2TP_SHORT },
	{ "no UDP header", UDP + 7, 0, 0, { 0 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "T bit", 138, L2TP, 1, { 0x80 }, L2TP_DROP, DROP_L2TP_CONTROL },
	{ "control as sent", 138, L2TP, 2, { 0xc8, 0x03 }, L2TP_DROP, DROP_L2TP_CONTROL },
	{ "version 2", 138, L2TP + 1, 1, { 0x02 }, L2TP_DROP, DROP_L2TP_VERSION },
	{ "version 0", 138, L2TP + 1, 1, { 0x00 }, L2TP_DROP, DROP_L2TP_VERSION },
	{ "other bits", 138, L2TP, 4, { 0x7f, 0xf3, 0xff, 0xff }, L2TP_FRAME, DROP_NONE },
	{ "id 0", 138, ID, 4, { 0 }, L2TP_DROP, DROP_L2TP_CONTROL },
	{ "unknown id", 138, ID, 4, { 0xca, 0xfe, 0, 1 }, L2TP_DROP, DROP_L2TP_SESSION },
	{ "other tunnel's id", 138, ID, 4, { 0, 0, 0, 7 }, L2TP_DROP, DROP_L2TP_SESSION },
	{ "sequence unasked for", 138, SUBLAYER, 4, { 0x40, 0, 0, 9 }, L2TP_FRAME, DROP_NONE },
	{ "source address", 138, 15, 1, { 12 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "destination address", 138, 19, 1, { 22 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "source port", 138, UDP, 2, { 0x06, 0xa6 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "destination port", 138, UDP + 2, 2, { 0x06, 0xa6 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "TCP", 138, 9, 1, { 6 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "ICMP fragment", 138, 6, 4, { 0x20, 0, 64, 1 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "first fragment", 138, 6, 2, { 0x20, 0 }, L2TP_FRAGMENT, DROP_NONE },
	{ "later fragment", 138, 6, 2, { 0x20, 9 }, L2TP_FRAGMENT, DROP_NONE },
	{ "last fragment", 138, 6, 2, { 0x00, 9 }, L2TP_FRAGMENT, DROP_NONE },
	{ "DF", 138, 6, 2, { 0x40, 0 }, L2TP_FRAME, DROP_NONE },
	{ "TOS and TTL", 138, 8, 1, { 1 }, L2TP_FRAME, DROP_NONE },
	{ "IP version 5", 138, 0, 1, { 0x55 }, L2TP_NOT_L2TP, DROP_NONE },
	{ "header of 16 bytes", 138, 0, 1, { 0x44 }, L2TP_NOT_L2TP, DROP_NONE },
};

static void test_changes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(change_cases); i++) {
		const struct change_case *c = &change_cases[i];
		struct l2tp_received got;
		struct fixture f;
		uint8_t p[sizeof(golden)];

		print_message("%s\n", c->name);
		setup(&f);
		memcpy(p, golden, sizeof(p));
		fix_lengths(p, c->len);
		memcpy(p + c->at, c->with, c->n);
		fix_ip_checksum(p);
		assert_int_equal(l2tp_classify(&f.table, p, c->len, &got), c->verdict);
		assert_int_equal(got.drop, c->drop);
		assert_false(got.foreign);
		if (c->verdict == L2TP_FRAME) {
			assert_ptr_equal(got.session, &f.plain);
			assert_int_equal(got.offset, FRAME);
			assert_int_equal(got.len, c->len - FRAME);
		}
	}
}

static void test_lengths_and_checksums(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[sizeof(golden) + 20];

	setup(&f);
	memcpy(p, golden, sizeof(golden));
	assert_int_equal(l2tp_classify(&f.table, p, 137, &got), L2TP_NOT_L2TP); /* cut off */
	p[10] ^= 1; /* the IPv4 checksum */
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_INNER_MALFORMED);

	memcpy(p, golden, sizeof(golden));
	store_be16(p + UDP + 4, 138 - 20 + 1); /* UDP length beyond the packet */
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_SHORT);
	store_be16(p + UDP + 4, 7);
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_SHORT);
	store_be16(p + UDP + 4, 100); /* shorter than the packet: the rest is not the frame's */
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_FRAME);
	assert_int_equal(got.len, 100 - 20);

	memcpy(p, golden, sizeof(golden));
	fix_udp_checksum(p, 138);
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_FRAME);
	p[137] ^= 1;
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_CHECKSUM);
	assert_int_equal(f.udp.bad_checksums, 1);

	memcpy(p + 24, golden + 20, sizeof(golden) - 20); /* IPv4 options: four no-operations */
	memcpy(p, golden, 20);
	memset(p + 20, 1, 4);
	p[0] = 0x46;
	store_be16(p + 2, 142);
	fix_ip_checksum(p);
	assert_int_equal(l2tp_classify(&f.table, p, 142, &got), L2TP_FRAME);
	assert_int_equal(got.offset, FRAME + 4);
	assert_int_equal(got.len, 98);
}

static void test_frame_max(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[2000] = { 0 };

	setup(&f);
	memcpy(p, golden, sizeof(golden));
	fix_lengths(p, FRAME + 1404);
	assert_int_equal(l2tp_classify(&f.table, p, FRAME + 1404, &got), L2TP_FRAME);
	fix_lengths(p, FRAME + 1405);
	assert_int_equal(l2tp_classify(&f.table, p, FRAME + 1405, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_OVERSIZE);
	assert_int_equal(f.plain.rx.bad_length, 1);
}

/* The first fragment of a packet is classified as foreign if no tunnel has its ports; one with the
 * protocol of an IP tunnel is not. */
static void test_foreign_fragment(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[sizeof(golden)];

	setup(&f);
	memcpy(p, golden, sizeof(p));
	store_be16(p + 6, 0x2000);
	store_be16(p + UDP, 53);
	fix_ip_checksum(p);
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_FRAGMENT);
	assert_true(got.foreign);
	p[9] = 115;
	fix_ip_checksum(p);
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_FRAGMENT);
	assert_false(got.foreign);
	l2tp_table_remove_session(&f.table, &f.raw);
	l2tp_table_remove_tunnel(&f.table, &f.ip);
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_FRAGMENT);
	assert_true(got.foreign);
	p[10] ^= 1;
	assert_int_equal(l2tp_classify(&f.table, p, 138, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_INNER_MALFORMED);
}

static void test_cookie(void **state)
{
	for (uint8_t n = 4; n <= 8; n += 4) {
		struct l2tp_received got;
		struct fixture f;
		uint8_t p[sizeof(golden) + 8];
		size_t len = sizeof(golden) + n;

		setup(&f);
		memcpy(f.plain.peer_cookie, "\1\2\3\4\5\6\7\10", 8);
		f.plain.peer_cookie_len = n;
		memcpy(p, golden, SUBLAYER);
		memcpy(p + SUBLAYER, f.plain.peer_cookie, n);
		memcpy(p + SUBLAYER + n, golden + SUBLAYER, sizeof(golden) - SUBLAYER);
		fix_lengths(p, len);
		assert_int_equal(l2tp_classify(&f.table, p, len, &got), L2TP_FRAME);
		assert_int_equal(got.offset, FRAME + n);
		for (size_t bit = 0; bit < n * 8U; bit++) {
			p[SUBLAYER + bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(l2tp_classify(&f.table, p, len, &got), L2TP_DROP);
			assert_int_equal(got.drop, DROP_L2TP_COOKIE);
			assert_ptr_equal(got.session, &f.plain);
			p[SUBLAYER + bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(f.plain.rx.wrong_cookie, n * 8);
		fix_lengths(p, SUBLAYER + n - 1U);
		assert_int_equal(l2tp_classify(&f.table, p, SUBLAYER + n - 1U, &got), L2TP_DROP);
		assert_int_equal(got.drop, DROP_L2TP_SHORT);
	}
}

static void test_encap_ip(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[sizeof(golden)];
	size_t len = sizeof(golden) - 12;

	setup(&f);
	memcpy(p, golden, 20);
	p[9] = 115;
	store_be16(p + 2, (uint16_t)len);
	fix_ip_checksum(p);
	store_be32(p + 20, 7);
	memcpy(p + 24, golden + SUBLAYER, len - 24);
	assert_int_equal(l2tp_classify(&f.table, p, len, &got), L2TP_FRAME);
	assert_ptr_equal(got.session, &f.raw);
	assert_int_equal(got.offset, 28);
	store_be32(p + 20, 0);
	assert_int_equal(l2tp_classify(&f.table, p, len, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_CONTROL);
	assert_int_equal(f.ip.control_messages, 1);
	store_be32(p + 20, 3942); /* the UDP tunnel's */
	assert_int_equal(l2tp_classify(&f.table, p, len, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_SESSION);
	assert_int_equal(f.ip.unknown_sessions, 1);
	assert_int_equal(f.ip.last_unknown_session, 3942);
}

/* Sequence numbers in the order of arrival; upper case in `passes` marks what is delivered. */
struct sequence_case {
	const char *name;
	size_t n;
	uint32_t ns[16];
	const char *passes; /* 'y' or 'n' for each */
	uint64_t lost;
};

#define NO_NUMBER 0x01000000U

static const struct sequence_case sequence_cases[] = {
	{ "in order", 4, { 0, 1, 2, 3 }, "yyyy", 0 },
	{ "joined late", 3, { 1000, 1001, 1002 }, "yyy", 0 },
	{ "wraps", 4, { 0xfffffe, 0xffffff, 0, 1 }, "yyyy", 0 },
	{ "gap", 4, { 0, 1, 5, 6 }, "yyyy", 3 },
	{ "gap over the wrap", 3, { 0xfffffd, 2, 3 }, "yyy", 4 },
	{ "duplicate", 4, { 0, 1, 1, 2 }, "yyny", 0 },
	{ "swapped", 4, { 0, 2, 1, 3 }, "yyny", 1 },
	{ "missing", 3, { 0, NO_NUMBER, 1 }, "yny", 0 },
	{ "restarted", 9, { 500, 501, 0, 1, 2, 3, 4, 5, 6 }, "yynnnnyyy", 0 },
	{ "late ones that are no restart", 8, { 500, 1, 2, 3, 501, 4, 5, 502 }, "ynnnynny", 0 },
	{ "late ones with gaps", 8, { 500, 1, 3, 5, 7, 9, 11, 501 }, "ynnnnnny", 0 },
	{ "half the circle ahead", 2, { 0, 0x800000 }, "yy", 0x7fffff },
	{ "half the circle behind", 2, { 0, 0x800001 }, "yn", 0 },
};

static void test_sequence(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(sequence_cases); i++) {
		const struct sequence_case *c = &sequence_cases[i];
		struct l2tp_received got;
		struct fixture f;
		uint8_t p[sizeof(golden)];
		uint64_t bad = 0;

		print_message("%s\n", c->name);
		setup(&f);
		f.plain.expect_sequence = true;
		memcpy(p, golden, sizeof(p));
		for (size_t j = 0; j < c->n; j++) {
			bool pass = c->passes[j] == 'y';
			uint32_t word = c->ns[j] == NO_NUMBER ? 0 : 0x40000000 | c->ns[j];

			store_be32(p + SUBLAYER, word);
			assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got),
				pass ? L2TP_FRAME : L2TP_DROP);
			assert_int_equal(got.drop, pass ? DROP_NONE : DROP_L2TP_SEQUENCE);
			bad += !pass;
		}
		assert_int_equal(f.plain.rx.bad_sequence, bad);
		assert_int_equal(f.plain.rx.with_sequence + f.plain.rx.without_sequence, c->n);
		assert_int_equal(f.plain.rx.lost, c->lost);
	}
}

/* A packet that is dropped for another reason leaves the sequence state alone. */
static void test_sequence_untouched_by_drops(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[sizeof(golden)];

	setup(&f);
	f.plain.expect_sequence = true;
	f.plain.peer_cookie_len = 4;
	memcpy(p, golden, sizeof(p));
	store_be32(p + SUBLAYER, 0x12345678); /* a wrong cookie */
	store_be32(p + SUBLAYER + 4, 0x40000005);
	assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_DROP);
	assert_false(f.plain.rx.synced);
	assert_int_equal(f.plain.rx.with_sequence, 0);
}

/* Frames from an end that has the other sublayer are noticed; those of a right one never are. */
static void test_sublayer_hint(void **state)
{
	static const uint8_t dst[][6] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 },
		{ 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb },
		{ 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 },
		{ 0x00, 0x1b, 0x21, 0x00, 0x00, 0x01 },
		{ 0x40, 0xa6, 0xb7, 0x00, 0x00, 0x01 },
	};

	for (size_t i = 0; i < ARRAY_LEN(dst); i++) {
		struct l2tp_received got;
		struct fixture f;
		uint8_t p[sizeof(golden)], none[sizeof(golden) - 4];

		setup(&f);
		memcpy(p, golden, sizeof(p));
		memcpy(p + FRAME, dst[i], 6);
		assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
		assert_int_equal(f.plain.rx.sublayer_suspected, 0);

		memcpy(none, p, SUBLAYER);
		memcpy(none + SUBLAYER, p + FRAME, sizeof(none) - SUBLAYER);
		fix_lengths(none, sizeof(none));
		assert_int_equal(l2tp_classify(&f.table, none, sizeof(none), &got), L2TP_FRAME);
		/* the last address cannot be distinguished from a sequence number */
		assert_int_equal(f.plain.rx.sublayer_suspected, i + 1 < ARRAY_LEN(dst));

		f.plain.rx.sublayer_suspected = 0;
		f.plain.sublayer = L2TP_SUBLAYER_NONE;
		assert_int_equal(l2tp_classify(&f.table, none, sizeof(none), &got), L2TP_FRAME);
		assert_int_equal(got.offset, SUBLAYER);
		assert_int_equal(f.plain.rx.sublayer_suspected, 0);
		assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
		assert_int_equal(f.plain.rx.sublayer_suspected, 1);
		store_be32(p + SUBLAYER, 0x40000123);
		assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
		assert_int_equal(f.plain.rx.sublayer_suspected, 2);
	}
}

static void test_sequence_hint(void **state)
{
	struct l2tp_received got;
	struct fixture f;
	uint8_t p[sizeof(golden)];

	setup(&f);
	memcpy(p, golden, sizeof(p));
	assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
	store_be32(p + SUBLAYER, 0x40000000);
	assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
	assert_int_equal(l2tp_classify(&f.table, p, sizeof(p), &got), L2TP_FRAME);
	assert_int_equal(f.plain.rx.without_sequence, 1);
	assert_int_equal(f.plain.rx.with_sequence, 2);
}

static void test_ipv6(void **state)
{
	struct l2tp_tunnel here = { .local_port = 1, .remote_port = 2 }, there;
	struct l2tp_session s = { .id = 5, .peer_id = 6, .frame_max = 1500 }, peer = s;
	struct l2tp_received got;
	struct l2tp_table table;
	uint8_t p[200] = { 0 };

	assert_int_equal(ip_addr_parse("fd00::1", &here.local), 0);
	assert_int_equal(ip_addr_parse("fd00::2", &here.remote), 0);
	there = here;
	there.local = here.remote;
	there.remote = here.local;
	there.local_port = 2;
	there.remote_port = 1;
	s.tunnel = &here;
	peer.tunnel = &there;
	peer.peer_id = 5;
	assert_int_equal(l2tp_session_init(&s), 0);
	assert_int_equal(l2tp_session_init(&peer), 0);
	l2tp_table_init(&table);
	assert_int_equal(l2tp_table_add_tunnel(&table, &here), 0);
	assert_int_equal(l2tp_table_add_session(&table, &s), 0);

	l2tp_push(&peer, p, 100, false);
	assert_int_equal(l2tp_classify(&table, p, 160, &got), L2TP_FRAME);
	assert_int_equal(got.offset, 60);
	p[159] ^= 1;
	assert_int_equal(l2tp_classify(&table, p, 160, &got), L2TP_DROP);
	assert_int_equal(got.drop, DROP_L2TP_CHECKSUM);
	store_be16(p + 46, 0); /* no checksum over IPv6: accepted too */
	assert_int_equal(l2tp_classify(&table, p, 160, &got), L2TP_FRAME);

	memmove(p + 48, p + 40, 120); /* an atomic fragment (RFC 6946) is a whole packet */
	memcpy(p + 40, "\x11\0\0\0\0\0\0\1", 8);
	p[6] = 44;
	store_be16(p + 4, 128);
	assert_int_equal(l2tp_classify(&table, p, 168, &got), L2TP_FRAME);
	assert_int_equal(got.offset, 68);
	store_be16(p + 42, 0x0001);
	assert_int_equal(l2tp_classify(&table, p, 168, &got), L2TP_FRAGMENT);
	store_be16(p + 42, 0x0008);
	assert_int_equal(l2tp_classify(&table, p, 168, &got), L2TP_FRAGMENT);
	p[6] = 60; /* destination options: not ours */
	assert_int_equal(l2tp_classify(&table, p, 168, &got), L2TP_NOT_L2TP);
}

/* Nothing is read beyond the end, whatever is cut off (the sanitiser watches heap blocks of the
 * exact size), and a frame, if there is one, lies within the packet. */
static void test_truncated_and_flipped(void **state)
{
	struct fixture f;

	setup(&f);
	f.plain.expect_sequence = true;
	for (size_t len = 0; len <= sizeof(golden); len++) {
		for (size_t bit = 0; bit <= len * 8; bit++) {
			uint8_t *p = malloc(len ? len : 1);
			struct l2tp_received got;

			memcpy(p, golden, len);
			if (len > SUBLAYER + 4)
				fix_lengths(p, len);
			if (bit < len * 8)
				p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bit % 3 == 0 && len >= 60)
				fix_ip_checksum(p);
			if (l2tp_classify(&f.table, p, len, &got) == L2TP_FRAME) {
				assert_in_range(got.offset, FRAME, len);
				assert_in_range(got.len, 14, len - got.offset);
			}
			free(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_lengths_and_checksums),
		cmocka_unit_test(test_frame_max),
		cmocka_unit_test(test_foreign_fragment),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_encap_ip),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_sequence_untouched_by_drops),
		cmocka_unit_test(test_sublayer_hint),
		cmocka_unit_test(test_sequence_hint),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_truncated_and_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
