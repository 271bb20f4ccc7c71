/* SPDX-License-Identifier: MIT */
/* Oversize = reject: the ICMP error that informs a member of the MTU. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** The longest reply: Ethernet header, two tags, and the smallest packet that every IPv6 link
 * carries. */
#define ETHER_TOO_BIG_MAX (14 + 8 + 1280)

/**
 * Build the reply to a frame that does not fit: ICMPv4 "fragmentation needed" for a packet with DF,
 * ICMPv6 "packet too big" for any, quoting as much of the packet as RFC 1812 (576 bytes in total)
 * and RFC 4443 (1280) allow; with the frame's VLAN tags, MAC addresses swapped.
 *
 * A bridge has no IP address in the LAN. The reply's source is therefore the destination of the
 * packet: that address belongs where the sender sends the packet, passes the sender's filters, and
 * is not invented. Hosts identify the connection by the quoted packet, not by the source.
 *
 * `frame`, `len`: an Ethernet frame. `max_packet`: the largest IP packet in bytes that an untagged
 * frame can carry; each tag takes 4 bytes of it. The caller limits the rate of replies.
 * Return: its length, or 0 if there is none: the packet fits, is not IP, is corrupt, IPv4
 * without DF, to or from a group or an address that is not a single host's, a fragment other than
 * the first, an ICMP error or redirect.
 * Source: RFC 1191 §4, RFC 1122 §3.2.2, RFC 4443 §2.4 and §3.2.
 */
size_t ether_too_big_reply(const uint8_t *frame, size_t len, unsigned max_packet,
	uint8_t ret_reply[static ETHER_TOO_BIG_MAX]);
