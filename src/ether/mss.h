/* SPDX-License-Identifier: MIT */
/* MSS clamp: members keep their MTU, TCP between them keeps to what the path carries. */
#ifndef ETHER_MSS_H
#define ETHER_MSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Lower the MSS that a SYN or SYN/ACK announces, over IPv4 or IPv6, through up to two VLAN tags,
 * IP options and extension headers, so that segments sent to its sender fit. Everything else stays
 * as it is: a smaller MSS, a SYN without one (which means 536), what follows a malformed option.
 *
 * `frame`, `len`: an Ethernet frame. `max_packet`: the largest IP packet in bytes that an untagged
 * frame can carry; each tag takes 4 bytes of it. `mss`: not 0: the limit itself, in
 * place of what `max_packet` leaves. `partial`: the checksum field holds the
 * pseudo-header sum only (NEEDS_CSUM); a complete checksum is corrected, right or wrong.
 * Return: whether it was lowered. Source: RFC 9293 §3.7.1: MSS is the IP packet less the two fixed
 * headers, whatever the options.
 */
bool ether_clamp_mss(uint8_t *frame, size_t len, unsigned max_packet, unsigned mss, bool partial);

#endif
