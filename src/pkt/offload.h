/* SPDX-License-Identifier: MIT */
/* Offload metadata of a frame (struct virtio_net_hdr), and its 10-byte encoding on a TAP or TUN
 * descriptor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/** Size of struct virtio_net_hdr, the default of TUNSETVNETHDRSZ. */
#define VNET_HDR_LEN 10

/** Largest frame or packet per system call on a TAP or TUN descriptor, without the vnet header. */
#define SUPERFRAME_MAX 65535

/** How a superframe is segmented. */
enum gso_type {
	GSO_NONE,
	GSO_TCP4,
	GSO_TCP6,
	GSO_UDP_L4, /* as UDP_SEGMENT: gso_size payload bytes per datagram */
};

/** Offload metadata. All sizes in bytes; csum_start is relative to the frame's first byte (on a
 * TAP: the Ethernet header). */
struct offload {
	bool needs_csum; /* the field holds the pseudo-header sum; sum from csum_start */
	bool csum_valid; /* the checksum has been verified (VIRTIO_NET_HDR_F_DATA_VALID) */
	bool ecn;	 /* VIRTIO_NET_HDR_GSO_ECN */
	enum gso_type gso;
	uint16_t gso_size; /* payload of one segment */
	uint16_t hdr_len;  /* a hint only: wrong on forwarded frames; recompute it */
	uint16_t csum_start;
	uint16_t csum_offset; /* of the checksum field, from csum_start */
};

/**
 * Decode a vnet header.
 * Wire: flags[1] gso_type[1] hdr_len[2] gso_size[2] csum_start[2] csum_offset[2], host (little)
 * endian.
 * Return: 0, or -EINVAL for a gso_type that was not negotiated, with `ret` untouched.
 * Source: Linux include/uapi/linux/virtio_net.h.
 */
MUST_CHECK int offload_decode(const uint8_t hdr[static VNET_HDR_LEN], struct offload *ret);

/** Encode a vnet header. */
void offload_encode(const struct offload *o, uint8_t ret_hdr[static VNET_HDR_LEN]);
