/* SPDX-License-Identifier: MIT */
/* Tests of merging: which frames merge, and that splitting restores all of them. */
#include "gso/merge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "gso/naive.h"

#define N_MAX	  GSO_MERGE_FRAMES_MAX
#define FRAME_MAX 2000

static const struct gso_merge_caps all_caps = { .tcp4 = true, .tcp6 = true, .udp = true };

static struct gso_merge merge;
static uint8_t data[N_MAX][FRAME_MAX], copies[N_MAX][FRAME_MAX];
static struct naive_frame frames[N_MAX];

static void put_frame(unsigned i, const struct testpkt *t, void *tag)
{
	size_t len = testpkt_build(t, data[i]);

	assert_true(len <= FRAME_MAX);
	memcpy(copies[i], data[i], len);
	frames[i] = (struct naive_frame){
		.data = data[i], .copy = copies[i], .len = len, .ethernet = t->ethernet, .tag = tag
	};
}

/* Return: number of items. */
static unsigned merge_checked(const char *name, const struct gso_merge_caps *caps, unsigned n)
{
	unsigned items;
	const char *err = naive_check_merge(&merge, caps, frames, n, &items);

	if (err)
		fail_msg("%s: not %s", name, err);
	return items;
}

static const uint8_t ts1[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
static const uint8_t ts2[12] = { 1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2 };

/* A table of differences from one default: fields are overridden on purpose. */
#pragma GCC diagnostic ignored "-Woverride-init"

/* Two frames and the number of items they become. */
static const struct {
	const char *name;
	struct testpkt a, b;
	unsigned items;
} pairs[] = {
#define SEG(...)                                                                                   \
	{                                                                                          \
		.ethernet = true, .df = true, .ttl = 64, .seq = 1000, .payload = 100, .id = 5,     \
		.window = 9, .options = ts1, .options_len = 12, .sport = 1, .dport = 2,            \
		__VA_ARGS__                                                                        \
	}
#define NEXT .seq = 1100, .stream = 100
	{ "continues", SEG(), SEG(NEXT), 1 },
	{ "shorter", SEG(), SEG(NEXT, .payload = 1), 1 },
	{ "longer", SEG(), SEG(NEXT, .payload = 101), 2 },
	{ "PSH at the end", SEG(), SEG(NEXT, .flags = 8), 1 },
	{ "PSH at the start", SEG(.flags = 8), SEG(NEXT), 2 },
	{ "ECE on both", SEG(.flags = 0x40), SEG(NEXT, .flags = 0x40), 1 },
	{ "ECE on one", SEG(), SEG(NEXT, .flags = 0x40), 2 },
	{ "FIN", SEG(), SEG(NEXT, .flags = 1), 2 },
	{ "SYN", SEG(), SEG(NEXT, .flags = 2), 2 },
	{ "SYN on both", SEG(.flags = 2), SEG(NEXT, .flags = 2), 2 },
	{ "RST", SEG(), SEG(NEXT, .flags = 4), 2 },
	{ "URG", SEG(), SEG(NEXT, .flags = 0x20), 2 },
	{ "CWR first", SEG(.flags = 0x80), SEG(NEXT), 2 },
	{ "CWR second", SEG(), SEG(NEXT, .flags = 0x80), 2 },
	{ "sequence wraps", SEG(.seq = 0xffffffff), SEG(.seq = 99), 1 },
	{ "gap", SEG(), SEG(.seq = 1101), 2 },
	{ "overlap", SEG(), SEG(.seq = 1099), 2 },
	{ "reversed", SEG(NEXT), SEG(), 2 },
	{ "duplicate", SEG(), SEG(), 2 },
	{ "no payload", SEG(), SEG(NEXT, .payload = 0), 2 },
	{ "no payload on both", SEG(.payload = 0), SEG(.payload = 0), 2 },
	{ "ack", SEG(), SEG(NEXT, .ack = 1), 2 },
	{ "window", SEG(), SEG(NEXT, .window = 10), 2 },
	{ "timestamps", SEG(), SEG(NEXT, .options = ts2), 2 },
	{ "option length", SEG(), SEG(NEXT, .options_len = 8), 2 },
	{ "no options", SEG(.options_len = 0), SEG(NEXT, .options_len = 0), 1 },
	{ "source port", SEG(), SEG(NEXT, .sport = 3), 2 },
	{ "destination port", SEG(), SEG(NEXT, .dport = 3), 2 },
	{ "addresses", SEG(), SEG(NEXT, .hosts = 1), 2 },
	{ "protocol", SEG(), SEG(NEXT, .udp = true), 2 },
	{ "version", SEG(), SEG(NEXT, .v6 = true), 2 },
	{ "tos", SEG(), SEG(NEXT, .tos = 1), 2 },
	{ "ttl", SEG(), SEG(NEXT, .ttl = 63), 2 },
	{ "DF", SEG(), SEG(NEXT, .df = false, .id = 6), 2 },
	{ "id with DF", SEG(), SEG(NEXT, .id = 77), 1 },
	{ "id increments", SEG(.df = false), SEG(NEXT, .df = false, .id = 6), 1 },
	{ "id wraps", SEG(.df = false, .id = 0xffff), SEG(NEXT, .df = false, .id = 0), 1 },
	{ "id stays", SEG(.df = false), SEG(NEXT, .df = false), 2 },
	{ "id jumps", SEG(.df = false), SEG(NEXT, .df = false, .id = 7), 2 },
	{ "reserved bit", SEG(), SEG(NEXT, .frag = 0x8000), 2 },
	{ "fragments", SEG(.frag = 0x2000), SEG(NEXT, .frag = 0x2000), 2 },
	{ "later fragments", SEG(.frag = 1), SEG(NEXT, .frag = 1), 2 },
	{ "padding", SEG(), SEG(NEXT, .padding = 1), 2 },
	{ "padding first", SEG(.padding = 1), SEG(NEXT), 2 },
	{ "ip options", SEG(.ip_options = 4), SEG(NEXT, .ip_options = 4), 2 },
	{ "tagged", SEG(.vlan_tags = 1), SEG(NEXT, .vlan_tags = 1), 1 },
	{ "QinQ", SEG(.vlan_tags = 2), SEG(NEXT, .vlan_tags = 2), 1 },
	{ "tag on one", SEG(), SEG(NEXT, .vlan_tags = 1), 2 },
	{ "no link header", SEG(.ethernet = false), SEG(NEXT, .ethernet = false), 1 },
	{ "v6", SEG(.v6 = true), SEG(NEXT, .v6 = true), 1 },
	{ "v6 QinQ", SEG(.v6 = true, .vlan_tags = 2), SEG(NEXT, .v6 = true, .vlan_tags = 2), 1 },
	{ "v6 traffic class", SEG(.v6 = true), SEG(NEXT, .v6 = true, .tos = 1), 2 },
	{ "v6 hop limit", SEG(.v6 = true), SEG(NEXT, .v6 = true, .ttl = 1), 2 },
	{ "v6 extension header", SEG(.v6 = true, .ip_options = 8),
		SEG(NEXT, .v6 = true, .ip_options = 8), 2 },
	{ "v6 no link header", SEG(.v6 = true, .ethernet = false),
		SEG(NEXT, .v6 = true, .ethernet = false), 1 },
	{ "udp", SEG(.udp = true), SEG(.udp = true, .stream = 5), 1 },
	{ "udp shorter", SEG(.udp = true), SEG(.udp = true, .payload = 99), 1 },
	{ "udp longer", SEG(.udp = true), SEG(.udp = true, .payload = 101), 2 },
	{ "udp empty", SEG(.udp = true, .payload = 0), SEG(.udp = true, .payload = 0), 2 },
	{ "udp id", SEG(.udp = true, .df = false), SEG(.udp = true, .df = false, .id = 6), 1 },
	{ "udp id stays", SEG(.udp = true, .df = false), SEG(.udp = true, .df = false), 2 },
	{ "udp6", SEG(.udp = true, .v6 = true), SEG(.udp = true, .v6 = true), 1 },
	{ "udp port", SEG(.udp = true), SEG(.udp = true, .dport = 1), 2 },
};

static void test_pairs(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		unsigned items;

		put_frame(0, &pairs[i].a, NULL);
		put_frame(1, &pairs[i].b, NULL);
		items = merge_checked(pairs[i].name, &all_caps, 2);
		if (items != pairs[i].items)
			fail_msg("%s: %u items", pairs[i].name, items);
	}
}

/* Any wrong bit keeps the frame out of a superframe, and the frame stays unchanged. */
static void test_every_wrong_bit(void **state)
{
	static const struct testpkt kinds[] = { SEG(), SEG(.v6 = true), SEG(.udp = true),
		SEG(.udp = true, .v6 = true, .vlan_tags = 1) };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct testpkt next = kinds[k];
		size_t bits;

		next.seq += next.payload;
		put_frame(0, &kinds[k], NULL);
		bits = frames[0].len * 8;
		for (size_t bit = 0; bit < bits; bit++) {
			unsigned items;

			put_frame(0, &kinds[k], NULL);
			put_frame(1, &next, NULL);
			data[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
			memcpy(copies[1], data[1], frames[1].len);
			items = merge_checked("wrong bit", &all_caps, 2);
			if (items != 2)
				fail_msg("kind %zu: bit %zu was ignored", k, bit);
		}
	}
}

/* Set the 16-bit word at `fill` so that the checksum over [start, start + len) at `check` becomes
 * zero, which is then written as 0xffff, its other representation. */
static void other_zero(uint8_t *start, size_t len, unsigned pseudo, uint8_t *check, uint8_t *fill)
{
	test_be16(check, 0);
	test_be16(fill, 0);
	test_be16(fill, ~test_sum(pseudo, start, len) & 0xffff);
	test_be16(check, 0xffff);
}

/* A checksum of 0xffff is as valid as 0, but splitting would write 0: not merged. */
static void test_other_zero(void **state)
{
	struct testpkt a = SEG(.ethernet = false), b = SEG(.ethernet = false, NEXT);
	size_t l4_len;

	for (unsigned kind = 0; kind < 3; kind++) {
		put_frame(0, &a, NULL);
		put_frame(1, &b, NULL);
		l4_len = frames[1].len - 20;
		if (kind == 1)
			other_zero(data[1] + 20, l4_len, test_pseudo(data[1], 6, l4_len),
				data[1] + 36, data[1] + 60);
		if (kind == 2)
			other_zero(data[1], 20, 0, data[1] + 10, data[1] + 4);
		memcpy(copies[1], data[1], frames[1].len);
		assert_true(naive_checksums_ok(&frames[1]));
		assert_int_equal(merge_checked("zero", &all_caps, 2), kind ? 2 : 1);
	}
}

static void repair_checksums(uint8_t *ip, size_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	unsigned ihl = v6 ? 40 : 20, proto = v6 ? ip[6] : ip[9];
	uint8_t *check = ip + ihl + (proto == 17 ? 6 : 16);
	unsigned sum;

	if (!v6) {
		test_be16(ip + 10, 0);
		test_be16(ip + 10, ~test_sum(0, ip, 20) & 0xffff);
	}
	test_be16(check, 0);
	sum = ~test_sum(test_pseudo(ip, proto, len - ihl), ip + ihl, len - ihl) & 0xffff;
	test_be16(check, sum ? sum : 0xffff);
}

/* Any other value in the headers, with correct checksums, makes it a different packet. */
static void test_every_header_bit(void **state)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct testpkt a = SEG(.ethernet = false, .v6 = kind & 1, .udp = kind & 2);
		struct testpkt b = a;
		unsigned l4 = testpkt_l4(&a), hdr_len = testpkt_hdr_len(&a);
		unsigned check = l4 + (a.udp ? 6 : 16);

		b.seq += b.payload;
		for (unsigned bit = 0; bit < hdr_len * 8; bit++) {
			unsigned at = bit / 8, items;
			bool free_id = !a.v6 && (at == 4 || at == 5); /* DF is set */
			bool psh = !a.udp && at == l4 + 13 && bit % 8 == 3;

			if ((!a.v6 && (at == 10 || at == 11)) || at == check || at == check + 1)
				continue;
			put_frame(0, &a, NULL);
			put_frame(1, &b, NULL);
			data[1][at] ^= (uint8_t)(1 << bit % 8);
			repair_checksums(data[1], frames[1].len);
			memcpy(copies[1], data[1], frames[1].len);
			items = merge_checked("header bit", &all_caps, 2);
			if (items != (free_id || psh ? 1 : 2))
				fail_msg("kind %u: byte %u bit %u: %u items", kind, at, bit % 8,
					items);
		}
	}
}

/* Nothing is merged that the device has no offload for. */
static void test_caps(void **state)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		struct gso_merge_caps caps = {
			.tcp4 = bits & 1, .tcp6 = bits & 2, .udp = bits & 4
		};

		for (unsigned v6 = 0; v6 < 2; v6++) {
			for (unsigned udp = 0; udp < 2; udp++) {
				struct testpkt a = SEG(.v6 = v6, .udp = udp);
				struct testpkt b = SEG(NEXT, .v6 = v6, .udp = udp);
				bool on = udp ? caps.udp : v6 ? caps.tcp6 : caps.tcp4;

				put_frame(0, &a, NULL);
				put_frame(1, &b, NULL);
				assert_int_equal(merge_checked("caps", &caps, 2), on ? 1 : 2);
			}
		}
	}
}

static void test_tags_apart(void **state)
{
	struct testpkt a = SEG(), b = SEG(NEXT);

	put_frame(0, &a, &data[0]);
	put_frame(1, &b, &data[1]);
	assert_int_equal(merge_checked("tags", &all_caps, 2), 2);
}

/* A frame of the flow that cannot be appended closes the superframe. */
static void test_closes(void **state)
{
	static const struct {
		const char *name;
		struct testpkt middle;
		unsigned items;
	} table[] = {
		{ "pure ack", SEG(NEXT, .payload = 0), 3 },
		{ "retransmission", SEG(), 2 }, /* which the third one continues */
		{ "other flow", SEG(.sport = 9), 2 },
		{ "other flow's fragment", SEG(.hosts = 7, .frag = 9), 2 },
		{ "fragment", SEG(.frag = 9), 3 },
		{ "udp fragment", SEG(.frag = 9, .udp = true), 3 },
		{ "first fragment", SEG(.frag = 0x2000), 3 },
		{ "ip options", SEG(.ip_options = 8), 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct testpkt a = SEG(), b = SEG(NEXT);
		unsigned items;

		put_frame(0, &a, NULL);
		put_frame(1, &table[i].middle, NULL);
		put_frame(2, &b, NULL);
		items = merge_checked(table[i].name, &all_caps, 3);
		if (items != table[i].items)
			fail_msg("%s: %u items", table[i].name, items);
	}
}

/* `n` equal segments of `payload` bytes. Return: number of items. */
static unsigned train(struct testpkt t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put_frame(i, &t, NULL);
		t.seq += t.payload;
		t.stream += t.payload;
		t.id++;
	}
	return merge_checked("train", &all_caps, n);
}

static void test_limits(void **state)
{
	struct testpkt tcp = SEG(.payload = 1448), udp = SEG(.payload = 20, .udp = true);
	unsigned fit = (SUPERFRAME_MAX - testpkt_hdr_len(&tcp)) / 1448;

	assert_int_equal(train(tcp, fit), 1);
	assert_int_equal(train(tcp, fit + 1), 2);
	tcp.payload = 10;
	tcp.df = false;
	tcp.id = 0xfff0;
	assert_int_equal(train(tcp, GSO_MERGE_SEGMENTS_MAX), 1);
	assert_int_equal(train(tcp, GSO_MERGE_SEGMENTS_MAX + 1), 2);
	assert_int_equal(train(udp, GSO_MERGE_UDP_SEGMENTS_MAX), 1);
	assert_int_equal(train(udp, GSO_MERGE_UDP_SEGMENTS_MAX + 1), 2);
	assert_int_equal(train(tcp, N_MAX), N_MAX / GSO_MERGE_SEGMENTS_MAX);
}

static void test_full(void **state)
{
	struct testpkt t = SEG(.payload = 0);
	struct gso_superframe s;
	unsigned n = 0;

	put_frame(0, &t, NULL);
	gso_merge_init(&merge, &all_caps);
	assert_false(gso_merge_next(&merge, &s));
	for (unsigned i = 0; i < N_MAX; i++) {
		assert_false(gso_merge_is_full(&merge));
		assert_int_equal(
			gso_merge_add(&merge, data[0], frames[0].len, true, NULL, NULL), 0);
	}
	assert_true(gso_merge_is_full(&merge));
	assert_int_equal(gso_merge_add(&merge, data[0], frames[0].len, true, NULL, NULL), -ENOBUFS);
	while (gso_merge_next(&merge, &s))
		n++;
	assert_int_equal(n, N_MAX);
	assert_int_equal(gso_merge_add(&merge, data[0], frames[0].len, true, NULL, NULL), 0);
}

/* More flows than slots: fewer merges, but nothing lost or reordered. */
static void test_many_flows(void **state)
{
	for (unsigned i = 0; i < N_MAX; i++) {
		struct testpkt t = SEG(.sport = (uint16_t)(i % 128), .seq = i / 128 * 100);

		put_frame(i, &t, NULL);
	}
	merge_checked("many flows", &all_caps, N_MAX);
	for (unsigned i = 0; i < N_MAX; i++) {
		struct testpkt t = SEG(.sport = (uint16_t)(i % 8), .seq = i / 8 * 100);

		put_frame(i, &t, NULL);
	}
	assert_int_equal(merge_checked("eight flows", &all_caps, N_MAX), 8);
}

/* Between any two frames of one owner's flow another owner sends `each` frames, of ever new
 * flows. */
static unsigned items_beside(unsigned each, unsigned flows)
{
	static const char honest, hostile;
	unsigned sent = 0;
	struct gso_superframe s;
	unsigned items = 0;

	gso_merge_init(&merge, &all_caps);
	for (unsigned i = 0; i < N_MAX; i++) {
		bool mine = i % (each + 1) == 0;
		struct testpkt t = SEG(.seq = sent / flows * 100, .stream = sent / flows * 100);

		t.sport = (uint16_t)(mine ? 1 + sent++ % flows : 1000 + i);
		put_frame(i, &t, NULL);
		assert_int_equal(gso_merge_add(&merge, data[i], frames[i].len, true, NULL,
					 mine ? &honest : &hostile),
			0);
	}
	while (gso_merge_next(&merge, &s)) {
		const uint8_t *frame = s.iov[1].iov_base;

		items += load_be16(frame + 34) < 1000;
	}
	return items;
}

/* Who opens many flows closes none of another's: this one's superframes are as long as they get. */
static void test_flows_of_owners(void **state)
{
	for (unsigned each = 1; each <= 64; each *= 2)
		for (unsigned flows = 1; flows <= 2; flows++) {
			unsigned n = (N_MAX + each) / (each + 1), items = 0;

			for (unsigned f = 0; f < flows; f++)
				items += ((n + f) / flows + GSO_MERGE_SEGMENTS_MAX - 1) /
					 GSO_MERGE_SEGMENTS_MAX;
			assert_int_equal(items_beside(each, flows), items);
		}
}

/* A flow's next frame, with all that happens to flows. */
static struct testpkt random_segment(struct testpkt *flow, uint64_t *r)
{
	struct testpkt t;
	unsigned what = test_random(r) % 40;

	flow->id++;
	t = *flow;
	flow->seq += flow->payload;
	flow->stream += flow->payload;
	switch (what) {
	case 0:
		t.payload = 0;
		break;
	case 1:
		t.flags = (uint8_t)test_random(r) & 0xef;
		break;
	case 2:
		t.payload = test_random(r) % 400;
		flow->seq = t.seq + t.payload;
		break;
	case 3:
		t.window = flow->window = (uint16_t)test_random(r);
		break;
	case 4:
		t.id = flow->id = (uint16_t)test_random(r);
		break;
	case 5:
		t.frag = (uint16_t)(test_random(r) & 0xbfff);
		break;
	case 6:
		t.padding = test_random(r) % 8;
		break;
	case 7:
		t.options = flow->options = ts2;
		break;
	case 8:
		t.flags = 8;
		break;
	default:
		break;
	}
	return t;
}

static void test_random_batches(void **state)
{
	uint64_t r = 4;
	unsigned in = 0, out = 0;

	for (unsigned round = 0; round < 400; round++) {
		unsigned n = 2 + test_random(&r) % 100;
		struct testpkt flows[4];

		for (unsigned k = 0; k < 4; k++) {
			unsigned b = test_random(&r);
			struct testpkt t = SEG(.v6 = b & 1, .udp = (b & 6) == 6, .df = b & 8,
				.ethernet = b & 16, .vlan_tags = b & 16 ? (b >> 5) % 3 : 0,
				.sport = (uint16_t)k, .seq = b, .payload = 1 + (b >> 8) % 300);

			flows[k] = t;
		}
		for (unsigned i = 0; i < n; i++) {
			struct testpkt t = random_segment(&flows[test_random(&r) % 4], &r);

			put_frame(i, &t, NULL);
			if (test_random(&r) % 50 == 0) {
				data[i][test_random(&r) % frames[i].len] ^= 1;
				memcpy(copies[i], data[i], frames[i].len);
			}
			if (i && test_random(&r) % 30 == 0) { /* reordered */
				struct naive_frame swap = frames[i];

				frames[i] = frames[i - 1];
				frames[i - 1] = swap;
			}
		}
		in += n;
		out += merge_checked("random", &all_caps, n);
	}
	assert_true(out < in / 2); /* some frames were merged */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_every_wrong_bit),
		cmocka_unit_test(test_other_zero),
		cmocka_unit_test(test_every_header_bit),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_tags_apart),
		cmocka_unit_test(test_closes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_flows_of_owners),
		cmocka_unit_test(test_random_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
