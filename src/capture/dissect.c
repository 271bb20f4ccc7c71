/* SPDX-License-Identifier: MIT */
/* What a capture needs to know of packets: the header of a datagram, and the frame of a session. */
#include "capture/dissect.h"

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define TTL_UNKNOWN    64
#define L2TP_DATA      0x0003 /* flags and version of a data message. Source: RFC 3931 §4.1.2.1 */
#define L2TP_FLAGS_LEN 4

static void write_ip4(const struct capture_datagram *d, uint8_t *h, const struct ip_addr *src,
	const struct ip_addr *dst)
{
	h[0] = 0x45;
	h[1] = d->tos;
	store_be16(h + 2, (uint16_t)(IP4_HEADER_LEN + UDP_HEADER_LEN + d->len));
	h[8] = d->ttl ? d->ttl : TTL_UNKNOWN;
	h[9] = PROTO_UDP;
	memcpy(h + 12, src->bytes, 4);
	memcpy(h + 16, dst->bytes, 4);
	checksum_store(h + 10, checksum_add(0, h, IP4_HEADER_LEN));
}

static void write_ip6(const struct capture_datagram *d, uint8_t *h, const struct ip_addr *src,
	const struct ip_addr *dst)
{
	h[0] = (uint8_t)(0x60 | d->tos >> 4);
	h[1] = (uint8_t)(d->tos << 4);
	store_be16(h + 4, (uint16_t)(UDP_HEADER_LEN + d->len));
	h[6] = PROTO_UDP;
	h[7] = d->ttl ? d->ttl : TTL_UNKNOWN;
	memcpy(h + 8, src->bytes, 16);
	memcpy(h + 24, dst->bytes, 16);
}

size_t capture_outer_header(const struct capture_datagram *d, uint8_t ret[static CAPTURE_OUTER_MAX])
{
	bool ip6 = d->far->addr.family == AF_INET6;
	size_t at = ip6 ? IP6_HEADER_LEN : IP4_HEADER_LEN;
	const struct ip_addr *ours = &d->far->local;
	const struct ip_addr *src = d->outgoing ? ours : &d->far->addr;
	const struct ip_addr *dst = d->outgoing ? &d->far->addr : ours;

	memset(ret, 0, CAPTURE_OUTER_MAX);
	if (ip6)
		write_ip6(d, ret, src, dst);
	else
		write_ip4(d, ret, src, dst);
	store_be16(ret + at, d->outgoing ? d->port : d->far->port);
	store_be16(ret + at + 2, d->outgoing ? d->far->port : d->port);
	store_be16(ret + at + UDP_LEN_OFFSET, (uint16_t)(UDP_HEADER_LEN + d->len));
	return at + UDP_HEADER_LEN;
}

/* Whether the packet is between these addresses. */
static bool is_between(
	const struct ip_header *ip, const struct ip_addr *src, const struct ip_addr *dst)
{
	size_t len = ip_addr_len(src);

	return ip->family == src->family && !memcmp(ip->src, src->bytes, len) &&
	       !memcmp(ip->dst, dst->bytes, len);
}

/* The offset of the session id in the packet of a tunnel, or 0 if the packet has none. */
static size_t find_id(const struct l2tp_tunnel *t, const uint8_t *packet,
	const struct ip_header *ip, bool outgoing)
{
	const uint8_t *udp = packet + ip->header_len;

	if (t->encap == L2TP_ENCAP_IP)
		return ip->proto == PROTO_L2TP ? ip->header_len : 0;
	if (ip->proto != PROTO_UDP || ip->payload_len < UDP_HEADER_LEN + L2TP_FLAGS_LEN ||
		load_be16(udp) != (outgoing ? t->local_port : t->remote_port) ||
		load_be16(udp + 2) != (outgoing ? t->remote_port : t->local_port) ||
		load_be16(udp + UDP_HEADER_LEN) != L2TP_DATA)
		return 0;
	return ip->header_len + UDP_HEADER_LEN + L2TP_FLAGS_LEN;
}

bool capture_frame_at(const struct l2tp_session *s, const uint8_t *packet,
	const struct ip_header *ip, bool outgoing, size_t *ret_offset)
{
	const struct l2tp_tunnel *t = s->tunnel;
	const uint8_t *cookie = outgoing ? s->cookie : s->peer_cookie;
	size_t cookie_len = outgoing ? s->cookie_len : s->peer_cookie_len;
	size_t sublayer = s->sublayer == L2TP_SUBLAYER_DEFAULT ? 4 : 0;
	size_t at;

	if (ip->fragment || !is_between(ip, outgoing ? &t->local : &t->remote,
				    outgoing ? &t->remote : &t->local))
		return false;
	at = find_id(t, packet, ip, outgoing);
	if (!at || at + 4 + cookie_len + sublayer + ETH_HEADER_LEN > ip->len)
		return false;
	if (load_be32(packet + at) != (outgoing ? s->peer_id : s->id) ||
		memcmp(packet + at + 4, cookie, cookie_len) != 0)
		return false;
	*ret_offset = at + 4 + cookie_len + sublayer;
	return true;
}
