/* SPDX-License-Identifier: MIT */
/* MSS clamping: members keep their MTU, and TCP between them uses segments that the path
 * carries. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Lower the MSS option of a SYN or SYN/ACK, over IPv4 or IPv6, behind up to two VLAN tags, IP
 * options and extension headers, so that segments sent to its sender fit. Leaves unchanged: a
 * smaller MSS, a SYN without the option (which means 536), and options after a malformed one.
 *
 * `frame`, `len`: an Ethernet frame. `max_packet`: the largest IP packet in bytes that an untagged
 * frame can carry; each tag takes 4 bytes of it. `mss`: if not 0, the limit itself, in place of the
 * one computed from `max_packet`. `partial`: the checksum field holds only the pseudo-header sum
 * (NEEDS_CSUM); a complete checksum is updated, correct or wrong.
 * Return: whether the MSS was lowered. Source: RFC 9293 §3.7.1: MSS is the IP packet size less the
 * two fixed headers, regardless of options.
 */
bool ether_clamp_mss(uint8_t *frame, size_t len, unsigned max_packet, unsigned mss, bool partial);
