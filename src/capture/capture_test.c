/* SPDX-License-Identifier: MIT */
/* Tests of captures: the ring against a plain buffer, blocks byte by byte, a full ring, frames of
 * every kind of session in both directions, headers of datagrams. */
#include "capture/capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "capture/dissect.h"
#include "l2tp/header.h"
#include "pkt/checksum.h"

/* Blocks of changing lengths pass a small ring unchanged and in order; none passes in part. */
static void ring_passes_whole_blocks(void **state)
{
	uint8_t memory[64];
	struct capture_ring r = { .bytes = memory, .cap = sizeof(memory) };
	uint8_t written[4096], read[4096];
	size_t in = 0, out = 0;

	(void)state;
	for (unsigned i = 0; in < 4000; i++) {
		uint8_t block[40];
		size_t len = 1 + i * 7 % 40;
		const uint8_t *front;
		size_t n;
		bool fits = r.used + len + 3 <= sizeof(memory);

		for (size_t k = 0; k < len; k++)
			block[k] = (uint8_t)(i + k);
		assert_int_equal(capture_ring_put(&r, block, len, 3), fits);
		if (fits) {
			memcpy(written + in, block, len);
			in += len;
		}
		n = size_min(capture_ring_front(&r, &front), i % 30);
		memcpy(read + out, front, n);
		out += n;
		capture_ring_take(&r, n);
		assert_int_equal(in - out, r.used);
	}
	assert_memory_equal(written, read, out);
}

static void blocks_have_the_bytes_of_the_format(void **state)
{
	static const uint8_t packet[] = {
		6, 0, 0, 0, 56, 0, 0, 0,	       /* type, length */
		2, 0, 0, 0,			       /* interface */
		0xb9, 0xb6, 0x29, 0x17,		       /* time: the high word first */
		1, 0, 0, 0x80, 3, 0, 0, 0, 9, 0, 0, 0, /* captured, length */
		'a', 'b', 'c', 0,		       /* data, padded */
		1, 0, 2, 0, 'h', 'i', 0, 0,	       /* comment */
		2, 0, 4, 0, 2, 0, 0, 0,		       /* flags: outgoing */
		0, 0, 0, 0, 56, 0, 0, 0,	       /* end, length */
	};
	const uint64_t ns = 0x1729b6b980000001;
	const struct pcapng_packet p = {
		.interface = 2,
		.when = { .sec = ns / NS_PER_S, .nsec = (uint32_t)(ns % NS_PER_S) },
		.outgoing = true,
		.head = (const uint8_t *)"a",
		.head_len = 1,
		.rest = (const uint8_t *)"bc",
		.rest_len = 2,
		.len = 9,
		.comment = "hi",
	};
	uint8_t buf[64];

	(void)state;
	assert_int_equal(pcapng_packet(buf, sizeof(buf), &p), 56);
	assert_memory_equal(buf, packet, sizeof(packet));
	for (size_t size = 0; size < sizeof(packet); size++)
		assert_int_equal(pcapng_packet(buf, size, &p), 0);
}

static struct capture *new_capture(uint8_t *ring, size_t cap, uint32_t snap)
{
	struct capture *c = malloc(sizeof(*c));

	assert_non_null(c);
	assert_int_equal(capture_init(c, ring, cap, snap, "test", "comment"), 0);
	return c;
}

/* A full ring drops packets and counts them, and still takes the counters of every interface. */
static void full_ring_has_room_for_the_counters(void **state)
{
	static uint8_t ring[2048];
	static const uint8_t bytes[100];
	struct capture *c = new_capture(ring, sizeof(ring), 40);
	uint64_t received = 0, dropped = 0;
	size_t before;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(capture_add_interface(c, PCAPNG_RAW, "name", ""), i);
	for (unsigned i = 0; i < 100; i++)
		capture_add_packet(c, (struct pcapng_packet){ .interface = i % 10,
					      .rest = bytes,
					      .rest_len = sizeof(bytes),
					      .len = sizeof(bytes),
					      .comment = "c" });
	capture_add_packet(c, (struct pcapng_packet){ .interface = CAPTURE_NONE });
	for (unsigned i = 0; i < 10; i++) {
		received += c->interfaces[i].received;
		dropped += c->interfaces[i].dropped;
	}
	assert_int_equal(received, 100);
	assert_in_range(dropped, 50, 99);
	before = c->ring.used;
	capture_end(c, (struct wall){ 1, 2 });
	assert_in_range(c->ring.used - before, 10 * 40, 10 * CAPTURE_STATISTICS_LEN);
	assert_int_equal((c->ring.used - before) % 10, 0);
	free(c);
}

static void interfaces_are_limited(void **state)
{
	static uint8_t ring[1 << 20];
	struct capture *c = new_capture(ring, sizeof(ring), CAPTURE_SNAP_MAX);
	uint8_t small[16];

	(void)state;
	for (uint32_t i = 0; i < CAPTURE_INTERFACES_MAX; i++)
		assert_int_equal(capture_add_interface(c, PCAPNG_ETHERNET, "l2tpeth0", ""), i);
	assert_int_equal(capture_add_interface(c, PCAPNG_ETHERNET, "more", ""), CAPTURE_NONE);
	assert_int_equal(capture_init(c, small, sizeof(small), 1, "test", ""), -ENOSPC);
	free(c);
}

/* The two ends of one session. */
struct ends {
	struct l2tp_tunnel tunnels[2];
	struct l2tp_session sessions[2];
};

static void make_ends(struct ends *e, int family, enum l2tp_encap encap, uint8_t cookie_len,
	enum l2tp_sublayer sublayer)
{
	struct ip_addr a, b;

	memset(e, 0, sizeof(*e));
	assert_int_equal(ip_addr_parse(family == 4 ? "10.0.1.1" : "fd00::1", &a), 0);
	assert_int_equal(ip_addr_parse(family == 4 ? "10.0.1.2" : "fd00::2", &b), 0);
	e->tunnels[0] = (struct l2tp_tunnel){
		.local = a, .remote = b, .encap = encap, .local_port = 1701, .remote_port = 1702
	};
	e->tunnels[1] = (struct l2tp_tunnel){
		.local = b, .remote = a, .encap = encap, .local_port = 1702, .remote_port = 1701
	};
	for (unsigned i = 0; i < 2; i++) {
		struct l2tp_session *s = &e->sessions[i];

		*s = (struct l2tp_session){ .tunnel = &e->tunnels[i],
			.id = 7 + i,
			.peer_id = 8 - i,
			.cookie_len = cookie_len,
			.peer_cookie_len = cookie_len,
			.sublayer = sublayer,
			.frame_max = 2000 };
		memset(s->cookie, (int)(1 + i), cookie_len);
		memset(s->peer_cookie, (int)(2 - i), cookie_len);
		assert_int_equal(l2tp_session_init(s), 0);
	}
}

/* Find the frame that the first end sends: in its own sessions as outgoing, in those of the other
 * end as incoming, and nowhere else. */
static void check_session(struct ends *e)
{
	uint8_t packet[256] = { 0 };
	size_t overhead = l2tp_overhead(&e->sessions[0]);
	size_t len = overhead + 60;
	struct ip_header ip;
	size_t at;

	l2tp_push(&e->sessions[0], packet, 60, false);
	assert_int_equal(ip_header_parse(packet, len, &ip), 0);
	at = 0;
	assert_true(capture_frame_at(&e->sessions[0], packet, &ip, true, &at));
	assert_int_equal(at, overhead);
	at = 0;
	assert_true(capture_frame_at(&e->sessions[1], packet, &ip, false, &at));
	assert_int_equal(at, overhead);
	assert_false(capture_frame_at(&e->sessions[0], packet, &ip, false, &at));
	assert_false(capture_frame_at(&e->sessions[1], packet, &ip, true, &at));
	e->sessions[1].peer_cookie[0] ^= e->sessions[1].peer_cookie_len ? 1 : 0;
	assert_int_equal(capture_frame_at(&e->sessions[1], packet, &ip, false, &at),
		!e->sessions[1].peer_cookie_len);
	e->sessions[0].peer_id ^= 1;
	assert_false(capture_frame_at(&e->sessions[0], packet, &ip, true, &at));
	e->sessions[0].peer_id ^= 1;
	for (size_t cut = ip.header_len; cut < overhead + 14; cut++) {
		struct ip_header shorter = ip;
		uint8_t *copy = malloc(cut); /* a byte more would be an error of the sanitizer */

		memcpy(copy, packet, cut);
		shorter.len = cut;
		shorter.payload_len = cut - ip.header_len;
		shorter.src = copy + (ip.src - packet);
		shorter.dst = copy + (ip.dst - packet);
		assert_false(capture_frame_at(&e->sessions[0], copy, &shorter, true, &at));
		free(copy);
	}
	ip.fragment = true;
	assert_false(capture_frame_at(&e->sessions[0], packet, &ip, true, &at));
}

static void frames_of_every_session_are_found(void **state)
{
	static const int families[] = { 4, 6 };
	static const uint8_t cookies[] = { 0, 4, 8 };
	struct ends e;

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (int encap = 0; encap < L2TP_ENCAP_COUNT; encap++)
			for (size_t c = 0; c < ARRAY_LEN(cookies); c++)
				for (int none = 0; none < 2; none++) {
					make_ends(&e, families[f], (enum l2tp_encap)encap,
						cookies[c],
						none ? L2TP_SUBLAYER_NONE : L2TP_SUBLAYER_DEFAULT);
					check_session(&e);
				}
}

static void headers_of_datagrams_are_valid(void **state)
{
	static const char *const ends[] = { "192.0.2.1:51820", "[2001:db8::1]:51820" };
	uint8_t packet[CAPTURE_OUTER_MAX + 100] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		for (int outgoing = 0; outgoing < 2; outgoing++) {
			struct endpoint far = { 0 };
			struct capture_datagram d = { .bytes = packet,
				.len = 100,
				.far = &far,
				.port = 8172,
				.tos = 0xb9,
				.outgoing = outgoing };
			struct ip_header ip;
			size_t len;

			assert_int_equal(endpoint_parse(ends[i], &far), 0);
			far.local = far.addr;
			far.local.bytes[3] = 9;
			len = capture_outer_header(&d, packet);
			assert_int_equal(len, i ? 48 : 28);
			assert_int_equal(ip_header_parse(packet, len + 100, &ip), 0);
			assert_int_equal(ip.len, len + 100);
			assert_int_equal(ip.tos, 0xb9);
			assert_int_equal(ip.proto, 17);
			assert_memory_equal(outgoing ? ip.dst : ip.src, far.addr.bytes, i ? 16 : 4);
			assert_memory_equal(
				outgoing ? ip.src : ip.dst, far.local.bytes, i ? 16 : 4);
			assert_int_equal(load_be16(packet + len - 8), outgoing ? 8172 : 51820);
			assert_int_equal(load_be16(packet + len - 6), outgoing ? 51820 : 8172);
			assert_int_equal(load_be16(packet + len - 4), 108);
			if (!i)
				assert_true(checksum_ok(checksum_add(0, packet, 20)));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_passes_whole_blocks),
		cmocka_unit_test(blocks_have_the_bytes_of_the_format),
		cmocka_unit_test(full_ring_has_room_for_the_counters),
		cmocka_unit_test(interfaces_are_limited),
		cmocka_unit_test(frames_of_every_session_are_found),
		cmocka_unit_test(headers_of_datagrams_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
