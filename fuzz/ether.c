/* SPDX-License-Identifier: MIT */
/* Fuzz target: a member's frame through MSS clamping, too-big reply and fragmenting, with naive
 * checks.
 * Input: flags[1] (bit 0: partial checksum) max_packet[2, little endian] frame. */
#include "fuzz/target.h"

#include <stdbool.h>

#include "ether/mss.h"
#include "ether/pieces.h"
#include "ether/toobig.h"
#include "pkt/headers.h"
#include "pkt/testpkt.h"

/* Sum over the TCP segment and its pseudo header, up to the end of the frame. */
static unsigned tcp_sum(const uint8_t *frame, size_t len, const struct headers *h)
{
	size_t end = h->end < len ? h->end : len;

	return test_sum(test_pseudo(frame + h->l3, 6, h->end - h->l4), frame + h->l4, end - h->l4) %
	       0xffff;
}

static void check_clamp(const uint8_t *frame, size_t len, unsigned max_packet, bool partial)
{
	uint8_t *copy = malloc(len ? len : 1);
	unsigned changed = 0;
	struct headers h;

	EXPECT(copy);
	memcpy(copy, frame, len);
	if (ether_clamp_mss(copy, len, max_packet, 0, partial)) {
		EXPECT(headers_parse(frame, len, true, &h) == 0 && h.proto == 6);
		for (size_t i = 0; i < len; i++) {
			bool check = i == h.l4 + 16u || i == h.l4 + 17u;

			EXPECT(copy[i] == frame[i] || (check && !partial) || i >= h.l4 + 22u);
			changed += copy[i] != frame[i] && !check;
		}
		EXPECT(changed > 0);
		/* a correct checksum stays correct, a wrong one stays wrong by the same difference;
		 * clamping requires that the summed range contains the whole TCP header */
		EXPECT(partial || tcp_sum(copy, len, &h) == tcp_sum(frame, len, &h));
		EXPECT(!ether_clamp_mss(copy, len, max_packet, 0, partial));
	} else {
		EXPECT(memcmp(copy, frame, len) == 0);
	}
	free(copy);
}

static void check_reply(const uint8_t *frame, size_t len, unsigned max_packet)
{
	uint8_t *reply = malloc(ETHER_TOO_BIG_MAX), again[ETHER_TOO_BIG_MAX];
	struct headers h;
	size_t n;

	EXPECT(reply);
	n = ether_too_big_reply(frame, len, max_packet, reply);
	EXPECT(n <= ETHER_TOO_BIG_MAX);
	if (n) {
		EXPECT(headers_parse(reply, n, true, &h) == 0 && h.end == n);
		if (h.version == 4) {
			EXPECT(test_sum(0, reply + h.l3, 20) == 0xffff);
			EXPECT(test_sum(0, reply + h.l4, n - h.l4) == 0xffff);
		} else {
			EXPECT(test_sum(test_pseudo(reply + h.l3, 58, n - h.l4), reply + h.l4,
				       n - h.l4) == 0xffff);
		}
		EXPECT(n <= len + 48);
		EXPECT(ether_too_big_reply(reply, n, 0, again) == 0); /* no reply to a reply */
	}
	free(reply);
}

static void check_pieces(const uint8_t *frame, size_t len, unsigned max_packet)
{
	struct ether_pieces p;
	uint8_t *joined = malloc(len ? len : 1);
	size_t at = 0;

	EXPECT(joined);
	if (ether_pieces_plan(frame, len, max_packet, &p) == 0) {
		EXPECT(p.count >= 2);
		for (unsigned i = 0; i < p.count; i++) {
			size_t n = ether_piece_len(&p, i);
			uint8_t *piece = malloc(n);

			EXPECT(piece && n > p.l4 && n - p.l3 <= max_packet);
			ether_piece_write(&p, i, piece);
			EXPECT(test_sum(0, piece + p.l3, p.l4 - p.l3) == 0xffff);
			EXPECT((test_load16(piece + p.l3 + 6) & 0x1fff) * 8 == p.frag_offset + at);
			EXPECT(at + n - p.l4 <= p.payload);
			memcpy(joined + at, piece + p.l4, n - p.l4);
			at += n - p.l4;
			free(piece);
		}
		EXPECT(at == p.payload && memcmp(joined, frame + p.l4, at) == 0);
	}
	free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned max_packet;
	uint8_t *frame;

	if (len < 3)
		return 0;
	max_packet = data[1] | (unsigned)data[2] << 8;
	len -= 3;
	frame = malloc(len ? len : 1);
	EXPECT(frame);
	memcpy(frame, data + 3, len);
	check_clamp(frame, len, max_packet, data[0] & 1);
	check_reply(frame, len, max_packet);
	check_pieces(frame, len, max_packet);
	free(frame);
	return 0;
}
