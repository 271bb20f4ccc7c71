/* SPDX-License-Identifier: MIT */
/* Offload facts of a frame (what virtio_net_hdr says of it), and their 10-byte form on a TAP or TUN
 * descriptor. */
#ifndef PKT_OFFLOAD_H
#define PKT_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of struct virtio_net_hdr as TUNSETVNETHDRSZ defaults to. */
#define VNET_HDR_LEN 10

/** Largest frame or packet that crosses a TAP or TUN descriptor in one call, without the vnet
 * header. */
#define SUPERFRAME_MAX 65535

/** How a superframe is to be segmented. */
enum gso_type {
	GSO_NONE,
	GSO_TCP4,
	GSO_TCP6,
	GSO_UDP_L4, /* UDP_SEGMENT semantics: gso_size payload bytes a datagram */
};

/** Offload facts. All sizes in bytes; csum_start counts from the frame's first byte (on a TAP: the
 * Ethernet header). */
struct offload {
	bool needs_csum; /* the checksum field holds the pseudo-header sum; complete from csum_start
			    on */
	bool csum_valid; /* the checksum has been verified (VIRTIO_NET_HDR_F_DATA_VALID) */
	bool ecn;	 /* VIRTIO_NET_HDR_GSO_ECN */
	enum gso_type gso;
	uint16_t gso_size; /* payload of one segment */
	uint16_t hdr_len;  /* a hint only: wrong on forwarded frames, recompute it */
	uint16_t csum_start;
	uint16_t csum_offset; /* of the checksum field, from csum_start */
};

/**
 * Read the facts from a vnet header.
 * Wire: flags[1] gso_type[1] hdr_len[2] gso_size[2] csum_start[2] csum_offset[2], host (little)
 * endian. Return: 0, or -EINVAL for a gso_type we never asked for; `ret` is untouched then. Source:
 * Linux include/uapi/linux/virtio_net.h.
 */
int offload_decode(const uint8_t hdr[static VNET_HDR_LEN], struct offload *ret);

/** Write the facts as a vnet header. */
void offload_encode(const struct offload *o, uint8_t ret_hdr[static VNET_HDR_LEN]);

#endif
