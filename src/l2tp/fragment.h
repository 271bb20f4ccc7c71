/* SPDX-License-Identifier: MIT */
/* Push: send an L2TP packet larger than the wg MTU as IP fragments inside the tunnel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The most packets whose heads may be sent before their tails. Linux drops a packet if more than 64
 * other fragments of the same source arrive between two of its own (ipfrag_max_dist); half of that
 * leaves room for reordering.
 */
#define FRAGMENT_RUN_MAX 32

/** Plan for fragmenting one packet. All fragments but the last have the same length, which depends
 * only on the MTU and the family: the heads of a batch are equal, and so are the tails of equal
 * packets. */
struct fragment_plan {
	size_t count;	   /* of fragments: 2 or more */
	size_t ip_len;	   /* the packet's own IP header: 20 or 40 */
	size_t header_len; /* before each fragment's payload: 20, or 48 with the IPv6 fragment
			      header */
	size_t piece;	   /* payload bytes in each fragment but the last: a multiple of 8 */
	size_t payload;	   /* payload bytes of all */
	uint32_t id;
};

/**
 * Plan the fragments of a packet of `packet_len` bytes (as l2tp_push() writes it: no IP options, no
 * extension headers) for a tunnel that carries `mtu` bytes.
 *
 * `id` identifies the packet that a fragment belongs to: take it from one 32-bit counter for the
 * whole engine, incremented for every fragmented packet, since tunnels may share addresses. IPv4
 * has room for its low 16 bits only, which repeat after 65,536 fragmented packets: within a second
 * at the rates of a fast link. Three things prevent fragments of different packets from being
 * joined then: whole packets do not use up these ids, our reassembly checks the distance in
 * WireGuard's counter (see reassembly.h; Linux counts fragments in between), and fragmented packets
 * always have a UDP checksum.
 *
 * Return: 0, -EINVAL if the packet fits as it is, or -EMSGSIZE if `mtu` has no room for 8 bytes of
 * payload or the packet is longer than 65,535.
 */
int fragment_plan(
	uint16_t family, size_t packet_len, size_t mtu, uint32_t id, struct fragment_plan *ret);

/** Length of fragment `j` (from 0) in bytes, header included. */
size_t fragment_len(const struct fragment_plan *p, size_t j);

/**
 * Write fragment `j` of packet[] at `dst`, which has room for fragment_len(p, j) bytes and does not
 * overlap the packet.
 * Return: its length. Source: RFC 791 §3.2, RFC 8200 §4.5.
 */
size_t fragment_write(const struct fragment_plan *p, const uint8_t *packet, size_t j, uint8_t *dst);
