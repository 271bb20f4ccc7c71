/* SPDX-License-Identifier: MIT */
/* Tests of splitting: each segment against the same packet built directly, and hostile metadata. */
#include "gso/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "pkt/testpkt.h"

static const uint8_t timestamps[12] = { 1, 1, 8, 10, 0, 1, 2, 3, 0, 4, 5, 6 };

static const struct offload plain;

struct split_case {
	const char *name;
	struct testpkt t;
	uint16_t size;
};

static const struct split_case cases[] = {
	{ "tcp4", { .ethernet = true, .payload = 10000, .ttl = 64, .df = true, .id = 7 }, 1448 },
	{ "tcp4 options, FIN PSH CWR",
		{ .ethernet = true,
			.payload = 5000,
			.flags = 0x89,
			.options = timestamps,
			.options_len = 12,
			.seq = 0xfffffe00,
			.id = 0xffff,
			.ttl = 1,
			.window = 9 },
		1334 },
	{ "tcp4 exact multiple", { .ethernet = true, .payload = 4000, .flags = 8 }, 1000 },
	{ "tcp4 one tag", { .ethernet = true, .vlan_tags = 1, .payload = 3001, .flags = 8 }, 1000 },
	{ "tcp4 QinQ", { .ethernet = true, .vlan_tags = 2, .payload = 2999, .tos = 3 }, 1000 },
	{ "tcp4 ip options", { .ethernet = true, .ip_options = 8, .payload = 2999 }, 1000 },
	{ "tcp4 odd size", { .ethernet = true, .payload = 3333 }, 777 },
	{ "tcp4 single segment", { .ethernet = true, .payload = 333, .flags = 9 }, 777 },
	{ "tcp4 no payload", { .ethernet = true, .flags = 9 }, 777 },
	{ "tcp4 tun", { .payload = 20000, .hosts = 3 }, 1400 },
	{ "tcp4 largest", { .ethernet = true, .payload = 65535 - 54 }, 1448 },
	{ "tcp4 smallest segments", { .payload = 65535 - 40 }, 32 },
	{ "tcp6", { .ethernet = true, .v6 = true, .payload = 10000, .tos = 0x22, .ttl = 64 },
		1428 },
	{ "tcp6 QinQ options",
		{ .ethernet = true,
			.v6 = true,
			.vlan_tags = 2,
			.payload = 10000,
			.flags = 1,
			.options = timestamps,
			.options_len = 12 },
		1314 },
	{ "tcp6 extension header", { .v6 = true, .ip_options = 24, .payload = 10000 }, 1314 },
	{ "udp4", { .ethernet = true, .udp = true, .payload = 10000, .df = true, .id = 9 }, 1200 },
	{ "udp4 tag", { .ethernet = true, .vlan_tags = 1, .udp = true, .payload = 9999 }, 1201 },
	{ "udp6", { .ethernet = true, .v6 = true, .udp = true, .payload = 10000 }, 1200 },
	{ "udp6 tun", { .v6 = true, .udp = true, .ip_options = 8, .payload = 10001 }, 1200 },
};

static struct offload offload_of(const struct testpkt *t, uint16_t size)
{
	return (struct offload){
		.needs_csum = true,
		.gso = t->udp  ? GSO_UDP_L4
		       : t->v6 ? GSO_TCP6
			       : GSO_TCP4,
		.gso_size = size,
		.hdr_len = 3, /* a hint, and a wrong one */
		.csum_start = (uint16_t)testpkt_l4(t),
		.csum_offset = t->udp ? 6 : 16,
	};
}

/* Segment `i` of the superframe `t`, built directly. */
static struct testpkt segment_of(struct testpkt t, uint16_t size, unsigned i, unsigned n)
{
	unsigned start = i * size;

	t.partial = false;
	t.seq += start;
	t.stream += start;
	t.id = (uint16_t)(t.id + i);
	t.payload = t.payload - start < size ? t.payload - start : size;
	if (i > 0)
		t.flags &= (uint8_t)~0x80;
	if (i < n - 1)
		t.flags &= (uint8_t)~0x09;
	return t;
}

static uint8_t frame[SUPERFRAME_MAX + 100], want[SUPERFRAME_MAX + 100], got[SUPERFRAME_MAX + 100];

static void check_split(const char *name, struct testpkt t, uint16_t size)
{
	struct offload o = offload_of(&t, size);
	unsigned n = t.payload ? (t.payload + size - 1) / size : 1;
	struct gso_plan p;
	size_t len;

	t.partial = true;
	len = testpkt_build(&t, frame);
	assert_int_equal(gso_split_plan(&o, frame, len, t.ethernet, &p), DROP_NONE);
	assert_int_equal(p.n_segs, n);
	assert_int_equal(p.hdr_len, testpkt_hdr_len(&t));
	for (unsigned i = n; i-- > 0;) { /* any order is allowed */
		struct testpkt s = segment_of(t, size, i, n);

		len = testpkt_build(&s, want);
		assert_int_equal(gso_segment_len(&p, i), len);
		assert_true(len <= gso_segment_len_max(&p));
		memset(got, 0xee, len + 1);
		gso_split_write(&p, i, got);
		assert_int_equal(got[len], 0xee);
		if (memcmp(got, want, len) != 0)
			fail_msg("%s: segment %u differs", name, i);
	}
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_split(cases[i].name, cases[i].t, cases[i].size);
}

static void test_random_superframes(void **state)
{
	uint64_t r = 1;

	for (unsigned i = 0; i < 300; i++) {
		unsigned bits = test_random(&r);
		struct testpkt t = {
			.ethernet = bits & 1,
			.v6 = bits & 2,
			.udp = bits & 4,
			.df = bits & 8,
			.vlan_tags = bits & 1 ? (bits >> 4) % 3 : 0,
			.ip_options = (bits & 64) ? 8 : 0,
			.options = timestamps,
			.options_len = bits & 128 ? 12 : 0,
			.hosts = test_random(&r) % 200,
			.sport = (uint16_t)test_random(&r),
			.dport = (uint16_t)test_random(&r),
			.id = (uint16_t)test_random(&r),
			.tos = (uint8_t)test_random(&r),
			.ttl = (uint8_t)test_random(&r),
			.seq = test_random(&r) * 2,
			.ack = test_random(&r),
			.flags = (uint8_t)test_random(&r) & 0xef,
			.window = (uint16_t)test_random(&r),
			.stream = test_random(&r),
			.payload = test_random(&r) % 20000,
		};

		check_split("random", t, (uint16_t)(64 + test_random(&r) % 2000));
	}
}

/* A wrong pseudo-header sum or IPv4 checksum stays wrong by the same difference in each segment. */
static void test_wrong_stays_wrong(void **state)
{
	struct testpkt t = { .payload = 3000, .partial = true, .df = true };
	struct offload o = offload_of(&t, 1000);
	struct gso_plan p;
	size_t len = testpkt_build(&t, frame);
	unsigned good, bad;

	test_be16(frame + 10, test_load16(frame + 10) ^ 0x0100);
	test_be16(frame + 36, test_load16(frame + 36) ^ 0x0001);
	assert_int_equal(gso_split_plan(&o, frame, len, false, &p), DROP_NONE);
	for (unsigned i = 0; i < 3; i++) {
		struct testpkt s = segment_of(t, 1000, i, 3);

		testpkt_build(&s, want);
		gso_split_write(&p, i, got);
		good = test_load16(want + 10);
		bad = test_load16(got + 10);
		assert_int_equal((bad + 0xffff - good) % 0xffff,
			(test_load16(frame + 10) + 0xffff - (test_load16(frame + 10) ^ 0x0100)) %
				0xffff);
		assert_int_not_equal(test_load16(want + 36), test_load16(got + 36));
	}
}

/* Without offload metadata the frame is not parsed. */
static void test_verbatim(void **state)
{
	uint64_t r = 2;
	struct gso_plan p;

	for (size_t len = 14; len < 2000; len += 97) {
		for (size_t i = 0; i < len; i++)
			frame[i] = (uint8_t)test_random(&r);
		assert_int_equal(gso_split_plan(&plain, frame, len, true, &p), DROP_NONE);
		assert_int_equal(p.n_segs, 1);
		assert_int_equal(gso_segment_len(&p, 0), len);
		gso_split_write(&p, 0, got);
		assert_memory_equal(frame, got, len);
	}
}

static void test_complete_checksum(void **state)
{
	for (unsigned bits = 0; bits < 32; bits++) {
		struct testpkt t = {
			.ethernet = bits & 1,
			.v6 = bits & 2,
			.udp = bits & 4,
			.vlan_tags = bits & 1 ? (bits >> 3) % 3 : 0,
			.payload = 101,
		};
		struct offload o = offload_of(&t, 0);
		struct gso_plan p;
		size_t len = testpkt_build(&t, want);

		o.gso = GSO_NONE;
		t.partial = true;
		testpkt_build(&t, frame);
		assert_int_equal(gso_split_plan(&o, frame, len, t.ethernet, &p), DROP_NONE);
		assert_int_equal(p.n_segs, 1);
		gso_split_write(&p, 0, got);
		assert_memory_equal(want, got, len);
	}
}

/* A UDP checksum of zero means "none": a sum of zero is sent as 0xffff. */
static void test_udp_zero(void **state)
{
	struct testpkt t = { .udp = true, .payload = 2, .partial = true };
	struct offload o = offload_of(&t, 0);
	struct gso_plan p;
	size_t len = testpkt_build(&t, frame);

	o.gso = GSO_NONE;
	test_be16(frame + 28, 0);
	test_be16(frame + 28, ~test_sum(0, frame + 20, 10) & 0xffff);
	assert_int_equal(gso_split_plan(&o, frame, len, false, &p), DROP_NONE);
	gso_split_write(&p, 0, got);
	assert_int_equal(test_load16(got + 26), 0xffff);
	o.gso = GSO_UDP_L4;
	o.gso_size = 2;
	assert_int_equal(gso_split_plan(&o, frame, len, false, &p), DROP_NONE);
	gso_split_write(&p, 0, got);
	assert_int_equal(test_load16(got + 26), 0xffff);
}

/* A superframe whose checksum a receive offload has verified contains no pseudo-header sum. */
static void test_verified_checksum(void **state)
{
	struct testpkt t = { .ethernet = true, .payload = 2500 };
	struct offload o = offload_of(&t, 1000);
	struct gso_plan p;
	size_t len = testpkt_build(&t, frame);

	o.needs_csum = false;
	assert_int_equal(gso_split_plan(&o, frame, len, true, &p), DROP_TAP_VNET);
	o.csum_valid = true;
	assert_int_equal(gso_split_plan(&o, frame, len, true, &p), DROP_NONE);
	for (unsigned i = 0; i < 3; i++) {
		struct testpkt s = segment_of(t, 1000, i, 3);

		len = testpkt_build(&s, want);
		gso_split_write(&p, i, got);
		assert_memory_equal(want, got, len);
	}
}

struct hostile {
	const char *name;
	struct testpkt t;
	struct offload o;
	size_t len;  /* 0: the whole packet */
	unsigned at; /* modify this byte … */
	int value;   /* … to this value; −1: no change */
	enum drop verdict;
};

#define TCP4(size, start, offset)                                                                  \
	{                                                                                          \
		.needs_csum = true, .gso = GSO_TCP4, .gso_size = (size), .csum_start = (start),    \
		.csum_offset = (offset)                                                            \
	}

static const struct hostile hostiles[] = {
	{ "fine", { .payload = 99 }, TCP4(10, 20, 16), 0, 0, -1, DROP_NONE },
	{ "size 0", { .payload = 99 }, TCP4(0, 20, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "csum_start", { .payload = 99 }, TCP4(10, 22, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "csum_offset", { .payload = 99 }, TCP4(10, 20, 18), 0, 0, -1, DROP_TAP_VNET },
	{ "too many", { .payload = 60000 }, TCP4(29, 20, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "tiny", { .payload = 128 }, TCP4(1, 20, 16), 0, 0, -1, DROP_NONE },
	{ "too many tiny", { .payload = 129 }, TCP4(1, 20, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "too many below the limit", { .payload = 129 * 31 }, TCP4(31, 20, 16), 0, 0, -1,
		DROP_TAP_VNET },
	{ "headers of 252", { .v6 = true, .ip_options = 192, .payload = 99 },
		{ .needs_csum = true,
			.gso = GSO_TCP6,
			.gso_size = 9,
			.csum_start = 232,
			.csum_offset = 16 },
		0, 0, -1, DROP_NONE },
	{ "headers of 260", { .v6 = true, .ip_options = 200, .payload = 99 },
		{ .needs_csum = true,
			.gso = GSO_TCP6,
			.gso_size = 9,
			.csum_start = 240,
			.csum_offset = 16 },
		0, 0, -1, DROP_TAP_VNET },
	{ "v6 as v4", { .v6 = true, .payload = 99 }, TCP4(10, 40, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "udp as tcp", { .udp = true, .payload = 99 }, TCP4(10, 20, 16), 0, 0, -1, DROP_TAP_VNET },
	{ "fragment", { .frag = 0x2000, .payload = 99 }, TCP4(10, 20, 16), 0, 0, -1,
		DROP_TAP_VNET },
	{ "later fragment", { .frag = 1, .payload = 99 }, TCP4(10, 20, 16), 0, 0, -1,
		DROP_TAP_VNET },
	{ "tcp truncated", { .payload = 99 }, TCP4(10, 20, 16), 39, 0, -1, DROP_TAP_VNET },
	{ "ip truncated", { .payload = 99 }, TCP4(10, 20, 16), 19, 0, -1, DROP_TAP_VNET },
	{ "nothing", { .payload = 99 }, TCP4(10, 20, 16), 0, 0, 0, DROP_TAP_VNET },
	{ "ihl 4", { .payload = 99 }, TCP4(10, 20, 16), 0, 0, 0x44, DROP_TAP_VNET },
	{ "ihl 15", { .payload = 9 }, TCP4(10, 20, 16), 0, 0, 0x4f, DROP_TAP_VNET },
	{ "doff 4", { .payload = 99 }, TCP4(10, 20, 16), 0, 32, 0x40, DROP_TAP_VNET },
	{ "doff 15 beyond", { .payload = 39 }, TCP4(10, 20, 16), 0, 32, 0xf0, DROP_TAP_VNET },
	{ "doff 15 exact", { .payload = 40 }, TCP4(10, 20, 16), 0, 32, 0xf0, DROP_NONE },
	{ "tap too short", { .ethernet = true }, { 0 }, 13, 0, -1, DROP_TAP_SHORT },
	{ "tap arp as tcp", { .ethernet = true, .payload = 99 }, TCP4(10, 34, 16), 0, 13, 6,
		DROP_TAP_VNET },
	{ "csum beyond", { .payload = 9 }, { .needs_csum = true, .csum_start = 48 }, 0, 0, -1,
		DROP_TAP_VNET },
	{ "csum at the end", { .payload = 9 }, { .needs_csum = true, .csum_start = 47 }, 0, 0, -1,
		DROP_NONE },
	{ "csum far beyond", { .payload = 9 },
		{ .needs_csum = true, .csum_start = 0xffff, .csum_offset = 0xffff }, 0, 0, -1,
		DROP_TAP_VNET },
	{ "udp length is overwritten", { .udp = true, .payload = 99 },
		{ .needs_csum = true,
			.gso = GSO_UDP_L4,
			.gso_size = 50,
			.csum_start = 20,
			.csum_offset = 6 },
		0, 24, 0xff, DROP_NONE },
	{ "udp verified checksum", { .udp = true, .payload = 99 },
		{ .csum_valid = true, .gso = GSO_UDP_L4, .gso_size = 50 }, 0, 0, -1,
		DROP_TAP_VNET },
};

static void test_hostile(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hostiles); i++) {
		const struct hostile *h = &hostiles[i];
		struct gso_plan p = { .n_segs = 12345 };
		size_t len = testpkt_build(&h->t, frame);
		uint8_t *copy;
		enum drop d;

		if (h->value >= 0)
			frame[h->at] = (uint8_t)h->value;
		if (h->len)
			len = h->len;
		copy = malloc(len); /* exact size, for the sanitizer */
		assert_non_null(copy);
		memcpy(copy, frame, len);
		d = gso_split_plan(&h->o, copy, len, h->t.ethernet, &p);
		if (d != h->verdict)
			fail_msg("%s: %s", h->name, drop_name(d));
		if (d != DROP_NONE)
			assert_int_equal(p.n_segs, 12345);
		for (unsigned s = 0; d == DROP_NONE && s < p.n_segs; s++) {
			uint8_t *dst = malloc(gso_segment_len(&p, s));

			assert_non_null(dst);
			gso_split_write(&p, s, dst);
			free(dst);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_random_superframes),
		cmocka_unit_test(test_wrong_stays_wrong),
		cmocka_unit_test(test_verbatim),
		cmocka_unit_test(test_complete_checksum),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_verified_checksum),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
