/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about the VLANs of bridges and of their ports. */
#pragma once

#include <linux/netlink.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/msg.h"

/** The VLANs of a port, or of a bridge itself. */
struct bridge_vlans {
	uint32_t ifindex;
	uint16_t pvid;	      /* the VLAN of frames that enter without a tag; 0: none */
	uint8_t members[512]; /* bit n: member of VLAN n */
	uint8_t tagged[512];  /* bit n: of these, its frames leave with a tag */
};

/** List the VLANs of all bridges and ports; a bridge that filters no VLANs has some as well,
 * without effect. Return: `m`. */
struct nl_msg *bridge_vlan_encode_dump(struct nl_msg *m);

/** Read an answer. Return: 0, or -EBADMSG; `ret` is untouched then. */
MUST_CHECK int bridge_vlan_decode(const struct nlmsghdr *nlh, struct bridge_vlans *ret);
