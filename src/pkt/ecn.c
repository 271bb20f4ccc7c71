/* SPDX-License-Identifier: MIT */
/* ECN of an inner IP packet and of its outer header. */
#include "pkt/ecn.h"

#include <netinet/in.h>

#include "base/bytes.h"

enum ecn {
	NOT_ECT = 0,
	ECT_1 = 1,
	ECT_0 = 2,
	CE = 3
};

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

static void set_ecn(uint8_t *packet, bool ip4, uint8_t tos, enum ecn ecn)
{
	tos = (uint8_t)((tos & ~3) | ecn);
	if (ip4)
		set_ip4_tos(packet, tos);
	else
		packet[1] = (uint8_t)((packet[1] & 0x0f) | (tos << 4));
}

enum drop ecn_in(uint8_t *packet, const struct ip_header *inner, uint8_t outer_tos)
{
	uint8_t in = inner->tos & 3, out = outer_tos & 3;

	if (out == CE && in == NOT_ECT)
		return DROP_INNER_ECN;
	if (out == CE && in != CE)
		set_ecn(packet, inner->family == AF_INET, inner->tos, CE);
	else if (out == ECT_1 && in == ECT_0)
		set_ecn(packet, inner->family == AF_INET, inner->tos, ECT_1);
	return DROP_NONE;
}

bool ecn_mark(uint8_t *packet)
{
	bool ip4 = packet[0] >> 4 == 4;
	uint8_t tos = ip4 ? packet[1] : (uint8_t)(load_be16(packet) >> 4);

	if ((tos & 3) == NOT_ECT)
		return false;
	set_ecn(packet, ip4, tos, CE);
	return true;
}
