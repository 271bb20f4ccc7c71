/* SPDX-License-Identifier: MIT */
/* The header ladder: from the underlay's MTU to the largest packet of a member, byte by byte. */
#pragma once

#include "l2tp/session.h"

#include <stdint.h>

/** Smallest wg MTU that can carry IPv6 inside (RFC 8200 §5). */
#define MTU_IPV6_MIN 1280

/** What the ladder depends on. */
struct mtu_options {
	unsigned underlay; /* MTU of the path between the gateways */
	unsigned wg_mtu;   /* 0: what the underlay leaves; else given in the file */
	uint16_t outer_family;
	uint16_t inner_family;
	enum l2tp_encap encap;
	enum l2tp_sublayer sublayer;
	unsigned cookie_len; /* the longer of the two directions': 0, 4 or 8 */
	unsigned vlan_tags;  /* on the members' frames: 0, 1 or 2 */
};

/** The ladder's steps, outermost first, in the order of the bytes on the underlay. */
enum mtu_layer {
	MTU_OUTER_IP,
	MTU_OUTER_UDP,
	MTU_WG_HEADER,
	MTU_INNER_IP,
	MTU_INNER_UDP,
	MTU_L2TP_FLAGS,
	MTU_L2TP_SESSION,
	MTU_L2TP_COOKIE,
	MTU_L2TP_SUBLAYER,
	MTU_ETHERNET,
	MTU_VLAN,
	MTU_MEMBER_PACKET,
	MTU_WG_TAG,
	MTU_LAYERS
};

/** The resulting numbers, all in bytes. */
struct mtu_ladder {
	struct mtu_options options;
	unsigned bytes[MTU_LAYERS];  /* of each layer; 0 where there is none */
	unsigned offset[MTU_LAYERS]; /* of its first byte in the outer IP packet */
	unsigned outer_len;	     /* the largest outer packet: underlay, or less with wg_mtu */
	unsigned wg_mtu;
	unsigned frame;	  /* largest Ethernet frame (no FCS, tags in) that goes unfragmented */
	unsigned session; /* largest IP packet in it: the session's MTU without fragments */
	unsigned mss4;	  /* TCP payload in such a packet, over IPv4 and over IPv6, no options */
	unsigned mss6;
	unsigned ping4; /* payload of the largest DF echo request: ping -M do -s */
	unsigned ping6;
};

/** The layer's name for people: "WireGuard header". */
const char *mtu_layer_name(enum mtu_layer layer);

/**
 * Compute every number of the ladder.
 * Return: 0; -EINVAL for a family, cookie length or tag count that does not exist; -EMSGSIZE if no
 * room is left for a member's packet; `ret` is untouched then.
 */
int mtu_ladder_compute(const struct mtu_options *o, struct mtu_ladder *ret);
