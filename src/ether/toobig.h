/* SPDX-License-Identifier: MIT */
/* Oversize = reject: the ICMP message that tells a member how large its packets may be. */
#ifndef ETHER_TOOBIG_H
#define ETHER_TOOBIG_H

#include <stddef.h>
#include <stdint.h>

/** The longest reply: Ethernet header, two tags, and the smallest packet every IPv6 link
 * carries. */
#define ETHER_TOO_BIG_MAX (14 + 8 + 1280)

/**
 * Build the answer to a frame that does not fit: ICMPv4 "fragmentation needed" for a packet with
 * DF, ICMPv6 "packet too big" for any, quoting as much of the packet as RFC 1812 (576 bytes in
 * all) and RFC 4443 (1280) allow; with the frame's VLAN tags, MAC addresses swapped.
 *
 * A bridge has no address of its own in the segment. The reply's source is therefore the address
 * that the packet was meant for: it surely belongs where the sender believes the packet to be
 * going, passes the sender's filters, and nobody else's address is made up. Hosts take the
 * connection from the quote, not from the source.
 *
 * `frame`, `len`: an Ethernet frame. `max_packet`: the largest IP packet in bytes that an untagged
 * frame can carry; each tag takes 4 bytes of it. The caller limits the rate of replies.
 * Return: its length, or 0 if none is owed: the packet fits, is not IP or damaged, IPv4 without DF,
 * to or from a group or no single host, a fragment but the first, an ICMP error or redirect.
 * Source: RFC 1191 §4, RFC 1122 §3.2.2, RFC 4443 §2.4 and §3.2.
 */
size_t ether_too_big_reply(const uint8_t *frame, size_t len, unsigned max_packet,
	uint8_t ret_reply[static ETHER_TOO_BIG_MAX]);

#endif
