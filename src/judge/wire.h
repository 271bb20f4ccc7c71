/* SPDX-License-Identifier: MIT */
/* Probes as bytes: ARP, echo requests and neighbour advertisements written, what comes back
 * read. */
#ifndef JUDGE_WIRE_H
#define JUDGE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "judge/observations.h"

#define WIRE_NONCE_LEN	8
#define WIRE_FRAME_MAX	(14 + 65535)
#define WIRE_ARP_LEN	42
#define WIRE_ADVERT_LEN 86

/** Who sends a frame and who gets it. */
struct wire_ends {
	struct ip_addr src;
	struct ip_addr dst; /* same family as `src` */
	uint8_t src_mac[LINK_MAC_LEN];
	uint8_t dst_mac[LINK_MAC_LEN];
};

/** What marks echo requests as ours. */
struct wire_mark {
	uint16_t id;
	uint8_t nonce[WIRE_NONCE_LEN]; /* fills the payload: found wherever it leaks to */
};

/** What a frame or packet is to us. */
enum wire_kind {
	WIRE_OTHER,
	WIRE_ARP_REPLY,	 /* `src`, `src_mac` */
	WIRE_ECHO_REPLY, /* `src`, `src_mac` of a frame, `seq`, `in_pieces` */
	WIRE_SOLICIT,	 /* a neighbour asks for `target`: `src`, `src_mac` */
	WIRE_ERROR,	 /* an ICMP error: `icmp`; the packet it is about: `dst` to `target` */
};

/** What has been read. */
struct wire_read {
	struct ip_addr src;
	struct ip_addr dst;
	struct ip_addr target;
	uint8_t dst_mac[LINK_MAC_LEN]; /* of a frame */
	uint8_t src_mac[LINK_MAC_LEN];
	uint16_t seq;
	bool in_pieces; /* it is the first fragment of the answer */
	struct observed_icmp icmp;
	uint8_t proto;	      /* WIRE_OTHER that is IP: the transport; WIRE_ERROR: the quoted one */
	bool fragment;	      /* of IP */
	uint16_t source_port; /* UDP: of the packet, or of the quoted one */
	uint16_t destination_port;
	const uint8_t *payload; /* UDP payload that is there, in the caller's bytes */
	size_t payload_len;
};

/** Write an Ethernet frame that asks who has ends->dst (IPv4); dst_mac is not used. */
void wire_arp_request(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ARP_LEN]);

/** Write a frame to ends->dst_mac that asks who has ends->dst (IPv4) and names no sender's address
 * (0.0.0.0), so that nobody remembers it. Behind the Ethernet header are `size` bytes, at least 28:
 * the mark's payload fills them. `ret` has room for 14 + size. Return: its length. */
size_t wire_arp_probe(
	const struct wire_ends *ends, const struct wire_mark *mark, size_t size, uint8_t *ret);

/** Write a frame that says that ends->src (IPv6) has src_mac: the answer to a WIRE_SOLICIT. */
void wire_advertise(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ADVERT_LEN]);

/** Write an ICMP or ICMPv6 echo request of `len` bytes, at least 8. The checksum is finished only
 * for ICMP: that of ICMPv6 is the sender's, who knows the addresses. */
void wire_echo(
	uint16_t family, const struct wire_mark *mark, uint16_t seq, uint8_t *ret, size_t len);

/** Write a frame with an echo request in an IP packet of `ip_len` bytes, don't-fragment. `ret` has
 * room for 14 + ip_len. Return: its length. */
size_t wire_echo_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	size_t ip_len, uint8_t *ret);

/** Bytes that an IP packet with an empty echo request has. */
size_t wire_echo_min(uint16_t family);

/** Read an Ethernet frame (possibly cut off). Only answers under `mark` are answers. */
enum wire_kind wire_read_frame(
	const uint8_t *frame, size_t len, const struct wire_mark *mark, struct wire_read *ret);

/** Read an IP packet (possibly cut off). */
enum wire_kind wire_read_packet(
	const uint8_t *packet, size_t len, const struct wire_mark *mark, struct wire_read *ret);

/** Whether an ICMPv6 message (without IP header) is an answer under `mark`. */
bool wire_is_echo_reply6(const uint8_t *icmp, size_t len, const struct wire_mark *mark);

/** Whether a packet, of whatever kind, has our probes' payload in clear. */
bool wire_has_nonce(const uint8_t *packet, size_t len, const struct wire_mark *mark);

/** The link-local address that a MAC address makes (RFC 4291, appendix A). */
struct ip_addr wire_link_local(const uint8_t mac[static LINK_MAC_LEN]);

/** The group address that everybody on a link hears, and its MAC address. */
void wire_all_nodes(struct ip_addr *ret_addr, uint8_t ret_mac[static LINK_MAC_LEN]);

/** A group address that no bridge forwards (IEEE 802.1Q, table 8-1, "reserved"), so that a frame to
 * it ends at the far end of a link, whatever state the port there is in. */
void wire_link_local_group(uint8_t ret_mac[static LINK_MAC_LEN]);

#endif
