/* SPDX-License-Identifier: MIT */
/* Encodes probes (ARP, neighbour discovery, echo requests) and decodes the answers. */
#include "judge/wire.h"

#include <string.h>

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define ETHERTYPE_ARP	 0x0806
#define ETHERTYPE_LOCAL	 0x88b5 /* local experiments */
#define ARP_REQUEST	 1
#define ARP_REPLY	 2
#define ICMP4_ECHO	 8
#define ICMP4_REPLY	 0
#define ICMP4_UNREACH	 3
#define ICMP4_PORT	 3
#define ICMP6_UNREACH	 1
#define ICMP6_PORT	 4
#define ICMP6_TOO_BIG	 2
#define ICMP6_ECHO	 128
#define ICMP6_REPLY	 129
#define ICMP6_SOLICIT	 135
#define ICMP6_ADVERT	 136
#define NEIGHBOUR_LEN	 32 /* of ICMPv6: with one option */
#define OPTION_SOURCE	 1  /* link-layer address */
#define OPTION_TARGET	 2
#define LOOP_PROBE_END	 (ETH_HEADER_LEN + WIRE_NONCE_LEN + 2)
#define SYN_PORTS	 0xf000 /* our ports: these, and the low 12 bits of the mark's id */
#define SYN_WINDOW	 1024
#define ETHERTYPE_TAG	 0x8100
#define ETH_TYPE_OFFSET	 12
#define TAG_LEN		 4
#define EXPEDITED	 0xb8 /* the DSCP, 46, and no ECN */
#define MORE_FRAGMENTS	 0x2000
#define PIECE_LEN	 (WIRE_PIECE_LEN - ETH_HEADER_LEN - IP4_HEADER_LEN)
#define UDP_PROBE_LEN	 (UDP_HEADER_LEN + WIRE_NONCE_LEN + 2)
#define ADVERT_SOLICITED 0x60000000U /* solicited, override */

static const uint8_t broadcast[LINK_MAC_LEN] = { 255, 255, 255, 255, 255, 255 };

static void put_ethernet(uint8_t *frame, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	memcpy(frame, dst, LINK_MAC_LEN);
	memcpy(frame + 6, src, LINK_MAC_LEN);
	store_be16(frame + 12, type);
}

static void put_arp(uint8_t *arp, const struct wire_ends *ends)
{
	memset(arp, 0, WIRE_ARP_LEN - ETH_HEADER_LEN);
	store_be32(arp, 0x00010800); /* Ethernet, IPv4 */
	store_be16(arp + 4, 0x0604); /* lengths of their addresses */
	store_be16(arp + 6, ARP_REQUEST);
	memcpy(arp + 8, ends->src_mac, LINK_MAC_LEN);
	memcpy(arp + 24, ends->dst.bytes, 4);
}

void wire_arp_request(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ARP_LEN])
{
	uint8_t *arp = ret_frame + ETH_HEADER_LEN;

	put_ethernet(ret_frame, broadcast, ends->src_mac, ETHERTYPE_ARP);
	put_arp(arp, ends);
	memcpy(arp + 14, ends->src.bytes, 4);
}

/* Fill the bytes after `from` with the mark's payload. */
static void put_nonce(uint8_t *data, size_t from, size_t len, const struct wire_mark *mark)
{
	for (size_t at = from; at < len; at += WIRE_NONCE_LEN)
		memcpy(data + at, mark->nonce, size_min(WIRE_NONCE_LEN, len - at));
}

size_t wire_arp_probe(
	const struct wire_ends *ends, const struct wire_mark *mark, size_t size, uint8_t *ret)
{
	put_ethernet(ret, ends->dst_mac, ends->src_mac, ETHERTYPE_ARP);
	put_arp(ret + ETH_HEADER_LEN, ends);
	put_nonce(ret, WIRE_ARP_LEN, ETH_HEADER_LEN + size, mark);
	return ETH_HEADER_LEN + size;
}

void wire_loop_probe(const uint8_t src_mac[static LINK_MAC_LEN], const struct wire_mark *mark,
	uint16_t number, uint8_t ret_frame[static WIRE_LOOP_PROBE_LEN])
{
	put_ethernet(ret_frame, broadcast, src_mac, ETHERTYPE_LOCAL);
	memcpy(ret_frame + ETH_HEADER_LEN, mark->nonce, WIRE_NONCE_LEN);
	store_be16(ret_frame + ETH_HEADER_LEN + WIRE_NONCE_LEN, number);
	memset(ret_frame + LOOP_PROBE_END, 0, WIRE_LOOP_PROBE_LEN - LOOP_PROBE_END);
}

static void put_ip6(
	uint8_t *ip, const struct wire_ends *ends, size_t payload, uint8_t proto, uint8_t hops)
{
	memset(ip, 0, IP6_HEADER_LEN);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)payload);
	ip[6] = proto;
	ip[7] = hops;
	memcpy(ip + 8, ends->src.bytes, 16);
	memcpy(ip + 24, ends->dst.bytes, 16);
}

static void put_ip4(uint8_t *ip, const struct wire_ends *ends, size_t len, uint8_t proto)
{
	memset(ip, 0, IP4_HEADER_LEN);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)len);
	ip[6] = 0x40; /* don't fragment */
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, ends->src.bytes, 4);
	memcpy(ip + 16, ends->dst.bytes, 4);
	checksum_store(ip + 10, checksum_add(0, ip, IP4_HEADER_LEN));
}

static void finish_icmp6(const uint8_t *ip, uint8_t *icmp, size_t len)
{
	uint32_t sum = checksum_pseudo6(ip + 8, ip + 24, PROTO_ICMP6, (uint32_t)len);

	checksum_store(icmp + 2, checksum_add(sum, icmp, len));
}

/* Write a message of neighbour discovery about `target`, with the sender's address as `option`. */
static void put_neighbour(uint8_t *frame, const struct wire_ends *ends, uint8_t type,
	const struct ip_addr *target, uint8_t option)
{
	uint8_t *ip = frame + ETH_HEADER_LEN;
	uint8_t *icmp = ip + IP6_HEADER_LEN;

	put_ethernet(frame, ends->dst_mac, ends->src_mac, ETHERTYPE_6);
	put_ip6(ip, ends, NEIGHBOUR_LEN, PROTO_ICMP6, 255);
	memset(icmp, 0, NEIGHBOUR_LEN);
	icmp[0] = type;
	store_be32(icmp + 4, type == ICMP6_ADVERT ? ADVERT_SOLICITED : 0);
	memcpy(icmp + 8, target->bytes, 16);
	icmp[24] = option;
	icmp[25] = 1; /* its length: 8 bytes */
	memcpy(icmp + 26, ends->src_mac, LINK_MAC_LEN);
	finish_icmp6(ip, icmp, NEIGHBOUR_LEN);
}

void wire_advertise(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ADVERT_LEN])
{
	put_neighbour(ret_frame, ends, ICMP6_ADVERT, &ends->src, OPTION_TARGET);
}

void wire_solicit(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_SOLICIT_LEN])
{
	static const uint8_t group[13] = { 0xff, 0x02, [11] = 1, [12] = 0xff };
	struct wire_ends to_group = *ends;

	memcpy(to_group.dst.bytes, group, sizeof(group)); /* and 3 bytes of the target */
	store_be16(to_group.dst_mac, 0x3333);
	memcpy(to_group.dst_mac + 2, to_group.dst.bytes + 12, 4);
	put_neighbour(ret_frame, &to_group, ICMP6_SOLICIT, &ends->dst, OPTION_SOURCE);
}

void wire_echo(
	uint16_t family, const struct wire_mark *mark, uint16_t seq, uint8_t *ret, size_t len)
{
	ret[0] = family == AF_INET ? ICMP4_ECHO : ICMP6_ECHO;
	ret[1] = 0;
	store_be16(ret + 2, 0);
	store_be16(ret + 4, mark->id);
	store_be16(ret + 6, seq);
	put_nonce(ret, 8, len, mark);
	if (family == AF_INET)
		checksum_store(ret + 2, checksum_add(0, ret, len));
}

size_t wire_echo_min(uint16_t family)
{
	return family == AF_INET ? IP4_HEADER_LEN + 8 : IP6_HEADER_LEN + 8;
}

size_t wire_echo_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	size_t ip_len, uint8_t *ret)
{
	bool v4 = ends->dst.family == AF_INET;
	size_t header = v4 ? IP4_HEADER_LEN : IP6_HEADER_LEN;
	uint8_t *ip = ret + ETH_HEADER_LEN;

	put_ethernet(ret, ends->dst_mac, ends->src_mac, v4 ? ETHERTYPE_4 : ETHERTYPE_6);
	if (v4)
		put_ip4(ip, ends, ip_len, PROTO_ICMP4);
	else
		put_ip6(ip, ends, ip_len - header, PROTO_ICMP6, 64);
	wire_echo(ends->dst.family, mark, seq, ip + header, ip_len - header);
	if (!v4)
		finish_icmp6(ip, ip + header, ip_len - header);
	return ETH_HEADER_LEN + ip_len;
}

void wire_make_reply(uint16_t family, uint8_t *frame)
{
	bool v4 = family == AF_INET;
	uint8_t *icmp = frame + ETH_HEADER_LEN + (v4 ? IP4_HEADER_LEN : IP6_HEADER_LEN);
	unsigned type = v4 ? ICMP4_REPLY : ICMP6_REPLY;

	checksum_replace16(icmp + 2, icmp, (uint16_t)(type << 8), false);
}

/* Write the headers of a frame with `len` bytes of `proto` over IP. Return: where these begin. */
static uint8_t *put_headers(uint8_t *frame, const struct wire_ends *ends, size_t len, uint8_t proto)
{
	bool v4 = ends->dst.family == AF_INET;
	uint8_t *ip = frame + ETH_HEADER_LEN;

	put_ethernet(frame, ends->dst_mac, ends->src_mac, v4 ? ETHERTYPE_4 : ETHERTYPE_6);
	if (v4) {
		put_ip4(ip, ends, IP4_HEADER_LEN + len, proto);
		return ip + IP4_HEADER_LEN;
	}
	put_ip6(ip, ends, len, proto, 64);
	return ip + IP6_HEADER_LEN;
}

/* The sum over the pseudo header of a packet of TCP or UDP. */
static uint32_t pseudo_sum(const struct wire_ends *ends, uint8_t proto, uint16_t len)
{
	return ends->dst.family == AF_INET
		       ? checksum_pseudo4(ends->src.bytes, ends->dst.bytes, proto, len)
		       : checksum_pseudo6(ends->src.bytes, ends->dst.bytes, proto, len);
}

void wire_expedite(uint8_t *frame)
{
	uint8_t *ip = frame + ETH_HEADER_LEN;

	if (ip[0] >> 4 == 4) {
		checksum_replace16(ip + 10, ip, load_be16(ip) | EXPEDITED, false);
		return;
	}
	ip[0] = (uint8_t)(0x60 | EXPEDITED >> 4);
	ip[1] = (uint8_t)(EXPEDITED << 4);
}

size_t wire_add_tag(uint8_t *frame, size_t len, uint16_t vlan)
{
	memmove(frame + ETH_TYPE_OFFSET + TAG_LEN, frame + ETH_TYPE_OFFSET, len - ETH_TYPE_OFFSET);
	store_be16(frame + ETH_TYPE_OFFSET, ETHERTYPE_TAG);
	store_be16(frame + ETH_TYPE_OFFSET + 2, vlan);
	return len + TAG_LEN;
}

/* Write the fields of the IPv4 header of a fragment with `len` bytes. */
static void put_fragment(uint8_t *ip, size_t len, uint16_t number, uint16_t flags_and_offset)
{
	store_be16(ip + 2, (uint16_t)len);
	store_be16(ip + 4, number);
	store_be16(ip + 6, flags_and_offset);
	store_be16(ip + 10, 0);
	checksum_store(ip + 10, checksum_add(0, ip, IP4_HEADER_LEN));
}

size_t wire_cut(uint8_t *frame, size_t len, uint16_t number, uint8_t *ret_later)
{
	size_t headers = ETH_HEADER_LEN + IP4_HEADER_LEN;
	size_t rest = len - WIRE_PIECE_LEN;

	memcpy(ret_later, frame, headers);
	memcpy(ret_later + headers, frame + WIRE_PIECE_LEN, rest);
	put_fragment(ret_later + ETH_HEADER_LEN, IP4_HEADER_LEN + rest, number, PIECE_LEN / 8);
	put_fragment(frame + ETH_HEADER_LEN, IP4_HEADER_LEN + PIECE_LEN, number, MORE_FRAGMENTS);
	return headers + rest;
}

static uint16_t syn_port(const struct wire_mark *mark)
{
	return SYN_PORTS | (mark->id & 0xfff);
}

size_t wire_syn_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	uint16_t port, uint8_t ret_frame[static WIRE_SYN_MAX])
{
	uint8_t *tcp = put_headers(ret_frame, ends, TCP_HEADER_LEN, PROTO_TCP);
	uint32_t sum = pseudo_sum(ends, PROTO_TCP, TCP_HEADER_LEN);

	memset(tcp, 0, TCP_HEADER_LEN);
	store_be16(tcp, syn_port(mark));
	store_be16(tcp + 2, port);
	memcpy(tcp + TCP_SEQ_OFFSET, mark->nonce, 2); /* the sequence number: ours, and which */
	store_be16(tcp + TCP_SEQ_OFFSET + 2, seq);
	tcp[TCP_DOFF_OFFSET] = TCP_HEADER_LEN / 4 << 4;
	tcp[TCP_FLAGS_OFFSET] = TCP_FLAG_SYN;
	store_be16(tcp + 14, SYN_WINDOW);
	checksum_store(tcp + TCP_CSUM_OFFSET, checksum_add(sum, tcp, TCP_HEADER_LEN));
	return (size_t)(tcp + TCP_HEADER_LEN - ret_frame);
}

size_t wire_udp_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	uint16_t port, uint8_t ret_frame[static WIRE_UDP_MAX])
{
	uint8_t *udp = put_headers(ret_frame, ends, UDP_PROBE_LEN, PROTO_UDP);
	uint32_t sum = pseudo_sum(ends, PROTO_UDP, UDP_PROBE_LEN);

	store_be16(udp, syn_port(mark));
	store_be16(udp + 2, port);
	store_be16(udp + 4, UDP_PROBE_LEN);
	store_be16(udp + 6, 0);
	memcpy(udp + UDP_HEADER_LEN, mark->nonce, WIRE_NONCE_LEN);
	store_be16(udp + UDP_HEADER_LEN + WIRE_NONCE_LEN, seq);
	checksum_store_udp(udp + 6, checksum_add(sum, udp, UDP_PROBE_LEN));
	return (size_t)(udp + UDP_PROBE_LEN - ret_frame);
}

static struct ip_addr address_at(const uint8_t *p, uint8_t version)
{
	return version == 4 ? ip_addr_v4(p) : ip_addr_v6(p);
}

static struct ip_addr source_of(const uint8_t *ip, uint8_t version)
{
	return address_at(ip + (version == 4 ? 12 : 8), version);
}

static struct ip_addr destination_of(const uint8_t *ip, uint8_t version)
{
	return address_at(ip + (version == 4 ? 16 : 24), version);
}

/* Decode the packet quoted by an ICMP error. */
static enum wire_kind read_error(
	const uint8_t *icmp, size_t len, uint8_t version, struct wire_read *r)
{
	const uint8_t *quoted = icmp + 8;
	struct headers h;

	if (len < 8 || headers_parse(quoted, len - 8, false, &h) < 0 || h.version != version)
		return WIRE_OTHER;
	r->icmp = (struct observed_icmp){
		.seen = true, .ipv6 = version == 6, .type = icmp[0], .code = icmp[1], .from = r->src
	};
	r->dst = source_of(quoted, version);
	r->target = destination_of(quoted, version);
	r->proto = h.proto;
	r->source_port = r->destination_port = 0;
	if (h.proto == PROTO_UDP && !h.frag_offset && len - 8 >= h.l4 + 4U) {
		r->source_port = load_be16(quoted + h.l4);
		r->destination_port = load_be16(quoted + h.l4 + 2);
	}
	return WIRE_ERROR;
}

static enum wire_kind read_icmp(const uint8_t *icmp, size_t len, uint8_t version,
	const struct wire_mark *mark, struct wire_read *r)
{
	uint8_t type = icmp[0];
	uint8_t request = version == 4 ? ICMP4_ECHO : ICMP6_ECHO;
	uint8_t reply = version == 4 ? ICMP4_REPLY : ICMP6_REPLY;

	if (version == 4 ? type == ICMP4_UNREACH : type == ICMP6_UNREACH || type == ICMP6_TOO_BIG)
		return read_error(icmp, len, version, r);
	if ((type == reply || type == request) && load_be16(icmp + 4) == mark->id) {
		if (len >= 8 + WIRE_NONCE_LEN && memcmp(icmp + 8, mark->nonce, WIRE_NONCE_LEN) != 0)
			return WIRE_OTHER;
		r->seq = load_be16(icmp + 6);
		r->in_pieces = r->fragment;
		return type == reply ? WIRE_ECHO_REPLY : WIRE_ECHO_REQUEST;
	}
	if (version == 6 && (type == ICMP6_SOLICIT || type == ICMP6_ADVERT) && len >= 24) {
		r->target = ip_addr_v6(icmp + 8);
		return type == ICMP6_SOLICIT ? WIRE_SOLICIT : WIRE_ADVERT;
	}
	return WIRE_OTHER;
}

/* A SYN of ours, or the answer to one, which acknowledges its number. */
static enum wire_kind read_tcp(
	const uint8_t *tcp, const struct wire_mark *mark, struct wire_read *r)
{
	bool reply = tcp[TCP_FLAGS_OFFSET] & TCP_FLAG_ACK;
	uint32_t number = load_be32(tcp + TCP_SEQ_OFFSET);

	if (reply)
		number = load_be32(tcp + TCP_ACK_OFFSET) - 1;
	if (load_be16(tcp + (reply ? 2 : 0)) != syn_port(mark) ||
		number >> 16 != load_be16(mark->nonce))
		return WIRE_OTHER;
	r->source_port = load_be16(tcp);
	r->destination_port = load_be16(tcp + 2);
	r->seq = (uint16_t)number;
	return reply ? WIRE_ECHO_REPLY : WIRE_ECHO_REQUEST;
}

/* A datagram of ours. */
static bool is_udp_probe(const struct wire_read *r, const struct wire_mark *mark)
{
	return r->source_port == syn_port(mark) && r->payload_len >= WIRE_NONCE_LEN + 2 &&
	       !memcmp(r->payload, mark->nonce, WIRE_NONCE_LEN);
}

/* A second fragment of wire_cut(), which begins with the mark's payload. */
static bool is_later_piece(const uint8_t *data, size_t len, const struct headers *h,
	const struct wire_mark *mark, struct wire_read *r)
{
	if (h->version != 4 || h->frag_offset != PIECE_LEN || h->proto != PROTO_ICMP4 ||
		len < h->l4 + (size_t)WIRE_NONCE_LEN ||
		memcmp(data + h->l4, mark->nonce, WIRE_NONCE_LEN) != 0)
		return false;
	r->seq = load_be16(data + h->l3 + 4);
	return true;
}

static enum wire_kind read_ip(const uint8_t *data, size_t len, const struct headers *h,
	const struct wire_mark *mark, struct wire_read *r)
{
	const uint8_t *l4 = data + h->l4;

	r->src = source_of(data + h->l3, h->version);
	r->dst = destination_of(data + h->l3, h->version);
	r->proto = h->proto;
	r->fragment = headers_is_fragment(h);
	if (r->fragment && !h->frag_offset)
		r->first_len = h->version == 4 ? load_be16(data + h->l3 + 2)
					       : 40U + load_be16(data + h->l3 + 4);
	if (h->frag_offset || len < h->l4 + 8U)
		return is_later_piece(data, len, h, mark, r) ? WIRE_LATER_PIECE : WIRE_OTHER;
	if (h->proto == PROTO_UDP) {
		r->source_port = load_be16(l4);
		r->destination_port = load_be16(l4 + 2);
		r->payload = l4 + UDP_HEADER_LEN;
		r->payload_len = len - h->l4 - UDP_HEADER_LEN;
		if (is_udp_probe(r, mark)) {
			r->seq = load_be16(r->payload + WIRE_NONCE_LEN);
			return WIRE_ECHO_REQUEST;
		}
	}
	if (h->proto == PROTO_L2TP) {
		r->payload = l4;
		r->payload_len = len - h->l4;
	}
	if (h->proto == PROTO_TCP && len - h->l4 >= TCP_HEADER_LEN)
		return read_tcp(l4, mark, r);
	if (h->proto == (h->version == 4 ? PROTO_ICMP4 : PROTO_ICMP6))
		return read_icmp(l4, len - h->l4, h->version, mark, r);
	return WIRE_OTHER;
}

enum wire_kind wire_read_packet(
	const uint8_t *packet, size_t len, const struct wire_mark *mark, struct wire_read *ret)
{
	struct headers h;

	*ret = (struct wire_read){ 0 };
	if (headers_parse(packet, len, false, &h) < 0 || !h.version)
		return WIRE_OTHER;
	return read_ip(packet, len, &h, mark, ret);
}

static enum wire_kind read_arp(const uint8_t *arp, size_t len, struct wire_read *r)
{
	uint16_t operation;

	if (len < WIRE_ARP_LEN - ETH_HEADER_LEN)
		return WIRE_OTHER;
	operation = load_be16(arp + 6);
	memcpy(r->src_mac, arp + 8, LINK_MAC_LEN);
	r->src = ip_addr_v4(arp + 14);
	r->target = ip_addr_v4(arp + 24);
	if (operation == ARP_REQUEST)
		return WIRE_ARP_REQUEST;
	return operation == ARP_REPLY ? WIRE_ARP_REPLY : WIRE_OTHER;
}

static bool is_loop_probe(const uint8_t *frame, size_t len, const struct wire_mark *mark)
{
	return load_be16(frame + 12) == ETHERTYPE_LOCAL && len >= LOOP_PROBE_END &&
	       !memcmp(frame + ETH_HEADER_LEN, mark->nonce, WIRE_NONCE_LEN);
}

enum wire_kind wire_read_frame(
	const uint8_t *frame, size_t len, const struct wire_mark *mark, struct wire_read *ret)
{
	struct headers h;

	*ret = (struct wire_read){ 0 };
	if (len < ETH_HEADER_LEN)
		return WIRE_OTHER;
	memcpy(ret->dst_mac, frame, LINK_MAC_LEN);
	memcpy(ret->src_mac, frame + 6, LINK_MAC_LEN);
	if (load_be16(frame + 12) == ETHERTYPE_ARP)
		return read_arp(frame + ETH_HEADER_LEN, len - ETH_HEADER_LEN, ret);
	if (is_loop_probe(frame, len, mark)) {
		ret->seq = load_be16(frame + LOOP_PROBE_END - 2);
		return WIRE_LOOP_PROBE;
	}
	if (headers_parse(frame, len, true, &h) < 0 || !h.version)
		return WIRE_OTHER;
	return read_ip(frame, len, &h, mark, ret);
}

bool wire_is_udp_error(const struct wire_read *r, const struct wire_mark *mark)
{
	return r->proto == PROTO_UDP && r->source_port == syn_port(mark) &&
	       r->icmp.type == (r->icmp.ipv6 ? ICMP6_UNREACH : ICMP4_UNREACH) &&
	       r->icmp.code == (r->icmp.ipv6 ? ICMP6_PORT : ICMP4_PORT);
}

bool wire_is_echo_reply6(const uint8_t *icmp, size_t len, const struct wire_mark *mark)
{
	return len >= 8 + WIRE_NONCE_LEN && icmp[0] == ICMP6_REPLY &&
	       load_be16(icmp + 4) == mark->id && !memcmp(icmp + 8, mark->nonce, WIRE_NONCE_LEN);
}

bool wire_has_nonce(const uint8_t *packet, size_t len, const struct wire_mark *mark)
{
	return memmem(packet, len, mark->nonce, WIRE_NONCE_LEN) != NULL;
}

void wire_all_nodes(struct ip_addr *ret_addr, uint8_t ret_mac[static LINK_MAC_LEN])
{
	static const uint8_t mac[LINK_MAC_LEN] = { 0x33, 0x33, 0, 0, 0, 1 };

	*ret_addr = (struct ip_addr){ .family = AF_INET6, .bytes = { 0xff, 0x02, [15] = 1 } };
	memcpy(ret_mac, mac, sizeof(mac));
}

void wire_bridge_group(uint8_t ret_mac[static LINK_MAC_LEN])
{
	static const uint8_t mac[LINK_MAC_LEN] = { 0x01, 0x80, 0xc2, 0, 0, 0 };

	memcpy(ret_mac, mac, sizeof(mac));
}

void wire_link_local_group(uint8_t ret_mac[static LINK_MAC_LEN])
{
	static const uint8_t mac[LINK_MAC_LEN] = { 0x01, 0x80, 0xc2, 0, 0, 0x0f };

	memcpy(ret_mac, mac, sizeof(mac));
}
