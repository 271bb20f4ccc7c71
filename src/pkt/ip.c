/* SPDX-License-Identifier: MIT */
/* Parse the IP header of an inner packet, including fragment headers: once for each packet. */
#include "pkt/ip.h"

#include "base/bytes.h"

#include <errno.h>
#include <netinet/in.h>

#define IPV4_MORE	0x2000
#define IPV4_OFFSET	0x1fff /* in units of 8 bytes */
#define IPV6_HEADER_LEN 40
#define IPV6_OFFSET	0xfff8
#define IPV6_MORE	0x0001
#define FRAGMENT_HEADER 8

static int parse_ipv4(const uint8_t *data, size_t len, struct ip_header *ret)
{
	size_t header_len, total;
	uint16_t flags;

	if (len < 20)
		return -EINVAL;
	header_len = (size_t)(data[0] & 15) * 4;
	total = load_be16(data + 2);
	if (header_len < 20 || total < header_len || total > len)
		return -EINVAL;
	flags = load_be16(data + 6);
	*ret = (struct ip_header){
		.family = AF_INET,
		.tos = data[1],
		.proto = data[9],
		.fragment = (flags & (IPV4_MORE | IPV4_OFFSET)) != 0,
		.more = (flags & IPV4_MORE) != 0,
		.fragment_at = (uint16_t)((flags & IPV4_OFFSET) * 8),
		.id = load_be16(data + 4),
		.header_len = header_len,
		.payload_len = total - header_len,
		.len = total,
		.src = data + 12,
		.dst = data + 16,
	};
	return 0;
}

static int parse_ipv6(const uint8_t *data, size_t len, struct ip_header *ret)
{
	size_t payload_len;
	struct ip_header ip;

	if (len < IPV6_HEADER_LEN)
		return -EINVAL;
	payload_len = load_be16(data + 4);
	if (payload_len > len - IPV6_HEADER_LEN)
		return -EINVAL;
	ip = (struct ip_header){
		.family = AF_INET6,
		.tos = (uint8_t)(load_be16(data) >> 4),
		.proto = data[6],
		.header_len = IPV6_HEADER_LEN,
		.payload_len = payload_len,
		.len = IPV6_HEADER_LEN + payload_len,
		.src = data + 8,
		.dst = data + 24,
	};
	if (ip.proto == IPPROTO_FRAGMENT) {
		const uint8_t *f = data + IPV6_HEADER_LEN;
		uint16_t offset;

		if (payload_len < FRAGMENT_HEADER)
			return -EINVAL;
		offset = load_be16(f + 2);
		ip.proto = f[0];
		ip.fragment = (offset & (IPV6_OFFSET | IPV6_MORE)) != 0;
		ip.more = (offset & IPV6_MORE) != 0;
		ip.fragment_at = offset & IPV6_OFFSET;
		ip.id = load_be32(f + 4);
		ip.header_len += FRAGMENT_HEADER;
		ip.payload_len -= FRAGMENT_HEADER;
	}
	*ret = ip;
	return 0;
}

int ip_header_parse(const uint8_t *data, size_t len, struct ip_header *ret)
{
	if (!len)
		return -EINVAL;
	if (data[0] >> 4 == 4)
		return parse_ipv4(data, len, ret);
	if (data[0] >> 4 == 6)
		return parse_ipv6(data, len, ret);
	return -EINVAL;
}
