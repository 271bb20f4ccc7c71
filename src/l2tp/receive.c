/* SPDX-License-Identifier: MIT */
/* Pull: find out which decrypted packets are frames of a pseudowire, and where the frame lies in
 * them. */
#include "l2tp/receive.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "pkt/checksum.h"
#include "pkt/ip.h"

#define IPPROTO_L2TP	 115
#define UDP_HEADER	 8
#define FLAG_CONTROL	 0x8000
#define VERSION_MASK	 0x000f
#define ETHERNET_HEADER	 14
#define SEQUENCE_PRESENT 0x40000000U
#define SEQUENCE_MASK	 0x00ffffffU
#define SEQUENCE_HALF	 0x00800000U
#define SUBLAYER_UNUSED	 0x8f000000U /* zero in every sublayer, fragment bits of RFC 4623 or not */
#define SEQUENCE_RESYNC	 5	     /* old numbers in a row after which the peer has restarted */

/* The rest of a packet as headers are removed from its front. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static void pull(struct cursor *c, size_t n)
{
	c->at += n;
	c->left -= n;
}

static bool is_known_ethertype(uint16_t type)
{
	return type == 0x0800 || type == 0x86dd || type == 0x0806 || type == 0x8100 ||
	       type == 0x88a8;
}

bool l2tp_looks_like_sublayer(const uint8_t *at, size_t left)
{
	uint32_t word;

	if (left < 4 + ETHERNET_HEADER)
		return false;
	word = load_be32(at);
	if (!word)
		return true; /* no station has such an address */
	return (word & SUBLAYER_UNUSED) == 0 && (word & SEQUENCE_PRESENT) != 0 &&
	       is_known_ethertype(load_be16(at + 4 + 12)) &&
	       !is_known_ethertype(load_be16(at + 12));
}

bool l2tp_looks_like_frame(uint32_t sublayer)
{
	if (sublayer & SUBLAYER_UNUSED)
		return true;
	return !(sublayer & SEQUENCE_PRESENT) && (sublayer & SEQUENCE_MASK);
}

/* Whether a frame with sequence number `ns` may pass; keeps the state. */
static bool sequence_passes(struct l2tp_session_rx *rx, uint32_t ns)
{
	uint32_t ahead = (ns - rx->nr) & SEQUENCE_MASK;

	if (rx->synced && ahead >= SEQUENCE_HALF) {
		rx->resync_run = ns == rx->resync_next ? (uint8_t)(rx->resync_run + 1) : 1;
		rx->resync_next = (ns + 1) & SEQUENCE_MASK;
		if (rx->resync_run < SEQUENCE_RESYNC)
			return false;
	} else if (rx->synced) {
		rx->lost += ahead;
	}
	rx->synced = true;
	rx->resync_run = 0;
	rx->nr = (ns + 1) & SEQUENCE_MASK;
	return true;
}

/* Parse the sublayer, which is present; record its sequence information. */
static enum drop pull_sublayer(struct l2tp_session *s, struct cursor *c)
{
	uint32_t word = load_be32(c->at);

	pull(c, 4);
	if (l2tp_looks_like_frame(word))
		s->rx.sublayer_suspected++;
	if (word & SEQUENCE_PRESENT)
		s->rx.with_sequence++;
	else
		s->rx.without_sequence++;
	if (!s->expect_sequence)
		return DROP_NONE;
	if ((word & SEQUENCE_PRESENT) && sequence_passes(&s->rx, word & SEQUENCE_MASK))
		return DROP_NONE;
	s->rx.bad_sequence++;
	return DROP_L2TP_SEQUENCE;
}

/* Parse everything after the session id. */
static enum drop pull_session_headers(struct l2tp_session *s, struct cursor *c)
{
	size_t sublayer = s->sublayer == L2TP_SUBLAYER_DEFAULT ? 4 : 0;
	size_t headers = s->peer_cookie_len + sublayer;

	if (c->left < headers) {
		s->rx.bad_length++;
		return DROP_L2TP_SHORT;
	}
	if (s->peer_cookie_len && !secret_equal(c->at, s->peer_cookie, s->peer_cookie_len)) {
		s->rx.wrong_cookie++;
		return DROP_L2TP_COOKIE;
	}
	if (c->left - headers < ETHERNET_HEADER) {
		s->rx.bad_length++;
		return DROP_L2TP_RUNT;
	}
	if (c->left - headers > s->frame_max) {
		s->rx.bad_length++;
		return DROP_L2TP_OVERSIZE;
	}
	pull(c, s->peer_cookie_len);
	if (sublayer)
		return pull_sublayer(s, c);
	if (l2tp_looks_like_sublayer(c->at, c->left))
		s->rx.sublayer_suspected++;
	return DROP_NONE;
}

static enum drop pull_session(struct l2tp_table *t, struct cursor *c, struct l2tp_received *ret)
{
	struct l2tp_tunnel *tunnel = ret->tunnel;
	struct l2tp_session *s;
	uint32_t id;

	if (c->left < 4)
		return DROP_L2TP_SHORT;
	id = load_be32(c->at);
	if (!id) {
		tunnel->control_messages++;
		return DROP_L2TP_CONTROL;
	}
	s = l2tp_table_find_session(t, tunnel, id);
	if (!s) {
		tunnel->unknown_sessions++;
		tunnel->last_unknown_session = id;
		return DROP_L2TP_SESSION;
	}
	ret->session = s;
	pull(c, 4);
	return pull_session_headers(s, c);
}

/* The flags-and-version word that only UDP encapsulation has. */
static enum drop pull_flags(struct l2tp_tunnel *tunnel, struct cursor *c)
{
	uint16_t flags;

	if (c->left < 4)
		return DROP_L2TP_SHORT;
	flags = load_be16(c->at);
	if (flags & FLAG_CONTROL) {
		tunnel->control_messages++;
		return DROP_L2TP_CONTROL;
	}
	if ((flags & VERSION_MASK) != 3)
		return DROP_L2TP_VERSION;
	pull(c, 4);
	return DROP_NONE;
}

/* Whether the UDP checksum of the datagram `c` (header in) is right, or absent. */
static bool udp_checksum_passes(const struct ip_header *ip, const struct cursor *c)
{
	uint32_t sum, len = (uint32_t)c->left;

	if (!load_be16(c->at + 6))
		return true;
	sum = ip->family == AF_INET ? checksum_pseudo4(ip->src, ip->dst, IPPROTO_UDP, len)
				    : checksum_pseudo6(ip->src, ip->dst, IPPROTO_UDP, len);
	return checksum_ok(checksum_add(sum, c->at, c->left));
}

/* Parse the UDP header, which is present. */
static enum drop pull_udp(const struct ip_header *ip, struct l2tp_tunnel *tunnel, struct cursor *c)
{
	size_t len = load_be16(c->at + 4);

	if (len < UDP_HEADER || len > c->left)
		return DROP_L2TP_SHORT;
	c->left = len;
	if (!udp_checksum_passes(ip, c)) {
		tunnel->bad_checksums++;
		return DROP_L2TP_CHECKSUM;
	}
	pull(c, UDP_HEADER);
	return DROP_NONE;
}

static bool ipv4_header_is_sound(const uint8_t *packet, const struct ip_header *ip)
{
	uint64_t sum = 0;

	if (ip->family != AF_INET)
		return true;
	if (ip->header_len != 20)
		return checksum_ok(checksum_add(0, packet, ip->header_len));
	for (size_t i = 0; i < 20; i += 4) /* as nearly all have it: without a call */
		sum += load_le32(packet + i);
	return checksum_ok(checksum_combine((uint32_t)sum, (uint32_t)(sum >> 32)));
}

/* The tunnel that the packet with payload `c` belongs to, or NULL. */
static struct l2tp_tunnel *tunnel_of(
	const struct l2tp_table *t, const struct ip_header *ip, const struct cursor *c)
{
	if (ip->proto == IPPROTO_L2TP)
		return l2tp_table_find_tunnel(t, ip->family, ip->src, ip->dst, L2TP_ENCAP_IP, 0, 0);
	if (ip->proto != IPPROTO_UDP || c->left < UDP_HEADER)
		return NULL;
	return l2tp_table_find_tunnel(t, ip->family, ip->src, ip->dst, L2TP_ENCAP_UDP,
		load_be16(c->at), load_be16(c->at + 2));
}

static enum l2tp_verdict judge_fragment(const struct l2tp_table *t, const uint8_t *packet,
	const struct ip_header *ip, const struct cursor *c, struct l2tp_received *ret)
{
	if (ip->proto != IPPROTO_UDP && ip->proto != IPPROTO_L2TP)
		return L2TP_NOT_L2TP;
	if (!l2tp_table_has_pair(t, ip->family, ip->src, ip->dst))
		return L2TP_NOT_L2TP;
	if (!ipv4_header_is_sound(packet, ip)) {
		ret->drop = DROP_INNER_MALFORMED;
		return L2TP_DROP;
	}
	ret->foreign = ip->fragment_at == 0 && !tunnel_of(t, ip, c);
	return L2TP_FRAGMENT;
}

static enum drop pull_whole(struct l2tp_table *t, const uint8_t *packet, const struct ip_header *ip,
	struct cursor *c, struct l2tp_received *ret)
{
	enum drop drop;

	if (!ipv4_header_is_sound(packet, ip))
		return DROP_INNER_MALFORMED;
	if (ret->tunnel->encap == L2TP_ENCAP_UDP) {
		drop = pull_udp(ip, ret->tunnel, c);
		if (drop != DROP_NONE)
			return drop;
		drop = pull_flags(ret->tunnel, c);
		if (drop != DROP_NONE)
			return drop;
	}
	return pull_session(t, c, ret);
}

enum l2tp_verdict l2tp_judge(struct l2tp_table *t, const uint8_t *packet,
	const struct ip_header *ip, struct l2tp_received *ret)
{
	struct cursor c = { packet + ip->header_len, ip->payload_len };

	*ret = (struct l2tp_received){ .drop = DROP_NONE };
	if (ip->fragment)
		return judge_fragment(t, packet, ip, &c, ret);
	ret->tunnel = tunnel_of(t, ip, &c);
	if (!ret->tunnel)
		return L2TP_NOT_L2TP;
	ret->drop = pull_whole(t, packet, ip, &c, ret);
	if (ret->drop != DROP_NONE)
		return L2TP_DROP;
	ret->offset = (size_t)(c.at - packet);
	ret->len = c.left;
	return L2TP_FRAME;
}

enum l2tp_verdict l2tp_classify(
	struct l2tp_table *t, const uint8_t *packet, size_t len, struct l2tp_received *ret)
{
	struct ip_header ip;

	*ret = (struct l2tp_received){ .drop = DROP_NONE };
	if (ip_header_parse(packet, len, &ip) < 0)
		return L2TP_NOT_L2TP;
	return l2tp_judge(t, packet, &ip, ret);
}
