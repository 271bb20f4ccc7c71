/* SPDX-License-Identifier: MIT */
/* Parsing a frame's headers: Ethernet, VLAN tags, IPv4 or IPv6 with extension headers, up to the
 * transport header. */
#include "pkt/headers.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/bytes.h"
#include "pkt/checksum.h"

#define PROTO_AH       51
#define PROTO_MOBILITY 135

/* Ethernet header and tags. Sets l3 and ethertype; -EBADMSG if truncated. */
static int walk_ethernet(const uint8_t *frame, size_t len, struct headers *h)
{
	size_t at = ETH_HEADER_LEN;

	if (len < at)
		return -EBADMSG;
	h->ethertype = load_be16(frame + 12);
	while (h->vlan_tags < VLAN_TAGS_MAX &&
		(h->ethertype == ETHERTYPE_VLAN || h->ethertype == ETHERTYPE_QINQ)) {
		at += VLAN_TAG_LEN;
		if (len < at)
			return -EBADMSG;
		h->ethertype = load_be16(frame + at - 2);
		h->vlan_tags++;
	}
	h->l3 = (uint16_t)at;
	return 0;
}

static int walk_ip4(const uint8_t *frame, size_t len, struct headers *h)
{
	const uint8_t *ip = frame + h->l3;
	size_t room = len - h->l3;
	size_t ihl, total;
	uint16_t frag;

	if (room < IP4_HEADER_LEN || ip[0] >> 4 != 4)
		return -EBADMSG;
	ihl = (size_t)(ip[0] & 15) * 4;
	total = load_be16(ip + 2);
	if (ihl < IP4_HEADER_LEN || ihl > room || total < ihl)
		return -EBADMSG;
	frag = load_be16(ip + 6);
	h->version = 4;
	h->proto = ip[9];
	h->dont_fragment = frag & 0x4000;
	h->more_fragments = frag & 0x2000;
	h->frag_offset = (uint16_t)((frag & 0x1fff) * 8);
	h->l4 = (uint16_t)(h->l3 + ihl);
	h->end = h->l3 + (uint32_t)total;
	return 0;
}

/* Length of the extension header `proto` at `at`, or 0 if it cannot be skipped. */
static size_t extension_len(uint8_t proto, const uint8_t *at)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case PROTO_MOBILITY:
		return (size_t)at[1] * 8 + 8;
	case IPPROTO_FRAGMENT:
		return 8;
	case PROTO_AH:
		return (size_t)at[1] * 4 + 8;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t proto)
{
	static const uint8_t zero[2];

	return extension_len(proto, zero) != 0;
}

static int walk_ip6(const uint8_t *frame, size_t len, struct headers *h)
{
	const uint8_t *ip = frame + h->l3;
	size_t at = (size_t)h->l3 + IP6_HEADER_LEN;

	if (len < at || ip[0] >> 4 != 6)
		return -EBADMSG;
	h->version = 6;
	h->dont_fragment = true;
	h->proto = ip[6];
	h->end = (uint32_t)at + load_be16(ip + 4);
	/* Each iteration advances by at least 8 bytes, so the frame's length bounds the loop. */
	while (!h->frag_offset && is_extension(h->proto)) {
		size_t ext;

		if (len - at < 8)
			return -EBADMSG;
		ext = extension_len(h->proto, frame + at);
		if (ext > len - at || at + ext > h->end)
			return -EBADMSG;
		if (h->proto == IPPROTO_FRAGMENT) {
			h->frag_offset = load_be16(frame + at + 2) & 0xfff8;
			h->more_fragments = frame[at + 3] & 1;
		}
		h->proto = frame[at];
		at += ext;
	}
	h->l4 = (uint16_t)at;
	return 0;
}

int headers_parse(const uint8_t *frame, size_t len, bool ethernet, struct headers *ret)
{
	struct headers h = { 0 };
	int err = 0;

	if (len > UINT16_MAX)
		return -EBADMSG; /* offsets are 16 bits */
	if (ethernet)
		err = walk_ethernet(frame, len, &h);
	else if (len == 0)
		err = -EBADMSG;
	else if (frame[0] >> 4 == 4)
		h.ethertype = ETHERTYPE_4;
	else if (frame[0] >> 4 == 6)
		h.ethertype = ETHERTYPE_6;
	if (!err && h.ethertype == ETHERTYPE_4)
		err = walk_ip4(frame, len, &h);
	else if (!err && h.ethertype == ETHERTYPE_6)
		err = walk_ip6(frame, len, &h);
	if (err)
		return err;
	*ret = h;
	return 0;
}

uint32_t headers_pseudo_sum(const uint8_t *frame, const struct headers *h, uint32_t l4_len)
{
	const uint8_t *ip = frame + h->l3;

	if (h->version == 4)
		return checksum_pseudo4(ip + 12, ip + 16, h->proto, l4_len);
	return checksum_pseudo6(ip + 8, ip + 24, h->proto, l4_len);
}
