/* SPDX-License-Identifier: MIT */
/* Packets for tests and benchmarks, built naively: calls none of the code under test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The packet to build. Zero-initialised: IPv4 TCP without tags, options or payload. */
struct testpkt {
	bool ethernet;
	bool v6;
	bool udp;
	bool df;
	bool partial; /* leave the pseudo-header sum in the checksum field (NEEDS_CSUM) */
	unsigned vlan_tags;
	unsigned hosts; /* selects the addresses */
	uint16_t sport, dport;
	uint16_t id;
	uint16_t frag; /* IPv4: flags and offset in addition to DF */
	uint8_t tos, ttl;
	unsigned
		ip_options; /* IPv4: bytes of options; IPv6: bytes of destination options (n × 8) */
	uint32_t seq, ack;
	uint8_t flags; /* TCP, in addition to ACK */
	uint16_t window;
	const uint8_t *options; /* TCP */
	unsigned options_len;	/* a multiple of 4 */
	uint32_t stream;	/* offset in the endless pattern at which the payload begins */
	unsigned payload;
	unsigned padding; /* padding after the IP packet */
};

static inline void test_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void test_be32(uint8_t *p, uint32_t v)
{
	test_be16(p, v >> 16);
	test_be16(p + 2, v & 0xffff);
}

static inline unsigned test_load16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/** Sum of 16-bit words in host order, with the carry added at each step. */
static inline unsigned test_sum(unsigned sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (unsigned)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/** Byte `at` of the endless pattern. */
static inline uint8_t test_byte(uint32_t at)
{
	return (uint8_t)((at * 2654435761u) >> 24);
}

static inline uint8_t *test_put_ethernet(const struct testpkt *t, uint8_t *p)
{
	const uint8_t macs[12] = { 2, 0, 0, 0, 1, (uint8_t)t->hosts, 2, 0, 0, 0, 2,
		(uint8_t)t->hosts };

	if (!t->ethernet)
		return p;
	memcpy(p, macs, 12);
	p += 12;
	for (unsigned i = 0; i < t->vlan_tags; i++, p += 4) {
		test_be16(p, i + 1 < t->vlan_tags ? 0x88a8 : 0x8100);
		test_be16(p + 2, 0x6000 + 100 + i);
	}
	test_be16(p, t->v6 ? 0x86dd : 0x0800);
	return p + 2;
}

static inline uint8_t *test_put_ip4(const struct testpkt *t, uint8_t *p, unsigned l4_len)
{
	unsigned ihl = 20 + t->ip_options;

	memset(p, 1, ihl); /* options: NOPs */
	p[0] = (uint8_t)(0x40 | ihl / 4);
	p[1] = t->tos;
	test_be16(p + 2, ihl + l4_len);
	test_be16(p + 4, t->id);
	test_be16(p + 6, (t->df ? 0x4000u : 0u) | t->frag);
	p[8] = t->ttl;
	p[9] = t->udp ? 17 : 6;
	test_be16(p + 10, 0);
	test_be32(p + 12, 0x0a000200 + t->hosts % 200);
	test_be32(p + 16, 0x0a000300 + t->hosts % 200);
	test_be16(p + 10, ~test_sum(0, p, ihl) & 0xffff);
	return p + ihl;
}

static inline uint8_t *test_put_ip6(const struct testpkt *t, uint8_t *p, unsigned l4_len)
{
	memset(p, 0, 40 + t->ip_options);
	test_be32(p, 0x60000000 | (uint32_t)t->tos << 20);
	test_be16(p + 4, t->ip_options + l4_len);
	p[6] = t->ip_options ? 60 : t->udp ? 17 : 6;
	p[7] = t->ttl;
	p[8] = p[24] = 0xfd;
	test_be16(p + 22, t->hosts);
	test_be16(p + 38, t->hosts + 1);
	if (t->ip_options) { /* a single PadN */
		p[40] = t->udp ? 17 : 6;
		p[41] = (uint8_t)(t->ip_options / 8 - 1);
		p[42] = 1;
		p[43] = (uint8_t)(t->ip_options - 4);
	}
	return p + 40 + t->ip_options;
}

/** Sum of the pseudo header of the IP packet at `ip`. */
static inline unsigned test_pseudo(const uint8_t *ip, unsigned proto, size_t l4_len)
{
	bool v6 = ip[0] >> 4 == 6;
	uint8_t rest[8] = { 0 };

	test_be32(rest, (uint32_t)l4_len);
	rest[7] = (uint8_t)proto;
	return test_sum(test_sum(0, ip + (v6 ? 8 : 12), v6 ? 32 : 8), rest, 8);
}

/** Build the packet at `dst`. Return: its length. */
static inline size_t testpkt_build(const struct testpkt *t, uint8_t *dst)
{
	unsigned l4_hdr = t->udp ? 8 : 20 + t->options_len;
	unsigned l4_len = l4_hdr + t->payload;
	uint8_t *ip = test_put_ethernet(t, dst);
	uint8_t *l4 = t->v6 ? test_put_ip6(t, ip, l4_len) : test_put_ip4(t, ip, l4_len);
	uint8_t *check = l4 + (t->udp ? 6 : 16);
	unsigned sum;

	memset(l4, 0, l4_hdr);
	test_be16(l4, t->sport);
	test_be16(l4 + 2, t->dport);
	if (t->udp) {
		test_be16(l4 + 4, l4_len);
	} else {
		test_be32(l4 + 4, t->seq);
		test_be32(l4 + 8, t->ack);
		l4[12] = (uint8_t)(l4_hdr / 4 << 4);
		l4[13] = t->flags | 0x10;
		test_be16(l4 + 14, t->window);
		if (t->options_len)
			memcpy(l4 + 20, t->options, t->options_len);
	}
	for (unsigned i = 0; i < t->payload; i++)
		l4[l4_hdr + i] = test_byte(t->stream + i);
	sum = test_pseudo(ip, t->udp ? 17 : 6, l4_len);
	if (!t->partial) {
		sum = ~test_sum(sum, l4, l4_len) & 0xffff;
		if (t->udp && sum == 0)
			sum = 0xffff;
	}
	test_be16(check, sum);
	memset(l4 + l4_len, 0, t->padding);
	return (size_t)(l4 + l4_len + t->padding - dst);
}

/** Offset of the transport header. */
static inline unsigned testpkt_l4(const struct testpkt *t)
{
	return (t->ethernet ? 14 + 4 * t->vlan_tags : 0) + (t->v6 ? 40 : 20) + t->ip_options;
}

/** Length of the headers before the payload. */
static inline unsigned testpkt_hdr_len(const struct testpkt *t)
{
	return testpkt_l4(t) + (t->udp ? 8 : 20 + t->options_len);
}

/** A small pseudo-random generator; its sequence is reproducible. */
static inline uint32_t test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}
