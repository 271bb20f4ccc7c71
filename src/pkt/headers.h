/* SPDX-License-Identifier: MIT */
/* Parsing a frame's headers: Ethernet, VLAN tags, IPv4 or IPv6 with extension headers, up to the
 * transport header. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

#define ETH_HEADER_LEN	 14
#define VLAN_TAG_LEN	 4
#define VLAN_TAGS_MAX	 2
#define IP4_HEADER_LEN	 20
#define IP6_HEADER_LEN	 40
#define TCP_HEADER_LEN	 20
#define UDP_HEADER_LEN	 8
#define ETHERTYPE_4	 0x0800
#define ETHERTYPE_6	 0x86dd
#define ETHERTYPE_VLAN	 0x8100
#define ETHERTYPE_QINQ	 0x88a8
#define PROTO_TCP	 6
#define PROTO_UDP	 17
#define PROTO_L2TP	 115
#define PROTO_ICMP4	 1
#define PROTO_ICMP6	 58
#define TCP_FLAG_FIN	 0x01
#define TCP_FLAG_SYN	 0x02
#define TCP_FLAG_PSH	 0x08
#define TCP_FLAG_ACK	 0x10
#define TCP_FLAG_ECE	 0x40
#define TCP_FLAG_CWR	 0x80
#define TCP_SEQ_OFFSET	 4
#define TCP_ACK_OFFSET	 8
#define TCP_DOFF_OFFSET	 12
#define TCP_FLAGS_OFFSET 13
#define TCP_CSUM_OFFSET	 16
#define UDP_LEN_OFFSET	 4
#define UDP_CSUM_OFFSET	 6

/** Positions of the headers of a frame, in bytes from the frame's first byte. */
struct headers {
	uint16_t ethertype;   /* innermost; of a packet from a TUN, by its version */
	uint8_t vlan_tags;    /* 0, 1 or 2 */
	uint8_t version;      /* 4 or 6; 0: not IP, and all below is zero */
	uint8_t proto;	      /* the protocol at `l4` */
	bool dont_fragment;   /* IPv4's DF; IPv6: always */
	bool more_fragments;  /* a fragment, and not the last */
	uint16_t frag_offset; /* in bytes; not 0: there is no transport header at `l4` */
	uint16_t l3;	      /* the IP header */
	uint16_t l4;	      /* after the IP header, its options or extension headers */
	uint32_t end;	      /* end by the IP length field; may lie beyond the frame */
};

/**
 * Parse the `len` bytes at `frame`: an Ethernet frame if `ethernet`, else an IP packet. Only the
 * Ethernet and IP headers are guaranteed to lie within the frame (`l4` ≤ `len`, `l4` ≤ `end`); the
 * caller checks transport header and payload against `len` and `end`. Parsing stops at ESP and
 * unknown extension headers: `l4` is their offset, `proto` their number. A frame with more than two
 * VLAN tags counts as "not IP". Return: 0; -EBADMSG if a header is truncated or inconsistent, with
 * `ret` untouched.
 */
MUST_CHECK int headers_parse(const uint8_t *frame, size_t len, bool ethernet, struct headers *ret);

/** Whether the packet is a fragment: the frame holds only part of its transport payload. */
static inline bool headers_is_fragment(const struct headers *h)
{
	return h->more_fragments || h->frag_offset;
}

/** Sum of the pseudo header of the frame's addresses, for `proto` and `l4_len` bytes from `l4` on.
 * The frame must be IP. */
uint32_t headers_pseudo_sum(const uint8_t *frame, const struct headers *h, uint32_t l4_len);
