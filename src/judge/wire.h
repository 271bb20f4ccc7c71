/* SPDX-License-Identifier: MIT */
/* Encodes probes (ARP, neighbour discovery, echo requests) and decodes the answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "judge/observations.h"

#define WIRE_NONCE_LEN	    8
#define WIRE_FRAME_MAX	    (14 + 65535)
#define WIRE_ARP_LEN	    42
#define WIRE_ADVERT_LEN	    86
#define WIRE_SOLICIT_LEN    86
#define WIRE_LOOP_PROBE_LEN 60
#define WIRE_SYN_MAX	    74 /* over IPv6 */
#define WIRE_PIECE_LEN	    66 /* 32 bytes of IPv4's payload */
#define WIRE_UDP_MAX	    72 /* likewise; the payload: the mark's, and the number */

/** The sender and the receiver of a frame. */
struct wire_ends {
	struct ip_addr src;
	struct ip_addr dst; /* same family as `src` */
	uint8_t src_mac[LINK_MAC_LEN];
	uint8_t dst_mac[LINK_MAC_LEN];
};

/** Identifies echo requests as ours. */
struct wire_mark {
	uint16_t id;
	uint8_t nonce[WIRE_NONCE_LEN]; /* fills the payload, so that probes are recognised in any
				        * capture */
};

/** Classes of received frames and packets. */
enum wire_kind {
	WIRE_OTHER,
	WIRE_ARP_REQUEST,  /* for `target`, by `src`, `src_mac` */
	WIRE_ARP_REPLY,	   /* `src`, `src_mac` */
	WIRE_ECHO_REQUEST, /* one of ours, or a SYN or UDP of ours: `src`, `dst`, `seq` */
	WIRE_ECHO_REPLY,   /* `src`, `src_mac` of a frame, `seq`, `in_pieces`; that to a SYN has a
			    * `source_port`, too */
	WIRE_SOLICIT,	   /* a neighbour solicitation for `target`: `src`, `src_mac` */
	WIRE_ADVERT,	   /* a neighbour advertisement of `target`: `src`, `src_mac` */
	WIRE_LOOP_PROBE,   /* one of ours: `seq` */
	WIRE_LATER_PIECE,  /* the second fragment of an echo request of ours: `seq` */
	WIRE_ERROR,	   /* an ICMP error: `icmp`; the quoted packet: `dst` to `target` */
};

/** A decoded frame or packet. */
struct wire_read {
	struct ip_addr src;
	struct ip_addr dst;
	struct ip_addr target;
	uint8_t dst_mac[LINK_MAC_LEN]; /* of a frame */
	uint8_t src_mac[LINK_MAC_LEN];
	uint16_t seq;
	bool in_pieces; /* the first fragment of the reply */
	bool tagged;	/* of a VLAN; set by the one who captures */
	struct observed_icmp icmp;
	uint8_t proto;	      /* WIRE_OTHER that is IP: the transport protocol; WIRE_ERROR: the
			       * quoted one */
	bool fragment;	      /* an IP fragment */
	uint32_t first_len;   /* of a first fragment: bytes with the IP header; else 0 */
	uint16_t source_port; /* UDP: of the packet, or of the quoted one; of an answer to a SYN */
	uint16_t destination_port;
	const uint8_t
		*payload; /* that of UDP or L2TP, as far as captured, in the caller's buffer */
	size_t payload_len;
};

/** Write an ARP request for ends->dst (IPv4) as an Ethernet frame; dst_mac is not used. */
void wire_arp_request(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ARP_LEN]);

/** Write an ARP request for ends->dst (IPv4) to ends->dst_mac, with the sender address 0.0.0.0, so
 * that no neighbour cache stores it. `size` bytes, at least 28, follow the Ethernet header: the
 * mark's payload fills them. `ret` has room for 14 + size. Return: the frame's length. */
size_t wire_arp_probe(
	const struct wire_ends *ends, const struct wire_mark *mark, size_t size, uint8_t *ret);

/** Write a broadcast frame that no host interprets, from `src_mac` (IEEE 802's ethertype for local
 * experiments, 0x88b5). One that comes back shows a loop. `number` is read back as its `seq`. */
void wire_loop_probe(const uint8_t src_mac[static LINK_MAC_LEN], const struct wire_mark *mark,
	uint16_t number, uint8_t ret_frame[static WIRE_LOOP_PROBE_LEN]);

/** Write a neighbour advertisement that ends->src (IPv6) has src_mac: the answer to a
 * WIRE_SOLICIT. */
void wire_advertise(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_ADVERT_LEN]);

/** Write a neighbour solicitation for ends->dst (IPv6) to its solicited-node group, with
 * ends->src_mac as the sender's; dst_mac is not used. RFC 4861, section 4.3. */
void wire_solicit(const struct wire_ends *ends, uint8_t ret_frame[static WIRE_SOLICIT_LEN]);

/** Write an ICMP or ICMPv6 echo request of `len` bytes, at least 8. The checksum is complete only
 * for ICMP: that of ICMPv6 needs the addresses, so the sender adds it. */
void wire_echo(
	uint16_t family, const struct wire_mark *mark, uint16_t seq, uint8_t *ret, size_t len);

/** Write a frame with an echo request in an IP packet of `ip_len` bytes, don't-fragment. `ret` has
 * room for 14 + ip_len. Return: the frame's length. */
size_t wire_echo_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	size_t ip_len, uint8_t *ret);

/** Make a frame of wire_echo_frame() a reply that no host has asked for: none answers it. */
void wire_make_reply(uint16_t family, uint8_t *frame);

/** Mark the frame of an echo request for expedited forwarding (RFC 3246), as voice is. */
void wire_expedite(uint8_t *frame);

/** Insert the tag of a VLAN into a frame of `len` bytes, with room for 4 more. Return: its size. */
size_t wire_add_tag(uint8_t *frame, size_t len, uint16_t vlan);

/** Cut a frame of `len` bytes with an echo request over IPv4, of 68 bytes at least, in two
 * fragments. `number` is read back from both as `seq`. The first one stays in `frame`, with
 * WIRE_PIECE_LEN bytes; `ret_later` has room for `len`. Return: the length of the second frame. */
size_t wire_cut(uint8_t *frame, size_t len, uint16_t number, uint8_t *ret_later);

/** Write a frame with a TCP SYN to `port`. A host that answers no echo request may answer it: a
 * closed port resets the connection, and an open one accepts it, which the kernel of ends->src then
 * resets. Return: the frame's length. */
size_t wire_syn_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	uint16_t port, uint8_t ret_frame[static WIRE_SYN_MAX]);

/** Write a frame with a datagram of UDP to `port`. Where nothing listens, the host sends an ICMP
 * error to ends->src. Return: the frame's length. */
size_t wire_udp_frame(const struct wire_ends *ends, const struct wire_mark *mark, uint16_t seq,
	uint16_t port, uint8_t ret_frame[static WIRE_UDP_MAX]);

/** Size in bytes of an IP packet with an empty echo request. */
size_t wire_echo_min(uint16_t family);

/** Decode an Ethernet frame (possibly truncated). Only with `mark` are echo requests,
 * their replies and loop probes decoded as such. */
enum wire_kind wire_read_frame(
	const uint8_t *frame, size_t len, const struct wire_mark *mark, struct wire_read *ret);

/** Decode an IP packet (possibly truncated). */
enum wire_kind wire_read_packet(
	const uint8_t *packet, size_t len, const struct wire_mark *mark, struct wire_read *ret);

/** Whether a decoded WIRE_ERROR is about a datagram of wire_udp_frame(): nothing listens on its
 * port. */
bool wire_is_udp_error(const struct wire_read *r, const struct wire_mark *mark);

/** Whether an ICMPv6 message (without IP header) is an echo reply with `mark`. */
bool wire_is_echo_reply6(const uint8_t *icmp, size_t len, const struct wire_mark *mark);

/** Whether a packet of any kind contains our probes' payload in clear text. */
bool wire_has_nonce(const uint8_t *packet, size_t len, const struct wire_mark *mark);

/** The all-nodes multicast address of a link, and its MAC address. */
void wire_all_nodes(struct ip_addr *ret_addr, uint8_t ret_mac[static LINK_MAC_LEN]);

/** The group address of the spanning tree protocol (IEEE 802.1D): a bridge that takes part in it
 * forwards no frame to this address, and one that does not forwards all. */
void wire_bridge_group(uint8_t ret_mac[static LINK_MAC_LEN]);

/** A group address that no bridge forwards (IEEE 802.1Q, table 8-1, "reserved"), so that a frame to
 * it ends at the far end of a link in any port state. */
void wire_link_local_group(uint8_t ret_mac[static LINK_MAC_LEN]);
