/* SPDX-License-Identifier: MIT */
/* Basic fields of an inner IP packet: addresses, length without padding, ECN. */
#include "pkt/inner.h"

#include "base/bytes.h"

#define IP4_LEN 20
#define IP6_LEN 40

enum ecn {
	NOT_ECT = 0,
	ECT_1 = 1,
	ECT_0 = 2,
	CE = 3
};

static enum drop parse_ip4(const uint8_t *packet, size_t len, struct inner_packet *ret)
{
	size_t header, total;

	if (len < IP4_LEN)
		return DROP_INNER_MALFORMED;
	header = (size_t)(packet[0] & 15) * 4;
	total = load_be16(packet + 2);
	if (header < IP4_LEN || header > total || total > len)
		return DROP_INNER_MALFORMED;
	*ret = (struct inner_packet){
		.family = AF_INET,
		.tos = packet[1],
		.len = total,
		.src = packet + 12,
		.dst = packet + 16,
	};
	return DROP_NONE;
}

static enum drop parse_ip6(const uint8_t *packet, size_t len, struct inner_packet *ret)
{
	size_t total;

	if (len < IP6_LEN)
		return DROP_INNER_MALFORMED;
	total = IP6_LEN + (size_t)load_be16(packet + 4);
	if (total > len)
		return DROP_INNER_MALFORMED;
	*ret = (struct inner_packet){
		.family = AF_INET6,
		.tos = (uint8_t)(load_be16(packet) >> 4),
		.len = total,
		.src = packet + 8,
		.dst = packet + 24,
	};
	return DROP_NONE;
}

enum drop inner_parse(const uint8_t *packet, size_t len, struct inner_packet *ret)
{
	switch (len ? packet[0] >> 4 : 0) {
	case 4:
		return parse_ip4(packet, len, ret);
	case 6:
		return parse_ip6(packet, len, ret);
	default:
		return DROP_INNER_MALFORMED;
	}
}

/* One's complement sum of the complemented checksum, the complemented old word and the new word
 * (RFC 1624). */
static void set_ip4_tos(uint8_t *packet, uint8_t tos)
{
	uint16_t old = load_be16(packet);
	uint32_t sum = (uint16_t)~load_be16(packet + 10);

	packet[1] = tos;
	sum += (uint16_t)~old;
	sum += load_be16(packet);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(packet + 10, (uint16_t)~sum);
}

static void set_ecn(uint8_t *packet, const struct inner_packet *inner, enum ecn ecn)
{
	uint8_t tos = (uint8_t)((inner->tos & ~3) | ecn);

	if (inner->family == AF_INET)
		set_ip4_tos(packet, tos);
	else
		packet[1] = (uint8_t)((packet[1] & 0x0f) | (tos << 4));
}

enum drop inner_ecn_in(uint8_t *packet, const struct inner_packet *inner, uint8_t outer_tos)
{
	uint8_t in = inner->tos & 3, out = outer_tos & 3;

	if (out == CE && in == NOT_ECT)
		return DROP_INNER_ECN;
	if (out == CE && in != CE)
		set_ecn(packet, inner, CE);
	else if (out == ECT_1 && in == ECT_0)
		set_ecn(packet, inner, ECT_1);
	return DROP_NONE;
}
