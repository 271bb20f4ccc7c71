/* SPDX-License-Identifier: MIT */
/* Offload metadata of a frame (struct virtio_net_hdr), and its 10-byte encoding on a TAP or TUN
 * descriptor. */
#include "pkt/offload.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "base/bytes.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* since Linux 6.2 */
#endif

int offload_decode(const uint8_t hdr[static VNET_HDR_LEN], struct offload *ret)
{
	struct offload o = { 0 };

	switch (hdr[1] & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		o.gso = GSO_NONE;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		o.gso = GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		o.gso = GSO_TCP6;
		break;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		o.gso = GSO_UDP_L4;
		break;
	default:
		return -EINVAL;
	}
	o.needs_csum = hdr[0] & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	o.csum_valid = hdr[0] & VIRTIO_NET_HDR_F_DATA_VALID;
	o.ecn = hdr[1] & VIRTIO_NET_HDR_GSO_ECN;
	o.hdr_len = load_le16(hdr + 2);
	o.gso_size = load_le16(hdr + 4);
	o.csum_start = load_le16(hdr + 6);
	o.csum_offset = load_le16(hdr + 8);
	*ret = o;
	return 0;
}

void offload_encode(const struct offload *o, uint8_t ret_hdr[static VNET_HDR_LEN])
{
	static const uint8_t types[] = {
		[GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
		[GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
		[GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
		[GSO_UDP_L4] = VIRTIO_NET_HDR_GSO_UDP_L4,
	};

	ret_hdr[0] = (uint8_t)((o->needs_csum ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0) |
			       (o->csum_valid ? VIRTIO_NET_HDR_F_DATA_VALID : 0));
	ret_hdr[1] = (uint8_t)(types[o->gso] | (o->ecn ? VIRTIO_NET_HDR_GSO_ECN : 0));
	store_le16(ret_hdr + 2, o->hdr_len);
	store_le16(ret_hdr + 4, o->gso_size);
	store_le16(ret_hdr + 6, o->csum_start);
	store_le16(ret_hdr + 8, o->csum_offset);
}
