/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about neighbours (ARP, ND) and about the forwarding tables of bridges. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "netlink/link.h"
#include "netlink/msg.h"

/** A neighbour, or an entry of a bridge's forwarding table. */
struct neigh_info {
	uint32_t ifindex; /* where the neighbour is; of an entry: the port, or the bridge itself */
	uint16_t state;	  /* NUD_… */
	bool has_mac;	  /* an Ethernet address follows: without it a neighbour is unresolved */
	uint8_t mac[LINK_MAC_LEN];
};

/** Ask for one neighbour of an interface; answered by one RTM_NEWNEIGH (Linux 5.0). -ENOENT if
 * there is none. Return: `m`, as all encoders do. */
struct nl_msg *neigh_encode_get(struct nl_msg *m, uint32_t ifindex, const struct ip_addr *addr);

/** Have the kernel resolve a neighbour as if a packet were to be sent there. */
struct nl_msg *neigh_encode_use(struct nl_msg *m, uint32_t ifindex, const struct ip_addr *addr);

/** Ask a bridge for the entry of an Ethernet address; answered by one RTM_NEWNEIGH (Linux 5.0).
 * `vlan` 0: of no VLAN, as all are on a bridge without VLAN filtering. -ENOENT if there is none. */
struct nl_msg *neigh_encode_get_fdb(
	struct nl_msg *m, uint32_t bridge, const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan);

/** Read an RTM_NEWNEIGH. Return: 0, or -EBADMSG; `ret` is untouched then. */
int neigh_decode(const struct nlmsghdr *nlh, struct neigh_info *ret);
