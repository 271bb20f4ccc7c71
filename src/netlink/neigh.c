/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about neighbours (ARP, ND) and about the forwarding tables of bridges. */
#include "netlink/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

struct nl_msg *neigh_encode_get(struct nl_msg *m, uint32_t ifindex, const struct ip_addr *addr)
{
	struct ndmsg n = { .ndm_family = (uint8_t)addr->family, .ndm_ifindex = (int)ifindex };

	nl_msg_start(m, RTM_GETNEIGH, 0, &n, sizeof(n));
	nl_msg_put_addr(m, NDA_DST, addr);
	return m;
}

struct nl_msg *neigh_encode_use(struct nl_msg *m, uint32_t ifindex, const struct ip_addr *addr)
{
	struct ndmsg n = { .ndm_family = (uint8_t)addr->family,
		.ndm_ifindex = (int)ifindex,
		.ndm_flags = NTF_USE };

	nl_msg_start(m, RTM_NEWNEIGH, NLM_F_CREATE, &n, sizeof(n));
	nl_msg_put_addr(m, NDA_DST, addr);
	return m;
}

struct nl_msg *neigh_encode_get_fdb(
	struct nl_msg *m, uint32_t bridge, const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan)
{
	struct ndmsg n = { .ndm_family = AF_BRIDGE };

	nl_msg_start(m, RTM_GETNEIGH, 0, &n, sizeof(n));
	nl_msg_put(m, NDA_LLADDR, mac, LINK_MAC_LEN);
	nl_msg_put_u32(m, NDA_MASTER, bridge);
	if (vlan)
		nl_msg_put_u16(m, NDA_VLAN, vlan);
	return m;
}

int neigh_decode(const struct nlmsghdr *nlh, struct neigh_info *ret)
{
	struct neigh_info info = { 0 };
	struct ndmsg n;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || nl_msg_fixed(nlh, &n, sizeof(n)) < 0 ||
		n.ndm_ifindex <= 0)
		return -EBADMSG;
	info.ifindex = (uint32_t)n.ndm_ifindex;
	info.state = n.ndm_state;
	walk = nl_attrs_of(nlh, sizeof(n));
	while ((a = nl_attrs_next(&walk))) {
		if (mnl_attr_get_type(a) != NDA_LLADDR ||
			mnl_attr_get_payload_len(a) != LINK_MAC_LEN)
			continue;
		memcpy(info.mac, mnl_attr_get_payload(a), LINK_MAC_LEN);
		info.has_mac = true;
	}
	*ret = info;
	return 0;
}
