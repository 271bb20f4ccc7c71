/* SPDX-License-Identifier: MIT */
/* Oversize = reject: the ICMP error that informs a member of the MTU. */
#include "ether/toobig.h"

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define ICMP_HEADER_LEN 8
#define ICMP4_REPLY_MAX 576  /* RFC 1812 §4.3.2.3 */
#define ICMP6_REPLY_MAX 1280 /* RFC 4443 §3.2 */
#define REPLY_TTL	64
#define REPLY_TOS	0xc0 /* internetwork control, RFC 1812 §4.3.2.5 */

/* Whether the address is a unicast address of a single host. */
static bool is_host4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool is_host6(const uint8_t *a)
{
	static const uint8_t zero[15];

	if (memcmp(a, zero, sizeof(zero)) == 0 && a[15] <= 1)
		return false; /* unspecified or loopback */
	return a[0] != 0xff;
}

/* Whether the packet is an ICMP error or redirect, or ICMP without a type. */
static bool is_icmp_error(const uint8_t *frame, const struct headers *h)
{
	uint8_t type;

	if (h->proto != PROTO_ICMP4 && h->proto != PROTO_ICMP6)
		return false;
	if (h->l4 == h->end)
		return true;
	type = frame[h->l4];
	if (h->proto == PROTO_ICMP6)
		return type < 128 || type == 137;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Whether an ICMP error may be sent about the packet, regardless of its size. */
static bool may_reply(const uint8_t *frame, size_t len, const struct headers *h)
{
	const uint8_t *ip = frame + h->l3;

	if (h->version == 0 || h->end > len || h->frag_offset || !h->dont_fragment)
		return false;
	if ((frame[0] & 1) || (frame[6] & 1)) /* multicast MAC address */
		return false;
	if (h->version == 4) {
		if (!is_host4(ip + 12) || !is_host4(ip + 16) ||
			!checksum_ok(checksum_add(0, ip, h->l4 - h->l3)))
			return false;
	} else if (!is_host6(ip + 8) || !is_host6(ip + 24)) {
		return false;
	}
	return !is_icmp_error(frame, h);
}

/* Write IPv4 header and ICMP message at `ip`. Return: their length. */
static size_t put_reply4(uint8_t *ip, const uint8_t *packet, size_t packet_len, unsigned mtu)
{
	size_t quoted = size_min(packet_len, ICMP4_REPLY_MAX - IP4_HEADER_LEN - ICMP_HEADER_LEN);
	size_t icmp_len = ICMP_HEADER_LEN + quoted;
	uint8_t *icmp = ip + IP4_HEADER_LEN;

	memset(ip, 0, IP4_HEADER_LEN + ICMP_HEADER_LEN);
	ip[0] = 0x45;
	ip[1] = REPLY_TOS;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER_LEN + icmp_len));
	store_be16(ip + 6, 0x4000);
	ip[8] = REPLY_TTL;
	ip[9] = PROTO_ICMP4;
	memcpy(ip + 12, packet + 16, 4);
	memcpy(ip + 16, packet + 12, 4);
	checksum_store(ip + 10, checksum_add(0, ip, IP4_HEADER_LEN));
	icmp[0] = 3; /* destination unreachable */
	icmp[1] = 4; /* fragmentation needed and DF set */
	store_be16(icmp + 6, (uint16_t)size_min(mtu, UINT16_MAX));
	memcpy(icmp + ICMP_HEADER_LEN, packet, quoted);
	checksum_store(icmp + 2, checksum_add(0, icmp, icmp_len));
	return IP4_HEADER_LEN + icmp_len;
}

/* Write IPv6 header and ICMPv6 message at `ip`. Return: their length. */
static size_t put_reply6(uint8_t *ip, const uint8_t *packet, size_t packet_len, unsigned mtu)
{
	size_t quoted = size_min(packet_len, ICMP6_REPLY_MAX - IP6_HEADER_LEN - ICMP_HEADER_LEN);
	size_t icmp_len = ICMP_HEADER_LEN + quoted;
	uint8_t *icmp = ip + IP6_HEADER_LEN;
	uint32_t sum;

	memset(ip, 0, IP6_HEADER_LEN + ICMP_HEADER_LEN);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)icmp_len);
	ip[6] = PROTO_ICMP6;
	ip[7] = REPLY_TTL;
	memcpy(ip + 8, packet + 24, 16);
	memcpy(ip + 24, packet + 8, 16);
	icmp[0] = 2; /* packet too big */
	store_be32(icmp + 4, mtu);
	memcpy(icmp + ICMP_HEADER_LEN, packet, quoted);
	sum = checksum_pseudo6(ip + 8, ip + 24, PROTO_ICMP6, (uint32_t)icmp_len);
	checksum_store(icmp + 2, checksum_add(sum, icmp, icmp_len));
	return IP6_HEADER_LEN + icmp_len;
}

/* Write the frame's Ethernet header, tags included, with source and destination swapped. */
static void put_ethernet(uint8_t *to, const uint8_t *frame, size_t len)
{
	memcpy(to, frame, len);
	for (size_t i = 0; i < 6; i++) {
		to[i] = frame[6 + i];
		to[6 + i] = frame[i];
	}
}

size_t ether_too_big_reply(const uint8_t *frame, size_t len, unsigned max_packet,
	uint8_t ret_reply[static ETHER_TOO_BIG_MAX])
{
	struct headers h;
	const uint8_t *packet;
	size_t packet_len;
	unsigned tags, mtu;

	if (headers_parse(frame, len, true, &h) || !may_reply(frame, len, &h))
		return 0;
	packet = frame + h.l3;
	packet_len = h.end - h.l3;
	tags = h.vlan_tags * VLAN_TAG_LEN;
	mtu = max_packet > tags ? max_packet - tags : 0;
	if (packet_len <= mtu)
		return 0;
	put_ethernet(ret_reply, frame, h.l3);
	if (h.version == 4)
		return h.l3 + put_reply4(ret_reply + h.l3, packet, packet_len, mtu);
	return h.l3 + put_reply6(ret_reply + h.l3, packet, packet_len, mtu);
}
