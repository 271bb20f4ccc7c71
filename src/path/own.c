/* SPDX-License-Identifier: MIT */
/* Recognise our own WireGuard datagrams where they would enter a session or the TUN. */
#include "path/own.h"

#include "base/bytes.h"
#include "pkt/headers.h"

#define IP4_PROTO_OFFSET 9
#define IP6_NEXT_OFFSET	 6
#define IP4_FRAGMENT	 0x3fff /* more fragments, or an offset */
#define FRAGMENT6_LEN	 8

/* Whether a UDP payload at offset `at` begins like one of our messages, or is not visible. */
static bool may_be_message(const uint8_t *frame, size_t len, size_t at)
{
	uint32_t type;

	if (len < at + sizeof(type))
		return true;
	type = load_le32(frame + at);
	return type >= WG_MSG_INITIATION && type <= WG_MSG_DATA;
}

/* Whether the frame may be one of ours. Every frame is checked, so most are sorted out by a few
 * bytes at fixed places; those with tags, options, extension headers or in fragments are not. */
static bool may_be_own(const uint8_t *frame, size_t len, bool ethernet)
{
	size_t l3 = ethernet ? ETH_HEADER_LEN : 0;
	const uint8_t *ip = frame + l3;
	uint16_t type;

	if (len < l3 + IP4_HEADER_LEN)
		return false;
	if (ethernet)
		type = load_be16(frame + 12);
	else
		type = frame[0] >> 4 == 4 ? ETHERTYPE_4 : ETHERTYPE_6;
	switch (type) {
	case ETHERTYPE_4:
		if (ip[IP4_PROTO_OFFSET] != PROTO_UDP)
			return false;
		return ip[0] != 0x45 || load_be16(ip + 6) & IP4_FRAGMENT ||
		       may_be_message(frame, len, l3 + IP4_HEADER_LEN + UDP_HEADER_LEN);
	case ETHERTYPE_6:
		if (ip[IP6_NEXT_OFFSET] == PROTO_TCP)
			return false;
		return ip[IP6_NEXT_OFFSET] != PROTO_UDP ||
		       may_be_message(frame, len, l3 + IP6_HEADER_LEN + UDP_HEADER_LEN);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
		return true;
	default:
		return false;
	}
}

static struct ip_addr address_at(const struct headers *h, const uint8_t *ip, bool dst)
{
	return h->version == 4 ? ip_addr_v4(ip + (dst ? 16 : 12)) : ip_addr_v6(ip + (dst ? 24 : 8));
}

/* The fields that all fragments of a datagram have in common. The IPv6 fragment header is the last
 * one before `l4`: our kernel puts no other header after it. */
static struct own_fragmented fragmented_of(const uint8_t *frame, const struct headers *h)
{
	const uint8_t *ip = frame + h->l3;

	return (struct own_fragmented){
		.src = address_at(h, ip, false),
		.dst = address_at(h, ip, true),
		.id = h->version == 4 ? load_be16(ip + 4)
				      : load_be32(frame + h->l4 - FRAGMENT6_LEN + 4),
	};
}

static bool is_known(const struct own *own, const struct own_fragmented *f)
{
	for (size_t i = 0; i < OWN_FRAGMENTED; i++)
		if (own->fragmented[i].id == f->id &&
			ip_addr_equal(&own->fragmented[i].dst, &f->dst) &&
			ip_addr_equal(&own->fragmented[i].src, &f->src))
			return true;
	return false;
}

/* The peer that a UDP datagram at `l4` was sent to by us, or NULL. Its end may be in other
 * fragments. */
static const struct wg_peer *receiver_of(
	const struct wg_device *wg, const uint8_t *frame, size_t len, const struct headers *h)
{
	const uint8_t *udp = frame + h->l4;
	size_t end = size_min(len, h->end);
	struct ip_addr to;
	const struct wg_peer *peer;

	if (end < (size_t)h->l4 + UDP_HEADER_LEN)
		return NULL;
	peer = wg_device_sent(wg, udp + UDP_HEADER_LEN, end - h->l4 - UDP_HEADER_LEN);
	if (!peer || load_be16(udp + 2) != peer->endpoint.port)
		return NULL;
	to = address_at(h, frame + h->l3, true);
	return ip_addr_equal(&to, &peer->endpoint.addr) ? peer : NULL;
}

/* What the caller learns of a datagram to `peer`. */
static struct own_datagram datagram_of(
	const struct wg_peer *peer, const uint8_t *frame, bool ethernet, const struct headers *h)
{
	struct own_datagram d = { .peer = peer };

	if (ethernet)
		memcpy(d.mac, frame, sizeof(d.mac));
	if (h->vlan_tags)
		d.vlan = load_be16(frame + 14) & 0xfff;
	return d;
}

bool own_recognises(struct own *own, const struct wg_device *wg, const uint8_t *frame, size_t len,
	bool ethernet, struct own_datagram *ret)
{
	struct own_fragmented fragmented;
	const struct wg_peer *peer;
	struct headers h;

	if (!may_be_own(frame, len, ethernet) || headers_parse(frame, len, ethernet, &h) ||
		h.proto != PROTO_UDP)
		return false;
	if (headers_is_fragment(&h))
		fragmented = fragmented_of(frame, &h);
	if (h.frag_offset) {
		if (!is_known(own, &fragmented))
			return false;
		*ret = (struct own_datagram){ 0 };
		return true;
	}
	peer = receiver_of(wg, frame, len, &h);
	if (!peer)
		return false;
	if (h.more_fragments)
		own->fragmented[own->next++ % OWN_FRAGMENTED] = fragmented;
	*ret = datagram_of(peer, frame, ethernet, &h);
	return true;
}
