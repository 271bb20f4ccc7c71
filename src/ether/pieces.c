/* SPDX-License-Identifier: MIT */
/* Oversize = reject: fragments a member's IPv4 packet without DF. */
#include "ether/pieces.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define MORE_FRAGMENTS 0x2000
#define RESERVED_BIT   0x8000
#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_COPIED  0x80

int ether_pieces_plan(
	const uint8_t *frame, size_t len, unsigned max_packet, struct ether_pieces *ret)
{
	struct headers h;
	size_t ihl, payload, room, size;

	if (headers_parse(frame, len, true, &h))
		return -EBADMSG;
	if (h.version != 4 || h.dont_fragment)
		return -EINVAL;
	ihl = h.l4 - h.l3;
	room = size_min(max_packet, UINT16_MAX);
	room -= size_min(room, (size_t)h.vlan_tags * VLAN_TAG_LEN);
	if (h.end - h.l3 <= room)
		return -EINVAL;
	payload = h.end - h.l4;
	if (h.end > len || h.frag_offset + payload > UINT16_MAX ||
		!checksum_ok(checksum_add(0, frame + h.l3, ihl)))
		return -EBADMSG;
	size = room > ihl ? (room - ihl) & ~(size_t)7 : 0;
	if (size == 0)
		return -EMSGSIZE;
	*ret = (struct ether_pieces){
		.frame = frame,
		.count = (uint32_t)((payload + size - 1) / size),
		.payload = (uint32_t)payload,
		.size = (uint16_t)size,
		.l3 = h.l3,
		.l4 = h.l4,
		.frag_offset = h.frag_offset,
		.flags = load_be16(frame + h.l3 + 6) & (RESERVED_BIT | MORE_FRAGMENTS),
	};
	return 0;
}

size_t ether_piece_len(const struct ether_pieces *p, unsigned i)
{
	return p->l4 + size_min(p->size, p->payload - (size_t)i * p->size);
}

/* Options of a later fragment: options without the copied flag, or malformed ones, become NOPs. */
static void drop_uncopied_options(uint8_t *o, size_t len)
{
	size_t at = 0;

	while (at < len && o[at] != OPTION_END) {
		size_t option_len = 1;

		if (o[at] != OPTION_NOP) {
			if (at + 2 > len || o[at + 1] < 2 || o[at + 1] > len - at)
				break;
			option_len = o[at + 1];
			if (!(o[at] & OPTION_COPIED))
				memset(o + at, OPTION_NOP, option_len);
		}
		at += option_len;
	}
	memset(o + at, OPTION_NOP, len - at);
}

void ether_piece_write(const struct ether_pieces *p, unsigned i, uint8_t *dst)
{
	size_t start = (size_t)i * p->size;
	size_t piece = ether_piece_len(p, i) - p->l4;
	size_t ihl = p->l4 - (size_t)p->l3;
	uint8_t *ip = dst + p->l3;
	uint16_t frag = p->flags;

	ASSERT(i < p->count);
	memcpy(dst, p->frame, p->l4);
	memcpy(dst + p->l4, p->frame + p->l4 + start, piece);
	if (i > 0)
		drop_uncopied_options(ip + IP4_HEADER_LEN, ihl - IP4_HEADER_LEN);
	if (i < p->count - 1)
		frag |= MORE_FRAGMENTS;
	frag |= (uint16_t)((p->frag_offset + start) / 8);
	store_be16(ip + 2, (uint16_t)(ihl + piece));
	store_be16(ip + 6, frag);
	store_be16(ip + 10, 0);
	checksum_store(ip + 10, checksum_add(0, ip, ihl));
}
