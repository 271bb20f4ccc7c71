/* SPDX-License-Identifier: MIT */
/* Push: an L2TP packet larger than the wg MTU, as IP fragments inside the tunnel. */
#include "l2tp/fragment.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#include <errno.h>
#include <netinet/in.h>

#define IPV4_HEADER	20
#define IPV6_HEADER	40
#define FRAGMENT_HEADER 8
#define IPV4_MORE	0x2000
#define IPV6_MORE	0x0001
#define PACKET_MAX	65535

int fragment_plan(
	uint16_t family, size_t packet_len, size_t mtu, uint32_t id, struct fragment_plan *ret)
{
	size_t ip_len = family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
	size_t header_len = ip_len + (family == AF_INET ? 0 : FRAGMENT_HEADER);
	size_t piece, payload;

	if (packet_len <= mtu)
		return -EINVAL;
	if (mtu < header_len + 8 || packet_len > PACKET_MAX)
		return -EMSGSIZE;
	piece = (mtu - header_len) & ~(size_t)7;
	payload = packet_len - ip_len;
	*ret = (struct fragment_plan){
		.count = (payload + piece - 1) / piece,
		.ip_len = ip_len,
		.header_len = header_len,
		.piece = piece,
		.payload = payload,
		.id = id,
	};
	return 0;
}

static size_t piece_len(const struct fragment_plan *p, size_t j)
{
	return j + 1 < p->count ? p->piece : p->payload - j * p->piece;
}

size_t fragment_len(const struct fragment_plan *p, size_t j)
{
	return p->header_len + piece_len(p, j);
}

/* Turn a copy of the packet's IPv4 header into the fragment's. */
static void finish_ipv4(uint8_t *h, size_t len, size_t at, uint32_t id, bool more)
{
	store_be16(h + 2, (uint16_t)len);
	store_be16(h + 4, (uint16_t)id);
	store_be16(h + 6, (uint16_t)((more ? IPV4_MORE : 0) | at / 8));
	store_be16(h + 10, 0);
	checksum_store(h + 10, checksum_add(0, h, IPV4_HEADER));
}

/* Turn a copy of the packet's IPv6 header into the fragment's, fragment header behind it. */
static void finish_ipv6(uint8_t *h, size_t len, size_t at, uint32_t id, bool more)
{
	uint8_t *f = h + IPV6_HEADER;

	f[0] = h[6];
	f[1] = 0;
	store_be16(f + 2, (uint16_t)(at | (more ? IPV6_MORE : 0)));
	store_be32(f + 4, id);
	h[6] = IPPROTO_FRAGMENT;
	store_be16(h + 4, (uint16_t)(len - IPV6_HEADER));
}

size_t fragment_write(const struct fragment_plan *p, const uint8_t *packet, size_t j, uint8_t *dst)
{
	size_t at = j * p->piece, n = piece_len(p, j), len = p->header_len + n;
	bool more = j + 1 < p->count;

	memcpy(dst, packet, p->ip_len);
	if (p->ip_len == IPV4_HEADER)
		finish_ipv4(dst, len, at, p->id, more);
	else
		finish_ipv6(dst, len, at, p->id, more);
	memcpy(dst + p->header_len, packet + p->ip_len + at, n);
	return len;
}
