/* SPDX-License-Identifier: MIT */
/* Split a superframe from a TAP or TUN into the segments to send. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "pkt/drop.h"
#include "pkt/offload.h"

/** Maximum of segments of one superframe: 65,535 bytes at the smallest segment that Linux TCP sends
 * (MSS 48 with timestamps). May exceed a sender's arena: write them in several batches. */
#define GSO_SPLIT_SEGMENTS_MAX 2048

/** Maximum of segments with less payload than GSO_SPLIT_TINY: as many as GRO merges in one poll. */
#define GSO_SPLIT_TINY_MAX 128
#define GSO_SPLIT_TINY	   32

/** Maximum length of a superframe's headers: each segment repeats them, so a chain of IPv6
 * extension headers must not turn one write of a member into megabytes. */
#define GSO_SPLIT_HEADERS_MAX 256

/**
 * How a superframe is split. Made by gso_split_plan(); callers read the first four members. Borrows
 * the frame, which must not change until the last segment is written.
 */
struct gso_plan {
	uint32_t n_segs;      /* 1 … GSO_SPLIT_SEGMENTS_MAX */
	uint32_t hdr_len;     /* length of the headers, repeated in each segment */
	uint32_t seg_payload; /* payload of each segment but the last */
	uint32_t payload;     /* payload of all segments together */

	const uint8_t *frame;
	enum gso_type gso;
	bool needs_csum;
	bool ip4;	      /* the IP header is IPv4: it has an id and a checksum */
	uint16_t l3;	      /* offset of the IP header */
	uint16_t l4;	      /* offset of the transport header: where the checksum starts */
	uint16_t csum_offset; /* of the checksum field, from l4 */
	uint16_t ip_id;
	uint16_t tcp_flags; /* data offset and flags, one 16-bit word */
	uint32_t seq;
	uint32_t ip_sum; /* IPv4 header without length and id */
	uint32_t l4_sum; /* pseudo and transport header without length, seq, tcp_flags */
};

/**
 * Validate a superframe and plan its segments. The offload metadata and every byte of the frame
 * come from an untrusted member: nothing is used before it is checked here.
 *
 * GSO_NONE yields one segment: verbatim, however wrong its checksum, or with the checksum completed
 * if `o` has NEEDS_CSUM. Other types are split into segments of `gso_size` payload bytes; their
 * checksums are derived from the pseudo-header sum in the frame, so that a wrong one stays wrong.
 * `ethernet`: the frame begins with an Ethernet header (TAP), else with the IP header (TUN).
 * Return: DROP_NONE, DROP_TAP_SHORT (shorter than an Ethernet header, or empty), DROP_TAP_VNET
 * (offload metadata and frame disagree); `ret` is untouched on a drop.
 */
MUST_CHECK enum drop gso_split_plan(const struct offload *o, const uint8_t *frame, size_t len,
	bool ethernet, struct gso_plan *ret);

/** Length of segment `i` in bytes, headers included. All but the last have the same length. */
static inline size_t gso_segment_len(const struct gso_plan *p, unsigned i)
{
	uint32_t start = i * p->seg_payload;

	return p->hdr_len +
	       (p->payload - start < p->seg_payload ? p->payload - start : p->seg_payload);
}

/** Length of the longest segment in bytes: the first. */
static inline size_t gso_segment_len_max(const struct gso_plan *p)
{
	return gso_segment_len(p, 0);
}

/**
 * Write segment `i` (below n_segs), with final lengths and checksums, to `dst`, which has room for
 * gso_segment_len(p, i) bytes and does not overlap the frame. Segments may be written in any order.
 */
void gso_split_write(const struct gso_plan *p, unsigned i, uint8_t *dst);
