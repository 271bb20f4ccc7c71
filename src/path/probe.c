/* SPDX-License-Identifier: MIT */
/* Path MTU probes as packets in the tunnel: ICMP echoes of an exact size, which a kernel or an
 * engine at the other end answers alike. */
#include "path/probe.h"

#include <errno.h>

#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/ip.h"

#define ECHO_HEADER   8
#define PACKET_MAX    65535
#define ICMP4_REQUEST 8
#define ICMP4_REPLY   0
#define ICMP6_REQUEST 128
#define ICMP6_REPLY   129
#define IPV4_DF	      0x4000

static size_t ip_header_len(uint16_t family)
{
	return family == AF_INET ? 20 : 40;
}

size_t probe_len_min(uint16_t family)
{
	return ip_header_len(family) + ECHO_HEADER + PROBE_NONCE_LEN;
}

static void write_ipv4(const struct probe *p, size_t len, uint8_t *dst)
{
	dst[0] = 0x45;
	store_be16(dst + 2, (uint16_t)len);
	store_be16(dst + 6, IPV4_DF);
	dst[8] = 64;
	dst[9] = IPPROTO_ICMP;
	memcpy(dst + 12, p->local.bytes, 4);
	memcpy(dst + 16, p->remote.bytes, 4);
	checksum_store(dst + 10, checksum_add(0, dst, 20));
}

static void write_ipv6(const struct probe *p, size_t len, uint8_t *dst)
{
	dst[0] = 0x60;
	store_be16(dst + 4, (uint16_t)(len - 40));
	dst[6] = IPPROTO_ICMPV6;
	dst[7] = 64;
	memcpy(dst + 8, p->local.bytes, 16);
	memcpy(dst + 24, p->remote.bytes, 16);
}

static uint8_t echo_type(enum probe_kind kind, bool v6)
{
	if (kind == PROBE_REQUEST)
		return v6 ? ICMP6_REQUEST : ICMP4_REQUEST;
	return v6 ? ICMP6_REPLY : ICMP4_REPLY;
}

int probe_write(
	const struct probe *p, enum probe_kind kind, size_t len, uint16_t token, uint8_t *dst)
{
	bool v6 = p->local.family == AF_INET6;
	size_t head = ip_header_len(p->local.family), echo_len = len - head;
	uint8_t *echo = dst + head;
	uint32_t sum = 0;

	if (len < probe_len_min(p->local.family) || len > PACKET_MAX)
		return -EINVAL;
	memset(dst, 0, len);
	if (v6)
		write_ipv6(p, len, dst);
	else
		write_ipv4(p, len, dst);
	echo[0] = echo_type(kind, v6);
	store_be16(echo + 4, p->id);
	store_be16(echo + 6, token);
	memcpy(echo + ECHO_HEADER, p->nonce, PROBE_NONCE_LEN);
	if (v6)
		sum = checksum_pseudo6(dst + 8, dst + 24, IPPROTO_ICMPV6, (uint32_t)echo_len);
	checksum_store(echo + 2, checksum_add(sum, echo, echo_len));
	return 0;
}

bool probe_is_answer(const struct probe *p, const uint8_t *packet, const struct ip_header *ip,
	uint16_t *ret_token)
{
	bool v6 = p->local.family == AF_INET6;
	size_t addr_len = v6 ? 16 : 4;
	const uint8_t *echo;

	if (ip->family != p->local.family)
		return false;
	if (ip->proto != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || ip->fragment_at != 0 ||
		ip->payload_len < ECHO_HEADER + PROBE_NONCE_LEN)
		return false;
	if (memcmp(ip->src, p->remote.bytes, addr_len) != 0 ||
		memcmp(ip->dst, p->local.bytes, addr_len) != 0)
		return false;
	echo = packet + ip->header_len;
	if (echo[0] != (v6 ? ICMP6_REPLY : ICMP4_REPLY) || load_be16(echo + 4) != p->id ||
		memcmp(echo + ECHO_HEADER, p->nonce, PROBE_NONCE_LEN) != 0)
		return false;
	*ret_token = load_be16(echo + 6);
	return true;
}

bool probe_is_echo_reply(const uint8_t *packet, size_t len)
{
	struct ip_header ip;

	if (ip_header_parse(packet, len, &ip) < 0 || !ip.payload_len)
		return false;
	if (ip.fragment_at)
		return ip.proto == IPPROTO_ICMP || ip.proto == IPPROTO_ICMPV6;
	return (ip.proto == IPPROTO_ICMP && packet[ip.header_len] == ICMP4_REPLY) ||
	       (ip.proto == IPPROTO_ICMPV6 && packet[ip.header_len] == ICMP6_REPLY);
}
